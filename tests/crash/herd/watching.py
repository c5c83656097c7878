"""Reading what the worker wrote: the herd's facts, each once, and the answers to the commands beside.

A reader keeps what stands above the highest cause it has seen and drops the rest as repeats, as every reader
of the facts does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from msgspec import Struct

from contracts.facts import Cause
from contracts.topics import FACTS

PASSED: Final = "DueDatePassed"


class _Body(Struct, frozen=True):
    type: str


class _Fact(Struct, frozen=True):
    dossier_id: str
    seq: int
    cause: Cause
    body: _Body | None = None
    seal_id: str = ""
    """The number of a stamp is a fact of its seal's register, which has no body."""


_decoder: Final[msgspec.json.Decoder[_Fact]] = msgspec.json.Decoder(_Fact)


@dataclass(slots=True)
class Fired:
    """What was found. `last` is when the last deadline's fact was written, in seconds since the epoch."""

    once: set[str] = field(default_factory=set)
    doubled: int = 0
    gaps: int = 0
    repeats: int = 0
    last: float = 0.0
    _marks: dict[int, tuple[int, int]] = field(default_factory=dict)
    _seqs: dict[str, int] = field(default_factory=dict)

    def take(self, partition: int, value: bytes, timestamp: int) -> None:
        """One more record of the facts topic; `timestamp` in milliseconds."""
        fact = _decoder.decode(value)
        place = (fact.cause.offset, fact.cause.n)
        if place <= self._marks.get(partition, (-1, -1)):
            self.repeats += 1
            return
        self._marks[partition] = place
        passed = fact.body is not None and fact.body.type == PASSED
        aggregate = fact.seal_id or fact.dossier_id
        # A dossier of the herd enters with the third of its facts, one beside it with the first.
        wanted = self._seqs.get(aggregate, 2 if passed else 0) + 1
        self.gaps += fact.seq != wanted
        self._seqs[aggregate] = fact.seq
        if passed:
            self.doubled += fact.dossier_id in self.once
            self.once.add(fact.dossier_id)
            self.last = timestamp / 1000


@asynccontextmanager
async def reading(bootstrap: str, topic: str, starts: Mapping[int, int]) -> AsyncIterator[Any]:
    """A consumer without a group that stands at `starts`, an offset for each partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    await consumer.start()
    try:
        parts = {TopicPartition(topic, number): offset for number, offset in starts.items()}
        consumer.assign(list(parts))
        for part, offset in parts.items():
            consumer.seek(part, offset)
        yield consumer
    finally:
        await consumer.stop()


async def until_fired(bootstrap: str, starts: Mapping[int, int], count: int, seconds: float) -> Fired:
    """Read facts until `count` due dates have passed, at most `seconds`; what there was by then."""
    fired = Fired()
    async with reading(bootstrap, FACTS, starts) as consumer:
        try:
            async with asyncio.timeout(seconds):
                while len(fired.once) < count:
                    await _more(consumer, fired)
        except TimeoutError:
            pass
    return fired


async def all_facts(bootstrap: str, starts: Mapping[int, int]) -> Fired:
    """Every fact from `starts` on, once nobody writes any more."""
    fired = Fired()
    async with reading(bootstrap, FACTS, starts) as consumer:
        parts = consumer.assignment()
        reported = await consumer.end_offsets(parts)
        while True:
            read = await _more(consumer, fired)
            # Each of the two answers can be behind in its own way.
            ends = {part: max(reported[part], consumer.highwater(part) or 0) for part in parts}
            if not read and all([await consumer.position(part) >= ends[part] for part in parts]):
                return fired


async def _more(consumer: Any, fired: Fired) -> int:
    read = 0
    for part, batch in (await consumer.getmany(timeout_ms=200, max_records=2000)).items():
        for record in batch:
            read += 1
            if record.value is not None:
                fired.take(part.partition, record.value, record.timestamp)
    return read
