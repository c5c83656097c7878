"""The order of durability, for one partition: decide, write, wait, write states, wait, commit.

Per batch: facts and outcomes (and dead letters) produced and acked → draws forwarded to where their seals are
kept and acked → changed states produced and acked → records acknowledged for commit. No batch begins before
the one before it is through, so a crash anywhere repeats work and never loses any. Whatever goes wrong here
leaves :meth:`Runner.run` as an exception; the caller ends the process before anything is committed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from contracts.commands import DeadlinesReached, DrawNumber, Parked
from contracts.facts import FactRecord
from contracts.outcomes import CommandOutcome
from contracts.words import Clock
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import (
    DecisionCrashedError,
    Decoded,
    Incoming,
    Output,
    Poison,
    StatesLostError,
    concerns_partition,
)
from services.workflow.engine.restoring import Restoring
from services.workflow.engine.turns import Turns

QUEUE_LIMIT: Final = 2000
"""Records a partition holds before the reader has to wait."""

IDLE_SECONDS: Final = 1.0
"""Longest time between two looks at the deadlines under the system clock."""


class LogPort(Protocol):
    """What the runner needs of the log. Each call returns only when the brokers acked it."""

    async def write(
        self,
        partition: int,
        facts: Iterable[FactRecord],
        outcomes: Iterable[CommandOutcome],
        poison: Iterable[Poison],
        now: datetime,
    ) -> None:
        """Append facts, outcomes and dead letters."""

    async def forward(self, draws: Iterable[DrawNumber]) -> None:
        """Append to the commands each draw where its seal is kept; those for one seal in their order."""

    async def write_states(self, partition: int, states: dict[str, bytes]) -> None:
        """Write the changed states, in their order."""

    async def append_record(self, partition: int, record: DeadlinesReached | Parked) -> int:
        """Append a record of the worker's own to the commands; its offset."""

    def read_states(self, partition: int) -> AsyncIterator[tuple[str, bytes]]:
        """Every state record up to the present end."""


class Observer(Protocol):
    """Told what happened, for metrics."""

    def recovered(self, partition: Partition, seconds: float) -> None:
        """A partition is ready."""

    def batch(self, partition: Partition, records: int, output: Output, seconds: float) -> None:
        """A batch is durable."""

    def deadlines(self, partition: Partition, record: DeadlinesReached, now: datetime) -> None:
        """A time record was appended."""

    def dropped(self, partition: Partition) -> None:
        """A partition is no longer this worker's."""


class TooMuchPoisonError(Exception):
    """More undecodable records than the set share: a broken producer or reader; stop, do not drain."""


class OutOfOrderError(Exception):
    """The reader handed a record over that does not come after the one before: crash, and read again."""


@dataclass(frozen=True, slots=True)
class PoisonLimit:
    """At most `share` of the last `window` records may be poison; judged from `least` poison records on."""

    window: int
    share: float
    least: int = 20


@dataclass(frozen=True, slots=True)
class _Queued:
    item: Decoded | Poison
    ack: Callable[[], None]


