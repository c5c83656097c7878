"""Topics for a cluster of any size, and what counts as a difference."""

from __future__ import annotations

import pytest

from contracts.topics import TOPICS
from deploy.kafka.admin import Standing
from deploy.kafka.topics import differences, planned

COMMANDS = "dossier.commands.v1"


def test_without_a_number_the_contracts_stand_as_they_are() -> None:
    assert planned() == TOPICS


@pytest.mark.parametrize(("copies", "in_step"), [(1, "1"), (2, "1"), (3, "2"), (5, "2")])
def test_only_replication_changes(copies: int, in_step: str) -> None:
    topics = planned(copies)
    assert list(topics) == list(TOPICS)
    for name, topic in topics.items():
        assert topic.replication_factor == copies
        assert topic.partitions == TOPICS[name].partitions
        assert topic.config == {**TOPICS[name].config, "min.insync.replicas": in_step}


def test_a_topic_has_at_least_one_copy() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        planned(0)


def test_what_stands_as_wanted_differs_in_nothing() -> None:
    topic = planned(1)[COMMANDS]
    assert differences(topic, Standing(topic.partitions, 1, topic.config)) == []


def test_settings_the_broker_does_not_tell_are_not_judged() -> None:
    topic = planned(1)[COMMANDS]
    assert differences(topic, Standing(topic.partitions, 1, {})) == []


def test_more_copies_than_wanted_are_welcome() -> None:
    topic = planned(1)[COMMANDS]
    assert differences(topic, Standing(topic.partitions, 3, topic.config)) == []


def test_every_difference_is_named() -> None:
    topic = planned(3)[COMMANDS]
    found = Standing(4, 1, {**topic.config, "retention.ms": "604800000"})
    assert differences(topic, found) == [
        f"{COMMANDS} has 4 partitions, the contracts say 8",
        f"{COMMANDS} has replication factor 1, expected 3",
        f"{COMMANDS} has retention.ms=604800000, the contracts say -1",
    ]
