"""One schedule: workers at work on a growing log while things happen to them, drawn from a seed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from contracts.commands import Command, TimeAdvanced, Unparked
from contracts.words import Clock
from services.workflow.engine.runner import Runner
from tests.crash.harness.history import END, Entry, fragile, history
from tests.crash.harness.oracle import Reader, read_once
from tests.crash.harness.stage import Stage, in_virtual_time
from tests.crash.harness.verdict import Verdict
from tests.crash.harness.worker import POINTS, Worker

PARTITIONS: Final = 2
MEMBERS: Final = 3
_WEIGHTS: Final = {
    "feed": 7,
    "turns": 4,
    "pass_time": 4,
    "trap": 5,
    "tear": 3,
    "kill": 2,
    "freeze": 3,
    "thaw": 2,
    "join": 3,
    "leave": 1,
    "rebalance": 1,
    "land": 2,
    "unpark": 1,
    "mend": 1,
}


class Schedule:
    """Make one inside a running loop, then `run` it once."""

    def __init__(self, seed: int, clock: Clock, runner: Callable[..., Runner] = Runner) -> None:
        self._chance = chance = random.Random(f"{seed}/{clock}")
        self._ahead: list[list[Entry]] = [history(chance, clock, n) for n in range(PARTITIONS)]
        code = fragile(chance, [entry for part in self._ahead for entry in part])
        pace = timedelta(hours=chance.randint(1, 12))
        self.stage = Stage(clock, chance, code, partitions=PARTITIONS, pace=pace, runner=runner)
        self._group, self._cluster = self.stage.group, self.stage.cluster
        self._proven = seed % 5 == 0

    async def run(self, read: Reader = read_once) -> Verdict:
        """Let things happen, then let everything come to an end, and judge. Raises what nobody expected."""
        actions = self._chance.choices(
            list(_WEIGHTS), list(_WEIGHTS.values()), k=self._chance.randint(10, 30)
        )
        await self.stage.join()
        for action in actions:
            await getattr(self, f"_{action}")()
            await self._group.beat()
            if not self._group.members and self._chance.random() < 0.7:
                await self.stage.join()
        await self._end()
        return self.stage.judge(read, proven=self._proven)

    # ---- what can happen ------------------------------------------------------------------------

    async def _feed(self) -> None:
        for _ in range(self._chance.randint(1, 12)):
            self._feed_one(self._chance.randrange(PARTITIONS))

    def _feed_one(self, number: int) -> None:
        if self._ahead[number]:
            self.stage.feed(number, self._ahead[number].pop(0))

    async def _turns(self) -> None:
        for _ in range(self._chance.randint(1, 40)):
            await asyncio.sleep(0)

    async def _pass_time(self) -> None:
        await asyncio.sleep(self._chance.choice([0.01, 0.5, 2.0, 7.0]))

    async def _trap(self) -> None:
        if worker := self._anybody():
            worker.trap = self._chance.choice(POINTS), self._chance.randint(1, 3)

    async def _tear(self) -> None:
        if worker := self._anybody():
            worker.port.tear = self._chance.randint(0, 12)

    async def _kill(self) -> None:
        if worker := self._anybody():
            worker.die()

    async def _freeze(self) -> None:
        if worker := self._anybody():
            worker.freeze()

    async def _thaw(self) -> None:
        frozen = [worker for worker in self._group.zombies if worker.frozen]
        if frozen:
            self._chance.choice(frozen).thaw()

    async def _join(self) -> None:
        if len(self._group.members) < MEMBERS:
            await self.stage.join()

    async def _leave(self) -> None:
        if worker := self._anybody():
            await self._group.leave(worker)

    async def _rebalance(self) -> None:
        await self._group.rebalance()

    async def _land(self) -> None:
        late, self._cluster.late = self._cluster.late, []
        for append in late:
            append()

    async def _mend(self) -> None:
        self.stage.code.mended = True

    async def _unpark(self) -> None:
        number = self._chance.randrange(PARTITIONS)
        known = self._dossiers(number)
        if known:
            self._cluster.append(number, Unparked(dossier_id=self._chance.choice(known)))

    def _dossiers(self, number: int) -> list[str]:
        owner = self._group.owner(number)
        tables = owner.runners[number].partition.parking.tables() if owner else {}
        return sorted(tables) or sorted(
            {entry.dossier_id for entry in self._ahead[number] if isinstance(entry, Command)}
        )

    def _anybody(self) -> Worker | None:
        members = self._group.members
        return self._chance.choice(members) if members else None

    # ---- the end --------------------------------------------------------------------------------

    async def _end(self) -> None:
        """The rest of the log; then the zombies wake up; then a last rebalance, after which all is quiet."""
        for number in range(PARTITIONS):
            while self._ahead[number]:
                self._feed_one(number)
            if self.stage.clock is Clock.LOG:
                self._cluster.append(number, TimeAdvanced(to=END))
        self.stage.over = True
        await self.stage.settle()
        for zombie in self._group.zombies:
            zombie.trap = None
            zombie.thaw()
        await self._land()
        await self.stage.settle()
        await self.stage.join()
        await self.stage.settle()


def survive(
    seed: int,
    clock: Clock,
    runner: Callable[..., Runner] = Runner,
    read: Reader = read_once,
) -> tuple[Verdict, Counter[str]]:
    """Run the schedule of that seed; its verdict, and how often each point was passed."""

    async def one() -> tuple[Verdict, Counter[str]]:
        schedule = Schedule(seed, clock, runner)
        return await schedule.run(read), schedule.stage.world.reached

    return in_virtual_time(one)
