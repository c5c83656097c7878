"""The facts of ordinary dossiers as the worker writes them to the log: what the benches of the sink read.

The commands of `dossiers.py`, decided by the worker's own functions in each partition's order; the numbers of
the stamps are drawn where the seal's register stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from bench.dossiers import Written, command_records, law_record
from contracts.codec import decode_command, encode
from contracts.commands import Command, LawChanged
from contracts.facts import Cause, Fact, NumberDrawn
from contracts.headers import cloud_event
from contracts.topics import DOSSIER_PARTITIONS, FACTS
from services.workflow.adapters.log import partition_of
from services.workflow.domain.decide import decide
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.law import Law
from services.workflow.domain.seals import Register, draw, draws

BATCH_BYTES: Final = 131_072


def facts(dossiers: int, begun: datetime) -> Iterator[tuple[int, Fact | NumberDrawn]]:
    """Each fact with its partition, in each partition's order."""
    law_changed = decode_command(law_record(begun)[1])
    assert isinstance(law_changed, LawChanged)
    law = Law().amended(law_changed)
    known: dict[str, Dossier] = {}
    registers: dict[str, Register] = {}
    offsets = [0] * DOSSIER_PARTITIONS

    def cause(number: int) -> Cause:
        offsets[number] += 1
        return Cause(number, offsets[number], 0)

    for _, value, _ in command_records(dossiers, begun):
        command = decode_command(value)
        assert isinstance(command, Command)
        number = partition_of(command.dossier_id)
        decision = decide(known.get(command.dossier_id), law, command, cause(number))
        if decision.dossier is not None:
            known[command.dossier_id] = decision.dossier
        for fact in decision.facts:
            yield number, fact
        for asked in draws(decision.facts):
            number = partition_of(asked.seal_id)
            if drawn := draw(registers.get(asked.seal_id), asked, cause(number)):
                registers[asked.seal_id] = drawn[1]
                yield number, drawn[0]


def written(fact: Fact | NumberDrawn) -> Written:
    """The record of a fact, with the headers every fact has."""
    key = fact.dossier_id if isinstance(fact, Fact) else fact.seal_id
    kind = type(fact.body if isinstance(fact, Fact) else fact).__name__
    headers = cloud_event(id=f"{key}-{fact.seq}", source="workflow", type=kind, time=fact.at, subject=key)
    return key.encode(), encode(fact), headers


async def fill(bootstrap: str, dossiers: int, begun: datetime) -> dict[int, int]:
    """The facts of so many dossiers in the topic; how many each partition holds then."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=BATCH_BYTES)
    await producer.start()
    counts = dict.fromkeys(range(DOSSIER_PARTITIONS), 0)
    batches: dict[int, BatchBuilder] = {}
    try:
        for number, fact in facts(dossiers, begun):
            key, value, headers = written(fact)
            counts[number] += 1
            batch = batches.get(number)
            if batch and batch.append(timestamp=None, key=key, value=value, headers=headers) is not None:
                continue
            if batch:
                await (await producer.send_batch(batch, FACTS, partition=number))
            batches[number] = producer.create_batch()
            batches[number].append(timestamp=None, key=key, value=value, headers=headers)
        for number, batch in batches.items():
            await (await producer.send_batch(batch, FACTS, partition=number))
    finally:
        await producer.stop()
    return counts
