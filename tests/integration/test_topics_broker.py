"""Topics on a running broker: created once, verified after, differences refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from contracts.topics import TOPICS
from deploy.kafka.__main__ import main
from deploy.kafka.admin import Admin, BrokerUnavailableError
from deploy.kafka.topics import ensure_topics, planned
from deploy.local.ports import HOST, free_ports
from tests.brokers import KIND, START_SECONDS, running_broker
from tests.waiting import wait_until

COMMANDS, LAW = "dossier.commands.v1", "law.v1"


@pytest.fixture
def empty_broker(tmp_path: Path) -> Iterator[str]:
    """A broker without topics, for one test."""
    with running_broker(tmp_path, topics=False) as address:

        def answers() -> bool:
            try:
                with Admin(address, connect_seconds=1.0):
                    return True
            except BrokerUnavailableError:
                return False

        wait_until(answers, START_SECONDS[KIND], "the broker to answer")
        yield address


def test_creates_what_is_missing_then_verifies(empty_broker: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--bootstrap", empty_broker, "--replication", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"created   {name}" for name in TOPICS]

    assert main(["--bootstrap", empty_broker, "--replication", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"verified  {name}" for name in TOPICS]


def test_the_broker_has_them_as_planned(empty_broker: str) -> None:
    ensure_topics(empty_broker, 1)
    with Admin(empty_broker) as admin:
        found = admin.standing(TOPICS)
    assert {name: one.partitions for name, one in found.items()} == {
        name: topic.partitions for name, topic in TOPICS.items()
    }


def test_a_topic_with_another_partition_count_is_refused_and_left_alone(
    empty_broker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    smaller = msgspec.structs.replace(planned(1)[COMMANDS], partitions=3)
    with Admin(empty_broker) as admin:
        admin.create([smaller])

    assert main(["--bootstrap", empty_broker, "--replication", "1"]) == 1

    assert f"{COMMANDS} has 3 partitions, the contracts say 8" in capsys.readouterr().err
    with Admin(empty_broker) as admin:
        assert admin.standing([COMMANDS])[COMMANDS].partitions == 3


def test_a_topic_with_another_setting_is_refused(
    empty_broker: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = planned(1)[LAW]
    with Admin(empty_broker) as admin:
        admin.create([msgspec.structs.replace(wanted, config={**wanted.config, "retention.ms": "1000"})])

    assert main(["--bootstrap", empty_broker, "--replication", "1"]) == 1

    assert f"{LAW} has retention.ms=1000, the contracts say -1" in capsys.readouterr().err


def test_no_broker_is_said_and_can_be_tried_again() -> None:
    [port] = free_ports(1)
    with pytest.raises(BrokerUnavailableError, match=f"no broker answers at {HOST}:{port}"):
        ensure_topics(f"{HOST}:{port}", 1, patience=1.0)
