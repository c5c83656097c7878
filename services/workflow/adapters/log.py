"""Writing to the log and reading a partition's states back. The only place that writes to the broker.

Everything is written with acks=all and awaited; an error leaves this module as itself and ends the
process, since a worker that does not know what it wrote must start from what the log holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from contracts.codec import encode
from contracts.commands import DeadlinesReached, DrawNumber, Parked
from contracts.facts import ClockMoved, Fact, FactRecord, NumberDrawn
from contracts.headers import Headers, cloud_event
from contracts.outcomes import CommandOutcome
from contracts.topics import COMMANDS, COMMANDS_DLQ, DOSSIER_PARTITIONS, FACTS, OUTCOMES, STATES
from services.workflow.engine.records import FENCE_KEY, Poison
from services.workflow.settings import Settings

_Record = tuple[bytes | None, bytes | None, Headers]
"""Key, value, headers."""

_NO_HEADERS: Final[Headers] = []


class Log:
    """The topics workflow writes. Start before use, stop at the end."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = AIOKafkaProducer(
            bootstrap_servers=list(settings.bootstrap),
            client_id=settings.instance,
            acks="all",
            enable_idempotence=settings.broker.idempotent,
            request_timeout_ms=30_000,
            # A full list of deadlines in one piece; half of what brokers take as they come.
            max_batch_size=524_288,
        )

    async def start(self) -> None:
        """Connect. Raises the client's error when no broker answers."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is buffered and disconnect."""
        await self._producer.stop()

    async def write(
        self,
        partition: int,
        facts: Iterable[FactRecord],
        outcomes: Iterable[CommandOutcome],
        poison: Iterable[Poison],
        now: datetime,
    ) -> None:
        """Produce and wait until the brokers acked every one. `now` stamps outcomes and dead letters."""
        await asyncio.gather(
            self._send_all(FACTS, partition, (_fact_record(fact) for fact in facts)),
            self._send_all(OUTCOMES, partition, (_outcome_record(o, now) for o in outcomes)),
            self._send_all(COMMANDS_DLQ, partition, (_letter(p, partition, now) for p in poison)),
        )

    async def forward(self, draws: Iterable[DrawNumber]) -> None:
        """Produce the draws and wait for the acks, the batches of all partitions at the same time."""
        rows: dict[int, list[_Record]] = {}
        for draw in draws:
            rows.setdefault(partition_of(draw.seal_id), []).append(_draw_record(draw))
        await asyncio.gather(*(self._send_all(COMMANDS, number, records) for number, records in rows.items()))

    async def write_states(self, partition: int, states: dict[str, bytes]) -> None:
        """Produce the changed states and wait for the acks."""
        records = ((key.encode(), data, _NO_HEADERS) for key, data in states.items())
        await self._send_all(STATES, partition, records)

    async def append_record(self, partition: int, record: DeadlinesReached | Parked) -> int:
        """Append a record of the worker's own to the commands and return its offset."""
        match record:
            case DeadlinesReached(at=at):
                key, subject = None, f"partition {partition}"
                name = f"deadlines-{partition}-{at.timestamp():.6f}"
            case Parked(dossier_id=dossier_id, offset=offset):
                key, subject, at = dossier_id.encode(), dossier_id, wall_clock()
                name = f"parked-{partition}-{offset}"
        headers = cloud_event(
            id=name, source="workflow", type=type(record).__name__, time=at, subject=subject
        )
        sent = await self._send(COMMANDS, partition, key, encode(record), headers)
        return int((await sent).offset)

    async def read_states(self, partition: int) -> AsyncIterator[tuple[str, bytes]]:
        """Every record of the partition's states, up to a fence written now.

        The fence makes the end certain: no broker needs to be believed about where its log ends, and
        whatever this worker's predecessor had acked stands before it.
        """
        name = self._settings.instance.encode()
        fence = await (await self._send(STATES, partition, FENCE_KEY.encode(), name, []))
        consumer = AIOKafkaConsumer(
            bootstrap_servers=list(self._settings.bootstrap),
            client_id=f"{self._settings.instance}-recovery",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=self._settings.broker.fetch_max_wait_ms,
            max_partition_fetch_bytes=4 << 20,
        )
        await consumer.start()
        try:
            source = TopicPartition(STATES, partition)
            consumer.assign([source])
            await consumer.seek_to_beginning(source)
            while True:
                for record in (await consumer.getmany(timeout_ms=1000)).get(source, ()):
                    if record.offset >= fence.offset:
                        return
                    key = record.key.decode()
                    if key != FENCE_KEY:
                        yield key, record.value
        finally:
            await consumer.stop()

    async def _send_all(self, topic: str, partition: int, records: Iterable[_Record]) -> None:
        """Append in as few batches as their size allows, each acked before the next is sent.

        The client's own `send` makes a future for every record, which costs more than deciding it. And were
        a second batch on its way when the first is refused, what came after a gap would stand in the log:
        written once more, the first lies below what readers have seen, and they drop it.
        """
        batch = self._producer.create_batch()
        for key, value, headers in records:
            # A batch refuses what makes it too large, but never its first record.
            if batch.append(timestamp=None, key=key, value=value, headers=headers) is None:
                await (await self._producer.send_batch(batch, topic, partition=partition))
                batch = self._producer.create_batch()
                batch.append(timestamp=None, key=key, value=value, headers=headers)
        if batch.record_count():
            await (await self._producer.send_batch(batch, topic, partition=partition))

    async def _send(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
    ) -> asyncio.Future[Any]:
        sent: asyncio.Future[Any] = await self._producer.send(
            topic, value, key=key, partition=partition, headers=headers
        )
        return sent


