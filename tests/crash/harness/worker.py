"""One workflow process: a runner a partition, a reader, a heart. It dies whole, and without a word."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import datetime
from functools import partial
from typing import Any, Final

from contracts.commands import DeadlinesReached
from contracts.words import Clock
from services.workflow.domain.engines import Engines
from services.workflow.engine.lease import Lease, LeaseExpiredError
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import DecisionCrashedError, Output
from services.workflow.engine.runner import PoisonLimit, Runner
from services.workflow.engine.turns import Turns
from tests.crash.harness.cluster import Cluster
from tests.crash.harness.port import Port
from tests.fakes.workflow import CrashError

SESSION: Final = 6.0
POINTS: Final = (
    "states read",
    "states repaired",
    "parking appended",
    "parking kept",
    "recovered",
    "decided",
    "decision crashed",
    "crash counted",
    "facts acked",
    "forwards acked",
    "states acked",
    "offsets acked",
    "deadlines due",
    "deadlines appended",
    "revoked",
    "assigned",
)
"""Every named point at which a worker can die: those of the order of durability, and two of a rebalance."""

SITUATIONS: Final = ("revoked in a batch", "killed in a batch", "frozen in a batch")
"""What must have happened to workers that had decided a batch and not yet acknowledged it."""

_IN_A_BATCH: Final = frozenset({"decided", "facts acked", "forwards acked", "states acked"})
_EXPECTED: Final = (CrashError, LeaseExpiredError, DecisionCrashedError)
_RunnerFactory = Callable[..., Runner]


class Unobserved:
    """No metrics."""

    def recovered(self, partition: Partition, seconds: float) -> None: ...

    def batch(self, partition: Partition, records: int, output: Output, seconds: float) -> None: ...

    def deadlines(self, partition: Partition, record: DeadlinesReached, now: datetime) -> None: ...

    def dropped(self, partition: Partition) -> None: ...


class World:
    """What all workers of a schedule share."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        chance: random.Random,
        wall: Callable[[], datetime],
        engines: Callable[[], Engines],
        runner: _RunnerFactory = Runner,
    ) -> None:
        self.cluster, self.clock, self.chance = cluster, clock, chance
        self.wall, self.engines, self.runner = wall, engines, runner
        self.reached: Counter[str] = Counter()
        self.failures: list[BaseException] = []
        self.hooks: dict[str, Callable[[Worker], None]] = {}
        """What happens to the first worker that reaches a point."""
        self.topic_id = "commands-1"
        self.batch: int | None = None
        """Records in a batch at most; drawn for each runner when left out."""


class Worker:
    """Alive from construction on; `trap` is a point, and how many times it is passed until death there."""

    def __init__(self, world: World) -> None:
        self.alive = True
        self.generation = 0
        self.trap: tuple[str, int] | None = None
        self.runners: dict[int, Runner] = {}
        self.acked: dict[int, int] = {}
        self.lease: Final = Lease(SESSION, asyncio.get_running_loop().time)
        self._turns: Final = Turns(1)
        self._world = world
        self._awake = asyncio.Event()
        self._awake.set()
        self.port: Final = Port(world.cluster, world.chance, self.gate)
        self._position: dict[int, int] = {}
        self._last: dict[int, str] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._reader = self._task(self._read())

    # ---- death and sleep ------------------------------------------------------------------------

    @property
    def frozen(self) -> bool:
        """Stopped by a signal, a paused machine, a swap storm."""
        return not self._awake.is_set()

    def freeze(self) -> None:
        """Stand still at the next gate."""
        self._happens("frozen")
        self._awake.clear()

    def thaw(self) -> None:
        """Go on as if nothing had been."""
        self._awake.set()

    async def gate(self) -> None:
        """A place where the process can be stopped, and where others get their turn."""
        await asyncio.sleep(0)
        while not self._awake.is_set():
            await self._awake.wait()

    def die(self) -> None:
        """End at once: nothing is written, committed or handed over after this."""
        self._happens("killed")
        self.alive = False
        for task in (self._reader, *self._tasks.values()):
            task.cancel()

    def at(self, point: str) -> None:
        """Called at each named point."""
        self._world.reached[point] += 1
        if hook := self._world.hooks.pop(point, None):
            hook(self)
        if self.trap and self.trap[0] == point:
            left = self.trap[1] - 1
            self.trap = (point, left) if left else None
            if not left:
                raise CrashError(point)

    def _passes(self, number: int, point: str) -> None:
        self._last[number] = point
        self.at(point)

    def _happens(self, what: str) -> None:
        if any(self._last.get(number) in _IN_A_BATCH for number in self.runners):
            self._world.reached[f"{what} in a batch"] += 1

    def _task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or (error := task.exception()) is None:
            return
        if not isinstance(error, _EXPECTED):
            self._world.failures.append(error)
        self.die()

    # ---- the group ------------------------------------------------------------------------------

    async def revoke(self) -> None:
        """Give every partition up, in the middle of whatever is going on."""
        self._happens("revoked")
        tasks, self._tasks, self.runners = self._tasks, {}, {}
        for task in tasks.values():
            task.cancel()
        if tasks:
            await asyncio.wait(tasks.values())
        if self._world.chance.random() < 0.5:
            self.commit()
        self._acts("revoked")

    def assign(self, numbers: list[int], generation: int) -> None:
        """Begin with these partitions, where the group last committed."""
        self.generation = generation
        self.lease.renew()
        self.acked = {n: self._world.cluster.partitions[n].committed for n in numbers}
        self._position = dict(self.acked)
        for number in numbers:
            runner = self.runners[number] = self._new_runner(number)
            self._tasks[number] = self._task(runner.run())
        self._world.cluster.wake()
        self._acts("assigned")

    def commit(self) -> None:
        """Let the group know how far it is."""
        for number, offset in self.acked.items():
            self._world.cluster.partitions[number].committed = offset

    def _acts(self, point: str) -> None:
        try:
            self.at(point)
        except CrashError:
            self.die()

    def _new_runner(self, number: int) -> Runner:
        world = self._world
        return world.runner(
            Partition(number, world.clock, world.engines()),
            self.port,
            Unobserved(),
            world.wall,
            batch_records=world.batch or world.chance.randint(1, 20),
            limit=PoisonLimit(window=1000, share=1.0),
            topic_id=world.topic_id,
            may_write=self.lease.check,
            turns=self._turns,
            at=partial(self._passes, number),
        )

    # ---- reading --------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            for number, runner in list(self.runners.items()):
                commands = self._world.cluster.partitions[number].commands
                while self.runners.get(number) is runner and self._position[number] < len(commands):
                    record = commands[self._position[number]]
                    self._position[number] += 1
                    await runner.offer(record, partial(self._ack, runner, number, record.offset))
            await self._world.cluster.moved()
            await self.gate()

    def _ack(self, runner: Runner, number: int, offset: int) -> None:
        if self.runners.get(number) is runner:
            assert offset == self.acked[number], "acknowledged out of order"
            self.acked[number] = offset + 1
