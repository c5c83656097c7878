"""A sink that refuses its warehouse, and the one start that puts it right: real processes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_driver import Client

from deploy.local.ports import HOST
from services.analytics.errors import WarehouseMismatchError
from tests.fakes.analytics import MemoryFacts
from tests.integration.sink_stack import PATIENCE, Stack, a_log, interleaved


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    one = Stack(tmp_path)
    try:
        yield one
    finally:
        one.close()


def stop(stack: Stack) -> None:
    assert stack.analytics.running is not None
    stack.analytics.running.send_signal(signal.SIGTERM)
    assert stack.analytics.ended(30) == 0


def lose(stack: Stack, where: str) -> None:
    """Raw rows are gone behind the sink's back; what was made of them stands."""
    with Client(HOST, int(stack.house.rpartition(":")[2])) as client:
        client.execute(f"ALTER TABLE facts DELETE WHERE {where} SETTINGS mutations_sync = 2")


def test_rows_lost_behind_its_back_are_put_right_by_the_start_it_asks_for(stack: Stack) -> None:
    facts = a_log(40, seed=12)
    records = interleaved(facts)
    most = MemoryFacts(sorted(facts.records))
    for record in records[: len(records) * 2 // 3]:
        most.records[record.partition].append(record)
    stack.analytics.start()
    stack.send(records[: len(records) * 2 // 3])
    stack.wait_for(most)
    stack.assert_exact(most)
    stop(stack)

    before = len(stack.rows())
    lose(stack, "log_offset BETWEEN 3 AND 9 OR log_partition = 2")
    assert 0 < len(stack.rows()) < before
    stack.send(records[len(records) * 2 // 3 :])
    for start in (1, 2):  # none goes on by itself
        stack.analytics.start()
        assert stack.analytics.ended(PATIENCE) == WarehouseMismatchError.exit_code
        said = [line for line in stack.analytics.text().splitlines() if " stopping: " in line]
        assert len(said) == start
        assert "MOTCUA_REPAIR=1" in said[-1]
    assert len(stack.rows()) < before, "who refuses inserts nothing"

    stack.analytics.environ["MOTCUA_REPAIR"] = "1"
    stack.analytics.start()
    stack.wait_for(facts)
    stack.assert_exact(facts)
    stop(stack)
    del stack.analytics.environ["MOTCUA_REPAIR"]
    stack.analytics.start()
    stack.wait_ready()
    stack.assert_exact(facts)
    stop(stack)
