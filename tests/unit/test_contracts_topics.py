"""Rules the topics file must keep."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import pytest

from contracts import topics
from contracts.topics import TOPICS, Topic

SERVICES = {"intake", "workflow", "analytics"}
LONGEST_PAUSE_MS = 3_600_000
SHARED = (topics.COMMANDS, topics.FACTS, topics.OUTCOMES, topics.STATES)
CONSTANTS = {
    value
    for name, value in vars(topics).items()
    if name.isupper() and isinstance(value, str) and not name.startswith("_")
}


def test_every_topic_has_a_constant_and_every_constant_a_topic() -> None:
    assert set(TOPICS) == CONSTANTS
    assert {
        topics.COMMANDS,
        topics.COMMANDS_DLQ,
        topics.FACTS,
        topics.FACTS_DLQ,
        topics.OUTCOMES,
        topics.STATES,
        topics.LAW,
        topics.SERIALS,
        topics.INTENTS,
    } == set(TOPICS)


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_a_topic_says_who_writes_and_who_reads_it(topic: Topic) -> None:
    assert re.fullmatch(r"[a-z]+(\.[a-z]+)*\.v[1-9]\d*(\.dlq)?", topic.name)
    assert topic.producers
    assert set(topic.producers) | set(topic.consumers) <= SERVICES
    assert topic.purpose
    assert topic.key
    assert topic.partitions >= 1
    if topic.name.endswith(".dlq"):
        assert not topic.consumers
    else:
        assert topic.consumers


def test_a_dead_letter_twin_agrees_with_its_topic() -> None:
    twins = {topic.dlq: topic for topic in TOPICS.values() if topic.dlq}
    assert set(twins) == {name for name in TOPICS if name.endswith(".dlq")}
    for name, source in twins.items():
        twin = TOPICS[name]
        assert name == f"{source.name}.dlq"
        assert twin.partitions == source.partitions
        assert twin.config == source.config, "what does not fit the source cannot be put aside"
        assert set(twin.producers) == set(source.consumers), "who reads it puts its poison aside"


def test_what_a_dossier_touches_shares_one_partition_count() -> None:
    assert {TOPICS[name].partitions for name in SHARED} == {topics.DOSSIER_PARTITIONS}


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_nothing_is_lost_to_retention_or_compaction(topic: Topic) -> None:
    policy = topic.config["cleanup.policy"]
    assert policy in {"delete", "compact"}
    if policy == "compact":
        assert int(topic.config["min.compaction.lag.ms"]) > LONGEST_PAUSE_MS
        assert "retention.ms" not in topic.config
    elif topic.name == topics.OUTCOMES:
        assert int(topic.config["retention.ms"]) >= 3_600_000
    else:
        assert topic.config["retention.ms"] == "-1"


@pytest.mark.parametrize("topic", TOPICS.values(), ids=lambda topic: topic.name)
def test_production_settings_stand_a_broker_loss(topic: Topic) -> None:
    assert topic.replication_factor == 3
    assert topic.config["min.insync.replicas"] == "2"
    assert topic.config["unclean.leader.election.enable"] == "false"
    assert topic.config["compression.type"] == "producer"
    assert all(isinstance(value, str) for value in topic.config.values())


def test_the_file_says_nothing_the_loader_ignores() -> None:
    data = tomllib.loads(resources.files("contracts").joinpath("topics.toml").read_text(encoding="utf-8"))
    assert set(data) == {"dossier_partitions", "defaults", "topics"}
    known = {"purpose", "key", "partitions", "producers", "consumers", "config", "dlq"}
    for name, row in data["topics"].items():
        assert set(row) <= known, name
