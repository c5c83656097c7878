"""One worker's way to the topics, with every way it can go wrong.

A write is a row of single appends. The worker may be frozen before the first one (its lease was looked at
already), between any two, and before it learns of the last ack; it may die in the middle; and when it is
taken away in the middle, what was on the wire lands later, or never.
"""

from __future__ import annotations

import random
from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import datetime
from functools import partial

from contracts.codec import encode
from contracts.commands import DeadlinesReached, DrawNumber, Parked
from contracts.facts import FactRecord
from contracts.outcomes import CommandOutcome
from services.workflow.engine.records import Poison
from tests.crash.harness.cluster import Cluster
from tests.fakes.workflow import CrashError

Append = Callable[[], object]


class Port:
    """Implements `services.workflow.engine.runner.LogPort`. `gate` waits while the worker is frozen."""

    def __init__(self, cluster: Cluster, chance: random.Random, gate: Callable[[], Awaitable[None]]) -> None:
        self._cluster, self._chance, self._gate = cluster, chance, gate
        self.tear: int | None = None
        """How many more single records may be written before the writer dies in the middle of a batch."""

    async def write(
        self,
        partition: int,
        facts: Iterable[FactRecord],
        outcomes: Iterable[CommandOutcome],
        poison: Iterable[Poison],
        now: datetime,
    ) -> None:
        """Each topic in its order, the topics in any."""
        topics = self._cluster.partitions[partition]
        rows: list[list[Append]] = [
            [partial(topics.facts.append, (fact.cause, encode(fact))) for fact in facts],
            [partial(topics.outcomes.append, encode(outcome)) for outcome in outcomes],
            [partial(topics.letters.append, letter) for letter in poison],
        ]
        await self._deliver(self._mixed(rows))

    async def forward(self, draws: Iterable[DrawNumber]) -> None:
        """Each partition in its order, the partitions in any."""
        rows: dict[int, list[Append]] = {}
        for draw in draws:
            rows.setdefault(self._cluster.home(draw.seal_id), []).append(partial(self._cluster.forward, draw))
        await self._deliver(self._mixed(list(rows.values())))

    async def write_states(self, partition: int, states: dict[str, bytes]) -> None:
        """In their order."""
        topic = self._cluster.partitions[partition].states
        await self._deliver([partial(topic.append, item) for item in states.items()])

    async def append_record(self, partition: int, record: DeadlinesReached | Parked) -> int:
        """At the end of the commands."""
        offset = -1

        def append() -> None:
            nonlocal offset
            offset = self._cluster.append(partition, record)

        await self._deliver([append])
        return offset

    async def read_states(self, partition: int) -> AsyncIterator[tuple[str, bytes]]:
        """Everything that was there when it began."""
        await self._gate()
        for record in list(self._cluster.partitions[partition].states):
            yield record
        await self._gate()

    def _mixed(self, rows: list[list[Append]]) -> list[Append]:
        places = [row for row in rows for _ in row]
        self._chance.shuffle(places)
        turns = {id(row): iter(row) for row in rows}
        return [next(turns[id(row)]) for row in places]

    async def _deliver(self, appends: list[Append]) -> None:
        written = 0
        pause = self._chance.randint(0, len(appends) * 3)
        try:
            await self._gate()
            for append in appends:
                if self.tear is not None:
                    if self.tear == 0:
                        raise CrashError("torn write")
                    self.tear -= 1
                append()
                written += 1
                if written == pause:
                    await self._gate()
            await self._gate()
        except (CancelledError, CrashError):
            # A producer keeps the order of a topic: some of what follows lands, and nothing after a gap.
            self._cluster.late += appends[written : self._chance.randint(written, len(appends))]
            raise
