"""One round: a fresh broker, a log with a herd in it, one worker; what it took and what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from tests.brokers import running_broker
from tests.crash.herd.build import build
from tests.crash.herd.load import Load
from tests.crash.herd.plan import Plan, beside
from tests.crash.herd.watching import Fired, all_facts, until_fired
from tests.crash.herd.worker import OneWorker
from tests.waiting import wait_until

PATIENCE: Final = 600.0
ANSWER_SECONDS: Final = 60.0
HEAD_START: Final = 5.0
"""The commands beside the herd begin so many seconds before it."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a worker came up: seconds from its start, seconds of its slowest partition, resident bytes."""

    dossiers: int
    ready: float
    slowest: float
    resident: int


@dataclass(frozen=True, slots=True)
class Result:
    """What a herd came to. Times in seconds; `again` is the recovery after the kill."""

    recovery: Recovery
    again: Recovery | None
    seconds: float
    p50: float
    p99: float
    peak: int
    commands: int
    lost: int
    doubled: int
    repeats: int
    at_kill: int
    """How many had been fired when the worker died; all of them, without a kill."""


class HerdTooEarlyError(Exception):
    """The due second came before the worker was ready: ask for a longer lead."""


def recovered(dossiers: int) -> tuple[Recovery, float]:
    """How a worker comes up with so many open dossiers, none of them due, and what the whole round took."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, running_broker(Path(name)) as bootstrap:
        build(bootstrap, Plan(dossiers, _second(3600)))
        worker = OneWorker(bootstrap, Path(name))
        try:
            return _come_up(worker, dossiers), time.monotonic() - began
        finally:
            worker.kill()


def stampede(dossiers: int, lead: float, *, kill: bool) -> Result:
    """All fall due `lead` seconds from now; with `kill` the worker dies once a third of them has."""
    with tempfile.TemporaryDirectory() as name, running_broker(Path(name)) as bootstrap:
        return stampede_on(bootstrap, Path(name), dossiers, lead, kill=kill)


def stampede_on(bootstrap: str, folder: Path, dossiers: int, lead: float, *, kill: bool) -> Result:
    """The same on a broker with empty topics."""
    plan = Plan(dossiers, _second(lead))
    starts = build(bootstrap, plan)
    worker = OneWorker(bootstrap, folder)
    try:
        recovery = _come_up(worker, dossiers)
        if time.time() > plan.due.timestamp() - HEAD_START:
            raise HerdTooEarlyError(f"{lead:g} s ahead is too soon; ask for more with --lead")
        return asyncio.run(_Stampede(bootstrap, worker, plan, starts, recovery).run(kill=kill))
    finally:
        worker.kill()


def _come_up(worker: OneWorker, dossiers: int) -> Recovery:
    worker.start()
    return _up(worker, dossiers)


def _up(worker: OneWorker, dossiers: int) -> Recovery:
    ready = worker.ready()
    return Recovery(dossiers, ready, worker.recovery_seconds(), worker.memory()[0])


def _second(ahead: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=ahead)


class _Stampede:
    """From shortly before the due second until every fact is counted."""

    def __init__(
        self, bootstrap: str, worker: OneWorker, plan: Plan, starts: Mapping[int, int], recovery: Recovery
    ) -> None:
        self._bootstrap, self._worker, self._plan = bootstrap, worker, plan
        self._starts, self._recovery = dict(starts), recovery
        self._load = Load(bootstrap, beside(datetime.now(UTC)))

    async def run(self, *, kill: bool) -> Result:
        loop = asyncio.get_running_loop()
        again, at_kill = None, self._plan.dossiers
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            due = self._plan.due.timestamp()
            await asyncio.sleep(due - HEAD_START - time.time())
            async with self._load.running() as stop_sending:
                counting = loop.run_in_executor(
                    pool, _count, self._bootstrap, self._starts, self._plan.dossiers
                )
                await asyncio.sleep(due - time.time())
                began = time.monotonic()
                if kill:
                    again, at_kill = await self._kill()
                await counting
                ended = time.monotonic()
                stop_sending()
                await self._answered()
            peak = self._worker.memory()[1]
            await asyncio.to_thread(self._worker.stop)
            # Now that nobody writes: also what came after the last due date.
            fired = await all_facts(self._bootstrap, self._starts)
        waits = self._load.latencies(began, ended)
        return Result(
            recovery=self._recovery,
            again=again,
            seconds=fired.last - due,
            p50=_quantile(waits, 0.5),
            p99=_quantile(waits, 0.99),
            peak=peak,
            commands=len(waits),
            lost=self._plan.dossiers - len(fired.once) + self._load.unanswered() + fired.gaps,
            doubled=fired.doubled,
            repeats=fired.repeats,
            at_kill=at_kill,
        )

    async def _kill(self) -> tuple[Recovery, int]:
        passed = await asyncio.to_thread(self._worker.until_passed, self._plan.dossiers // 3)
        self._worker.kill()
        self._worker.start()
        return await asyncio.to_thread(_up, self._worker, self._plan.dossiers), passed

    async def _answered(self) -> None:
        with contextlib.suppress(TimeoutError):  # what is still open then is counted as lost
            await asyncio.to_thread(
                wait_until, lambda: not self._load.unanswered(), ANSWER_SECONDS, "the last answers"
            )


def _count(bootstrap: str, starts: Mapping[int, int], dossiers: int) -> Fired:
    return asyncio.run(until_fired(bootstrap, starts, dossiers, PATIENCE))


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")
