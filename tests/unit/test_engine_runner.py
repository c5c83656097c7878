"""The runner's own promises that no random schedule would show reliably."""

from __future__ import annotations

import asyncio

import pytest

from contracts.words import Clock
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import Incoming
from services.workflow.engine.runner import OutOfOrderError, PoisonLimit, Runner
from tests.crash.harness.worker import Unobserved
from tests.fakes.workflow import START, MemoryLog


def test_a_partition_taken_away_the_moment_a_record_arrives_is_let_go() -> None:
    """Whoever takes it away waits for the task; a lost cancellation would hold up the whole group."""
    log = MemoryLog()
    log.append_raw(b"x", b"{")
    work = Runner(
        Partition(0, Clock.LOG),
        log,
        Unobserved(),
        lambda: START,
        batch_records=5,
        limit=PoisonLimit(window=10, share=1.0),
        topic_id="commands-1",
        may_write=lambda: None,
    )

    async def story() -> bool:
        task = asyncio.create_task(work.run())
        for _ in range(10):  # more turns than it needs to recover and to wait for the first record
            await asyncio.sleep(0)
        assert work.ready
        await work.offer(Incoming(0, b"x", b"{"), lambda: None)
        task.cancel()
        done, _ = await asyncio.wait([task], timeout=5)
        return task in done

    assert asyncio.run(story())


@pytest.mark.parametrize("again", [3, 4])
def test_a_record_that_does_not_come_after_the_one_before_is_refused(again: int) -> None:
    """A reader between two memberships may hold records of both; decided late, one would count as decided."""
    work = Runner(
        Partition(0, Clock.LOG),
        MemoryLog(),
        Unobserved(),
        lambda: START,
        batch_records=5,
        limit=PoisonLimit(window=10, share=1.0),
        topic_id="commands-1",
        may_write=lambda: None,
    )

    async def story() -> None:
        await work.offer(Incoming(4, b"x", b"{"), lambda: None)
        with pytest.raises(OutOfOrderError, match=f"offset {again} comes after 4"):
            await work.offer(Incoming(again, b"x", b"{"), lambda: None)
        await work.offer(Incoming(5, b"x", b"{"), lambda: None)

    asyncio.run(story())