class Runner:
    """One partition at work.

    `wall` is the wall clock. `topic_id` names the commands topic as it is now; a state that was made from
    another one is refused. `may_write` raises when this worker has lost the right to write, and is asked
    before every write. `turns` are shared by the partitions of a process. `at` is called at each named
    point of the order.
    """

    def __init__(
        self,
        partition: Partition,
        log: LogPort,
        observer: Observer,
        wall: Callable[[], datetime],
        *,
        batch_records: int,
        limit: PoisonLimit,
        topic_id: str,
        may_write: Callable[[], None],
        turns: Turns | None = None,
        at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self.partition: Final = partition
        self.ready = False
        self._log = log
        self._observer = observer
        self._wall = wall
        self._batch_records = batch_records
        self._limit = limit
        self._recent: deque[bool] = deque(maxlen=limit.window)
        self._topic_id = topic_id
        self._may_write = may_write
        self._at = at
        self._queue: deque[_Queued] = deque()
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._appended: int | None = None
        self._turns = turns or Turns(1)
        self._wake = self._arrived.set
        self._offered = -1

    async def offer(self, record: Incoming, ack: Callable[[], None]) -> None:
        """Queue one record, waiting for room; `ack` is called once all that follows from it is durable.

        Raises OutOfOrderError: decided late, a record would be skipped as one decided long ago.
        """
        await self._room.wait()
        if record.offset <= self._offered:
            raise OutOfOrderError(
                f"partition {self.partition.number}: offset {record.offset} comes after {self._offered}"
            )
        self._offered = record.offset
        self._queue.append(_Queued(self.partition.read(record), ack))
        self._arrived.set()
        if len(self._queue) >= QUEUE_LIMIT:
            self._room.clear()

    async def run(self) -> None:
        """Recover, then work until cancelled. Raises whatever goes wrong."""
        try:
            await self._recover()
            while True:
                await self._append_due()
                batch = await self._next_batch()
                if batch:
                    await self._process(batch)
        finally:
            self._turns.leave(self._wake)
            self._observer.dropped(self.partition)

    async def _recover(self) -> None:
        started = asyncio.get_running_loop().time()
        number = self.partition.number
        found = Restoring()
        async for key, data in self._log.read_states(number):
            found.take(key, data)
        self._at("states read")
        repairs = self.partition.restore(found)
        await self._write_states(repairs | self.partition.check_topic(self._topic_id))
        self._at("states repaired")
        for record in self.partition.to_park():
            await self._park(record)
        self._at("recovered")
        self.ready = True
        self._observer.recovered(self.partition, asyncio.get_running_loop().time() - started)

    async def _park(self, record: Parked) -> None:
        self._may_write()
        await self._log.append_record(self.partition.number, record)
        self._at("parking appended")
        # In this order: whoever finds the state finds the record in the log, so that deciding the log again
        # parks the dossier where this worker did.
        await self._write_states(self.partition.parking.park(record))
        self._at("parking kept")

    async def _write_states(self, states: dict[str, bytes]) -> None:
        if states:
            self._may_write()
            await self._log.write_states(self.partition.number, states)

    async def _next_batch(self) -> list[_Queued]:
        if not self._queue:
            self._arrived.clear()
            try:
                # Not `wait_for`: in Python 3.11 it loses a cancellation that meets an arrival, and whoever
                # took the partition away would wait for this task for ever.
                async with asyncio.timeout(self._patience()):
                    await self._arrived.wait()
            except TimeoutError:
                return []
        batch: list[_Queued] = []
        while self._queue and len(batch) < self._batch_records:
            item = self._queue[0].item
            alone = isinstance(item, Decoded) and concerns_partition(item.message)
            if alone and batch:
                break
            batch.append(self._queue.popleft())
            if alone:
                break
        self._room.set()
        return batch

    def _patience(self) -> float | None:
        """Seconds until the deadlines must be looked at again; None when only a record can change them."""
        if self.partition.clock is Clock.LOG or self._appended is not None:
            return None
        earliest = self.partition.deadlines.next_at()
        if earliest is None:
            return None
        if self._turns.awaited_by(self._wake):
            return None
        return min(IDLE_SECONDS, max(0.0, earliest - self._wall().timestamp()) + 0.001)

    async def _process(self, batch: list[_Queued]) -> None:
        number = self.partition.number
        started = asyncio.get_running_loop().time()
        items = [queued.item for queued in batch]
        self._check_beginning(items[0])
        self._check_poison(items)
        output = await self._decide(items)
        self._at("decided")
        self._may_write()
        await self._log.write(number, output.facts, output.outcomes, output.poison, self._wall())
        self._at("facts acked")
        await self._forward(output)
        await self._write_states(output.states)
        self._at("states acked")
        for queued in batch:
            queued.ack()
        self._at("offsets acked")
        last = _offset(items[-1])
        if self._appended is not None and last >= self._appended:
            self._appended = None
            self._turns.leave(self._wake)
        seconds = asyncio.get_running_loop().time() - started
        self._observer.batch(self.partition, len(batch), output, seconds)

    async def _forward(self, output: Output) -> None:
        """Ask the seals for the numbers of this batch's stamps.

        After the facts, so that no number stands in the log before its stamp; before the states, since what
        they say is done is not decided again, and would not be asked for again.
        """
        if output.forwards:
            self._may_write()
            await self._log.forward(output.forwards)
            self._at("forwards acked")

    async def _decide(self, items: list[Decoded | Poison]) -> Output:
        """What follows from the batch. A crash is counted, for whoever comes next, before it goes on up."""
        try:
            return self.partition.apply(items)
        except DecisionCrashedError as crash:
            self._at("decision crashed")
            await self._write_states(self.partition.parking.count(crash))
            self._at("crash counted")
            raise

    async def _append_due(self) -> None:
        """Append the next list of reached deadlines, unless one is still on its way through the log.

        Between two of its lists a partition decides what else came. A full list is a herd's, and takes
        its turn: others meet the herd too, and commands must not wait for a list of each of them.
        """
        if self._appended is not None:
            return
        now = self._wall()
        record = self.partition.due(now)
        if record is None or len(record.entries) < DeadlinesReached.LIMIT:
            self._turns.leave(self._wake)
        elif not self._turns.take(self._wake):
            return
        if record is not None:
            self._at("deadlines due")
            self._may_write()
            self._appended = await self._log.append_record(self.partition.number, record)
            self._at("deadlines appended")
            self._observer.deadlines(self.partition, record, now)

    def _check_beginning(self, first: Decoded | Poison) -> None:
        if self.partition.unknown and _offset(first) > 0:
            raise StatesLostError(
                f"partition {self.partition.number}: the group goes on at offset {_offset(first)}, but the "
                f"state topic knows nothing of what was decided before"
            )
        self.partition.unknown = False

    def _check_poison(self, items: list[Decoded | Poison]) -> None:
        self._recent.extend(isinstance(item, Poison) for item in items)
        poison = sum(self._recent)
        if poison >= self._limit.least and poison > self._limit.share * len(self._recent):
            raise TooMuchPoisonError(
                f"partition {self.partition.number}: {poison} of the last {len(self._recent)} records "
                f"are undecodable; see the dead-letter topic and the producers before starting again"
            )


def _offset(item: Decoded | Poison) -> int:
    return item.record.offset if isinstance(item, Poison) else item.offset
