"""A worker whose session is over ends, even with nothing to write; one that waits for others does not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError
from prometheus_client import CollectorRegistry, generate_latest

from contracts.commands import Parked
from contracts.words import Clock
from services.workflow.adapters import worker as workers
from services.workflow.adapters.metrics import Metrics
from services.workflow.adapters.topics import keep_same
from services.workflow.adapters.worker import Worker
from services.workflow.engine.lease import Lease, LeaseExpiredError
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import TopicRecreatedError
from services.workflow.settings import BROKERS, read_settings

SESSION = BROKERS["tansu"].session_timeout_seconds
REBALANCE = BROKERS["tansu"].rebalance_timeout_seconds


class Told:
    """A worker as the group has left it `silent` seconds ago."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, holds: bool, joined: bool = True) -> None:
        self.now = 0.0
        self.ended: list[BaseException] = []
        for patch in ("fetch_wait", "heartbeat", "hand_over", "commit_offset", "failed_commit"):
            monkeypatch.setattr(workers, f"patch_{patch}", lambda *_: None)
        monkeypatch.setattr(workers, "WATCH_SECONDS", 0.0)
        settings = read_settings({"MOTCUA_KAFKA": "127.0.0.1:1", "MOTCUA_BROKER": "tansu"})
        lease = Lease(SESSION, lambda: self.now)
        self.worker = Worker(settings, self._no_runner, lease, self.ended.append)
        self.worker._joined = self.worker.assigned = joined
        if holds:
            self.worker.runners[0] = object()  # type: ignore[assignment]  # only that there is one counts

    def _no_runner(self, number: int) -> Any:
        raise AssertionError("nothing is assigned here")

    def watched(self, silent: float) -> bool:
        """Whether the watch ends the worker after so long a silence."""

        async def watch() -> bool:
            task = asyncio.create_task(self.worker._watch())
            self.now = silent
            for _ in range(20):
                await asyncio.sleep(0)
            ended = task.done()
            task.cancel()
            await asyncio.wait([task])
            return ended and isinstance(task.exception(), LeaseExpiredError)

        return asyncio.run(watch())


@pytest.mark.parametrize(
    ("holds", "silent", "ends"),
    [
        (True, SESSION - 0.1, False),
        (True, SESSION + 0.1, True),
        (False, SESSION + 0.1, False),
        (False, SESSION + REBALANCE - 0.1, False),
        (False, 2 * SESSION + REBALANCE + 0.1, True),
    ],
)
def test_the_watch(monkeypatch: pytest.MonkeyPatch, holds: bool, silent: float, ends: bool) -> None:
    assert Told(monkeypatch, holds=holds).watched(silent) is ends


def test_before_the_first_assignment_there_is_nothing_to_lose(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Told(monkeypatch, holds=False, joined=False).watched(1000.0)


@pytest.mark.parametrize(
    ("silent", "stopping", "ends"), [(99.0, False, True), (99.0, True, False), (1.0, False, False)]
)
def test_partitions_taken_away_because_the_session_is_over_end_the_process(
    monkeypatch: pytest.MonkeyPatch, silent: float, stopping: bool, ends: bool
) -> None:
    told = Told(monkeypatch, holds=True)
    told.now = silent
    told.worker._stopping = stopping
    if ends:
        with pytest.raises(LeaseExpiredError):
            asyncio.run(told.worker._on_revoked(None, set()))
    else:
        asyncio.run(told.worker._on_revoked(None, set()))
    assert len(told.ended) == ends
    assert not told.worker.assigned


def test_levels_of_a_partition_go_with_it() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    partition = Partition(3, Clock.SYSTEM)
    metrics.dropped(partition)  # before it had any
    partition.parking.park(Parked(dossier_id="0" * 32, offset=0, reason="key_error"))
    partition.last_offset = 5
    metrics.recovered(partition, 0.1)
    assert 'motcua_workflow_parked_dossiers{partition="3"} 1.0' in generate_latest(registry).decode()
    metrics.dropped(partition)
    assert 'partition="3"' not in generate_latest(registry).decode()


def test_a_topic_created_again_under_a_worker_ends_it() -> None:
    answers: list[str | Exception] = ["one", KafkaTimeoutError(), "one", "two"]

    def ask() -> str:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(TopicRecreatedError, match="it was one, it is two"):
        asyncio.run(keep_same("one", ask, 0.0))
    assert answers == []


class _Stubborn:
    """A Faust app that takes no cancellation of its stop until `free`."""

    crashed = False

    def __init__(self) -> None:
        self.free = False
        self.cancelled = 0

    def finalize(self) -> None:
        """Nothing to do."""

    async def start(self) -> None:
        """Nothing to do."""

    async def wait_for_stopped(self, stop: asyncio.Event) -> None:
        """Returns at once."""

    async def stop(self) -> None:
        """Waits for what never comes."""
        while not self.free:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1


def test_a_faust_that_does_not_stop_keeps_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "STOP_SECONDS", 0.05)
    app = _Stubborn()

    async def scenario() -> None:
        worker = Told(monkeypatch, holds=False).worker
        worker.app = app
        async with asyncio.timeout(10):
            await worker.run(asyncio.Event())
        app.free = True  # the loop cancels what is left when it ends

    asyncio.run(scenario())
    assert app.cancelled == 1
