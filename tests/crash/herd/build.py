"""A log with a herd in it, written as intake and workflow would have written it, only faster.

The commands are decided by the engine's own :class:`Partition`, in batches of the worker's size; facts and
states are written by the worker's own :class:`Log`, the topic's id with them, and the group's offsets are
committed. So `motcua engine verify` finds nothing to say about it. Outcomes are left out: they are kept for a
day and nobody waits for these.
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
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS
from contracts.words import Clock
from services.workflow.adapters.log import Log, wall_clock
from services.workflow.adapters.topics import topic_id
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import Decoded, Incoming, Output
from services.workflow.settings import GROUP, Settings, read_settings
from tests.brokers import KIND
from tests.crash.herd.plan import Plan, law

BATCH: Final = 500
PROCESSES: Final = 2


def build(bootstrap: str, plan: Plan) -> dict[int, int]:
    """Fill the empty topics of a broker; for each partition how many facts were written."""
    shares = [range(n, DOSSIER_PARTITIONS, PROCESSES) for n in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        written = pool.map(partial(_fill, bootstrap, plan), shares)
        return {number: facts for one in written for number, facts in one.items()}


def _fill(bootstrap: str, plan: Plan, numbers: Sequence[int]) -> dict[int, int]:
    settings = read_settings({"MOTCUA_KAFKA": bootstrap, "MOTCUA_BROKER": KIND.value})
    return asyncio.run(_filled(settings, plan, numbers, topic_id(settings, COMMANDS)))


async def _filled(settings: Settings, plan: Plan, numbers: Sequence[int], named: str) -> dict[int, int]:
    producer = AIOKafkaProducer(
        bootstrap_servers=list(settings.bootstrap), acks="all", max_batch_size=1_000_000
    )
    log = Log(settings)
    await producer.start()
    await log.start()
    try:
        builders = {number: _Builder(producer, log, number) for number in numbers}
        for builder in builders.values():
            await builder.begin(law(plan.due), named)
        for number in range(plan.dossiers):
            register, accept = plan.commands(number)
            key = register.dossier_id.encode()
            builder_of = builders.get((murmur2(key) & 0x7FFFFFFF) % DOSSIER_PARTITIONS)
            if builder_of:
                await builder_of.add(register, accept)
        for builder in builders.values():
            await builder.end()
    finally:
        await log.stop()
        await producer.stop()
    await _commit(settings, {number: builder.offset for number, builder in builders.items()})
    return {number: builder.facts for number, builder in builders.items()}


async def _commit(settings: Settings, offsets: dict[int, int]) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(settings.bootstrap), group_id=GROUP, enable_auto_commit=False
    )
    await consumer.start()
    try:
        parts = {TopicPartition(COMMANDS, number): offset for number, offset in offsets.items()}
        consumer.assign(list(parts))
        await consumer.commit(parts)
    finally:
        await consumer.stop()


class _Builder:
    """One partition as the worker would have left it; one batch is written while the next is decided."""

    def __init__(self, producer: Any, log: Log, number: int) -> None:
        self._producer, self._log, self._number = producer, log, number
        self._partition = Partition(number, Clock.SYSTEM)
        self._batch: list[Decoded] = []
        self._writing: asyncio.Task[None] | None = None
        self.offset = 0
        self.facts = 0

    async def begin(self, change: LawChanged, named: str) -> None:
        await self._log.write_states(self._number, self._partition.check_topic(named))
        self._take(change, None)
        await self._decide()

    async def add(self, *one: Command) -> None:
        for command in one:
            self._take(command, command.dossier_id.encode())
        if len(self._batch) >= BATCH:
            await self._decide()

    async def end(self) -> None:
        await self._decide()
        await self._written()

    def _take(self, message: Command | LawChanged, key: bytes | None) -> None:
        self._batch.append(Decoded(Incoming(self.offset, key, encode(message)), message))
        self.offset += 1

    async def _decide(self) -> None:
        batch, self._batch = self._batch, []
        output = self._partition.apply(batch)
        self.facts += len(output.facts)
        await self._written()
        self._writing = asyncio.create_task(self._write(batch, output))

    async def _written(self) -> None:
        if self._writing:
            await self._writing

    async def _write(self, batch: list[Decoded], output: Output) -> None:
        if not batch:
            return
        commands = self._producer.create_batch()
        for item in batch:
            commands.append(timestamp=None, key=item.record.key, value=item.record.value)
        sent = await self._producer.send_batch(commands, COMMANDS, partition=self._number)
        if (await sent).offset != batch[0].offset:
            raise RuntimeError(f"{COMMANDS}, partition {self._number}: it was not empty")
        await self._log.write(self._number, output.facts, (), (), wall_clock())
        await self._log.write_states(self._number, output.states)
