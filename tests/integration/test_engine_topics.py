"""The tools' way to the topics, on a real broker: to the true end, in order, and without hanging."""

from __future__ import annotations

import uuid

import pytest

from contracts.topics import COMMANDS_DLQ, DOSSIER_PARTITIONS, STATES
from deploy.local.ports import HOST, free_ports
from motcua.__main__ import main
from services.workflow.adapters.topics import PartitionTopics, Topics
from services.workflow.engine.records import FENCE_KEY


def test_a_partition_is_read_to_its_end_and_in_order(broker: str) -> None:
    topics = Topics([broker])
    name = uuid.uuid4().hex
    offsets = [
        topics.append(
            COMMANDS_DLQ, 5, None if n == 2 else f"{name}-{n}".encode(), b"%d" % n, [("n", b"%d" % n)]
        )
        for n in range(4)
    ]
    topics.append(COMMANDS_DLQ, 5, name.encode(), None, [])
    rows = [row for row in topics.read(COMMANDS_DLQ, 5) if row.offset >= offsets[0]]
    assert [row.offset for row in rows] == [*offsets, offsets[-1] + 1]
    assert [row.value for row in rows] == [b"0", b"1", b"2", b"3", None]
    assert rows[2].key is None
    assert rows[1].headers == (("n", b"1"),)
    assert all(row.partition == 5 and row.timestamp > 1_600_000_000_000 for row in rows)


def test_reading_stops_where_the_end_was_when_it_began(broker: str) -> None:
    topics = Topics([broker])
    first = topics.append(COMMANDS_DLQ, 6, b"k", b"first", [])
    reading = (row for row in topics.read(COMMANDS_DLQ, 6) if row.offset >= first)
    assert next(reading).value == b"first"
    topics.append(COMMANDS_DLQ, 6, b"k", b"second", [])
    assert list(reading) == []


def test_fences_are_no_states(broker: str) -> None:
    topics = Topics([broker])
    key = uuid.uuid4().hex
    for name, value in ((key, b"{}"), (FENCE_KEY, b"workflow-0")):
        topics.append(STATES, 7, name.encode(), value, [])
    found = [name for name, _ in PartitionTopics(topics, 7).states()]
    assert key in found
    assert FENCE_KEY not in found


def test_what_was_never_committed_is_zero(broker: str) -> None:
    assert Topics([broker]).committed(range(DOSSIER_PARTITIONS)).keys() == set(range(DOSSIER_PARTITIONS))


@pytest.mark.parametrize("words", [["engine", "verify"], ["dlq", "list"]])
def test_no_broker_is_one_line_and_exit_code_one(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    [port] = free_ports(1)
    monkeypatch.setenv("MOTCUA_KAFKA", f"{HOST}:{port}")
    assert main(words) == 1
    err = capsys.readouterr().err
    assert f"no broker answers at {HOST}:{port}" in err
    assert len(err.splitlines()) == 1
