"""A log with a herd in it, written as intake and workflow would have written it, only faster.

The commands are decided by the engine's own :class:`Partition`, in batches of the worker's size; commands,
facts and states are written with the worker's encodings, headers and batch sizes, the topic's id with them,
and the group's offsets are committed. So `motcua engine verify` finds nothing to say about it. Outcomes are
left out: they are kept for a day and nobody waits for these.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from contracts.codec import encode
from contracts.commands import Command, LawChanged
from contracts.headers import Headers
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, FACTS, STATES
from contracts.words import Clock
from services.workflow.adapters.log import _fact_head
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import Decoded, Incoming
from services.workflow.settings import GROUP
from tests.crash.herd.plan import Plan, law

BATCH: Final = 500
BATCH_BYTES: Final = 131_072
PROCESSES: Final = 2


def build(bootstrap: str, plan: Plan, topic_id: str) -> dict[int, int]:
    """Fill the empty topics of a broker; for each partition how many facts were written."""
    shares = [range(n, DOSSIER_PARTITIONS, PROCESSES) for n in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        written = pool.map(partial(_fill, bootstrap, plan, topic_id), shares)
        return {number: facts for one in written for number, facts in one.items()}


def _fill(bootstrap: str, plan: Plan, topic_id: str, numbers: Sequence[int]) -> dict[int, int]:
    return asyncio.run(_filled(bootstrap, plan, topic_id, numbers))


async def _filled(bootstrap: str, plan: Plan, topic_id: str, numbers: Sequence[int]) -> dict[int, int]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=BATCH_BYTES)
    await producer.start()
    try:
        builders = {number: _Builder(producer, number) for number in numbers}
        for builder in builders.values():
            await builder.begin(law(plan.due), topic_id)
        for number in range(plan.dossiers):
            register, accept = plan.commands(number)
            target = (murmur2(register.dossier_id.encode()) & 0x7FFFFFFF) % DOSSIER_PARTITIONS
            if target in builders:
                await builders[target].add(register, accept)
        for builder in builders.values():
            await builder.end()
    finally:
        await producer.stop()
    await _commit(bootstrap, {number: builder.offset for number, builder in builders.items()})
    return {number: builder.facts.count for number, builder in builders.items()}


async def _commit(bootstrap: str, offsets: dict[int, int]) -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        parts = {TopicPartition(COMMANDS, number): offset for number, offset in offsets.items()}
        consumer.assign(list(parts))
        await consumer.commit(parts)
    finally:
        await consumer.stop()


class _Topic:
    """Records of one partition of a topic, in batches of the worker's size, acked in their order."""

    def __init__(self, producer: Any, name: str, number: int) -> None:
        self._producer, self._name, self._number = producer, name, number
        self._batch = producer.create_batch()
        self._sent: list[Any] = []
        self.count = 0

    async def append(self, key: bytes | None, value: bytes, headers: Headers) -> None:
        if self._batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
            await self.send()
            self._batch.append(timestamp=None, key=key, value=value, headers=headers)
        self.count += 1

    async def send(self) -> None:
        if self._batch.record_count():
            sent = await self._producer.send_batch(self._batch, self._name, partition=self._number)
            self._sent.append(sent)
            self._batch = self._producer.create_batch()

    async def acked(self) -> None:
        """Raises when a record did not come to stand where the log counts it."""
        await self.send()
        last = await self._sent[-1]
        for sent in self._sent:
            await sent
        if last.offset >= self.count:
            raise RuntimeError(f"{self._name}, partition {self._number}: it was not empty")


class _Builder:
    """One partition as the worker would have left it."""

    def __init__(self, producer: Any, number: int) -> None:
        self._partition = Partition(number, Clock.SYSTEM)
        self._commands = _Topic(producer, COMMANDS, number)
        self.facts = _Topic(producer, FACTS, number)
        self._states = _Topic(producer, STATES, number)
        self._batch: list[Decoded] = []
        self.offset = 0

    async def begin(self, change: LawChanged, topic_id: str) -> None:
        for key, data in self._partition.check_topic(topic_id).items():
            await self._states.append(key.encode(), data, [])
        await self._record(change, None)
        await self._decide()

    async def add(self, *one: Command) -> None:
        for command in one:
            await self._record(command, command.dossier_id.encode())
        if len(self._batch) >= BATCH:
            await self._decide()

    async def end(self) -> None:
        await self._decide()
        for topic in (self._commands, self.facts, self._states):
            await topic.acked()

    async def _record(self, message: Command | LawChanged, key: bytes | None) -> None:
        value = encode(message)
        await self._commands.append(key, value, [])
        self._batch.append(Decoded(Incoming(self.offset, key, value), message))
        self.offset += 1

    async def _decide(self) -> None:
        output = self._partition.apply(self._batch)
        self._batch = []
        for fact in output.facts:
            head, headers = _fact_head(fact)
            await self.facts.append(head, encode(fact), headers)
        for name, data in output.states.items():
            await self._states.append(name.encode(), data, [])