def _fact_record(record: FactRecord) -> _Record:
    match record:
        case Fact():
            headers = cloud_event(
                id=f"{record.dossier_id}-{record.seq}",
                source="workflow",
                type=type(record.body).__name__,
                time=record.at,
                subject=record.dossier_id,
            )
            return record.dossier_id.encode(), encode(record), headers
        case NumberDrawn():
            headers = cloud_event(
                id=f"{record.seal_id}-{record.seq}",
                source="workflow",
                type="NumberDrawn",
                time=record.at,
                subject=record.seal_id,
            )
            return record.seal_id.encode(), encode(record), headers
        case ClockMoved(cause=cause, to=to):
            headers = cloud_event(
                id=f"clock-{cause.partition}-{cause.offset}-{cause.n}",
                source="workflow",
                type="ClockMoved",
                time=to,
                subject=f"partition {cause.partition}",
            )
            return None, encode(record), headers


def _draw_record(draw: DrawNumber) -> _Record:
    headers = cloud_event(
        id=draw.id, source="workflow", type="DrawNumber", time=draw.at, subject=draw.seal_id
    )
    return draw.seal_id.encode(), encode(draw), headers


def _outcome_record(outcome: CommandOutcome, now: datetime) -> _Record:
    headers = cloud_event(
        id=outcome.command_id,
        source="workflow",
        type="CommandOutcome",
        time=now,
        subject=outcome.dossier_id,
    )
    return outcome.dossier_id.encode(), encode(outcome), headers


def _letter(poison: Poison, partition: int, now: datetime) -> _Record:
    headers = [
        ("dlq_reason", poison.reason.encode()[:1000]),
        ("dlq_topic", COMMANDS.encode()),
        ("dlq_partition", str(partition).encode()),
        ("dlq_offset", str(poison.record.offset).encode()),
        ("dlq_at", now.isoformat().encode()),
    ]
    return poison.record.key, poison.record.value, headers


@lru_cache(maxsize=65_536)
def partition_of(key: str) -> int:
    """The partition of an aggregate, as every Kafka client gives it; here few seals, again and again."""
    return int(murmur2(key.encode()) & 0x7FFF_FFFF) % DOSSIER_PARTITIONS


def wall_clock() -> datetime:
    """The wall clock, UTC. The only one workflow reads, and never while deciding."""
    return datetime.now(UTC)
