"""A sink that refuses its warehouse, and the one start that puts it right: real processes."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_driver import Client

from deploy.local.ports import HOST
from services.analytics.errors import WarehouseMismatchError
from tests.fakes.analytics import MemoryFacts
from tests.integration.sink_stack import PATIENCE, Stack, a_log, interleaved
from tests.waiting import wait_until


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


@pytest.mark.long
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
    told = "a repair from the log is under way"
    wait_until(lambda: told in stack.why_not_ready(), PATIENCE, "the repair to be told", every=0.01)
    stack.wait_for(facts)
    stack.wait_ready()
    assert told in stack.analytics.text()
    assert re.search(r"INFO .*partition 2: proven, [1-9]\d* differences found", stack.analytics.text())
    assert re.search(r"INFO .*partition 2: raw facts put right", stack.analytics.text())
    assert "lane 0: roll-ups made anew" in stack.analytics.text()
    stack.assert_exact(facts)
    stop(stack)
    del stack.analytics.environ["MOTCUA_REPAIR"]
    stack.analytics.start()
    stack.wait_ready()
    stack.assert_exact(facts)
    stop(stack)


def test_a_lost_warehouse_is_filled_again_by_one_start(stack: Stack, tmp_path: Path) -> None:
    """Nothing is left of it, while the log says what was inserted."""
    facts = a_log(40, seed=14)
    stack.analytics.start()
    stack.send(interleaved(facts))
    stack.wait_for(facts)
    figures = stack.ask("/v1/figures")
    stop(stack)
    stack.warehouse.kill()
    shutil.rmtree(tmp_path / "data")
    stack.warehouse.start()
    stack.analytics.start()
    assert stack.analytics.ended(PATIENCE) == WarehouseMismatchError.exit_code
    stack.analytics.environ["MOTCUA_REPAIR"] = "1"
    stack.analytics.start()
    stack.wait_for(facts)
    stack.assert_exact(facts)
    proof = stack.ask("/v1/reconcile", "POST")
    assert [proof[kind] for kind in ("missing", "duplicated", "mismatched", "drift")] == [0, 0, 0, 0]
    ages = {"as_of": 0, "age_seconds": 0}
    assert {**stack.ask("/v1/figures"), **ages} == {**figures, **ages}
