"""A cluster, a group of workers, a wall clock, code with or without a defect; waiting until all is quiet."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

from contracts.words import Clock
from services.workflow.engine.runner import Runner
from tests.crash.harness.cluster import Cluster
from tests.crash.harness.group import Group
from tests.crash.harness.history import END, Entry, Fragile
from tests.crash.harness.oracle import Reader, across, judge, prove, read_once
from tests.crash.harness.verdict import Verdict
from tests.crash.harness.virtual import VirtualLoop
from tests.crash.harness.worker import Worker, World
from tests.fakes.workflow import START

T = TypeVar("T")

PATIENCE: Final = 600
"""Virtual seconds a log may take to be worked off once nothing happens any more."""


class Stage:
    """Make one inside a running loop. `pace` is what a virtual second is on the wall clock."""

    def __init__(
        self,
        clock: Clock,
        chance: random.Random,
        code: Fragile,
        *,
        partitions: int = 1,
        pace: timedelta = timedelta(hours=6),
        runner: Callable[..., Runner] = Runner,
    ) -> None:
        self.clock, self.chance, self.code = clock, chance, code
        self.cluster: Final = Cluster(partitions)
        self.world: Final = World(self.cluster, clock, chance, self._wall, code.engines, runner)
        self.group: Final = Group(self.world)
        self.over = False
        """Whether the wall clock has come to its end."""
        self._pace = pace

    def _wall(self) -> datetime:
        passed = START + self._pace * asyncio.get_running_loop().time()
        return END if self.over else min(passed, END)

    def feed(self, number: int, entry: Entry) -> None:
        """One entry at the end of a partition's commands."""
        if entry is None or isinstance(entry, bytes):
            self.cluster.append_raw(number, b"x", entry)
        else:
            self.cluster.append(number, entry)

    async def join(self) -> Worker:
        """A new worker."""
        worker = Worker(self.world)
        await self.group.join(worker)
        return worker

    async def settle(self) -> None:
        """Until the log is worked off and nothing is due. Raises AssertionError when that never comes."""
        until = asyncio.get_running_loop().time() + PATIENCE
        while not self._quiet():
            if asyncio.get_running_loop().time() > until:
                raise AssertionError(f"not worked off: {self._state()}")
            await self.group.beat()
            if not self.group.members:
                await self.join()
            for worker in self.group.members:
                worker.trap = worker.port.tear = None
            await asyncio.sleep(1.1)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let everybody go on until something has come about. Raises AssertionError when it never does."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"it never came: {self._state()}"
            await asyncio.sleep(0.01)

    def judge(self, read: Reader = read_once, *, proven: bool = True) -> Verdict:
        """Every partition judged; `proven`: also by the product's own proof. Raises what nobody expected."""
        if self.world.failures:
            raise self.world.failures[0]
        verdict = Verdict()
        for number, topics in enumerate(self.cluster.partitions):
            owner = self.group.owner(number)
            live = owner.runners[number].partition if owner else None
            verdict.add(judge(topics, number, self.clock, live, self.chance, read))
        verdict.add(across(self.cluster.partitions))
        if proven:
            verdict.add(prove(self.cluster.partitions, self.clock))
        return verdict

    def _quiet(self) -> bool:
        for number, topics in enumerate(self.cluster.partitions):
            owner = self.group.owner(number)
            if owner is None or not owner.alive or not owner.runners[number].ready:
                return False
            if owner.acked[number] != len(topics.commands):
                return False
            if owner.runners[number].partition.due(self._wall()) is not None:
                return False
        return True

    def _state(self) -> str:
        return "; ".join(
            f"partition {number}: owner {self.group.owner(number)}, committed {topics.committed} of "
            f"{len(topics.commands)}"
            for number, topics in enumerate(self.cluster.partitions)
        )


def in_virtual_time(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run to the end in a loop of its own, in which no time is lost by waiting."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work())
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
