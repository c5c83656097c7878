"""One suite for intake's broker port, against the broker in memory and a real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, LAW, OUTCOMES, SERIALS
from services.intake.adapters.kafka import Connection, KafkaBroker
from services.intake.application.metrics import Metrics
from services.intake.domain.admission import Gate, Limits
from services.intake.ports import Broker, Record, TooLargeError, Unavailable
from tests.brokers import running_broker
from tests.fakes.intake_broker import MemoryBroker, MemoryLog
from tests.fakes.intake_desk import in_loop, until

Make = Callable[[Gate], Broker]


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of this module's own: what these tests write is no law and no claim."""
    with running_broker(tmp_path_factory.mktemp("broker")) as bootstrap:
        yield bootstrap


@pytest.fixture(params=["memory", "real"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "memory":
        log = MemoryLog()
        return lambda gate: MemoryBroker(log, gate)
    bootstrap: str = request.getfixturevalue("own_broker")
    connection = Connection(servers=(bootstrap,), client="intake-test", fetch_wait_ms=20)
    return lambda gate: KafkaBroker(connection, gate, Metrics())


class Reader:
    """What a broker delivered."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.fatal: list[BaseException] = []

    def deliver(self, records: Sequence[Record]) -> None:
        self.records.extend(records)

    def values(self, topic: str) -> list[bytes]:
        return [record.value or b"" for record in self.records if record.topic == topic]


@asynccontextmanager
async def opened(make: Make, gate: Gate | None = None) -> AsyncIterator[tuple[Broker, Reader]]:
    broker, reader = make(gate or Gate(Limits())), Reader()
    await broker.open(reader.deliver, reader.fatal.append)
    try:
        yield broker, reader
    finally:
        await broker.close(5.0)
        assert reader.fatal == []


@in_loop
async def test_what_is_acked_is_read_back_in_order(make: Make) -> None:
    mark = uuid4().hex.encode()
    async with opened(make) as (broker, reader):
        sent = [broker.send(SERIALS, b"%s %d" % (mark, n), key=b"k") for n in range(50)]
        acks = [await future for future in sent]
        assert [ack.offset for ack in acks] == list(range(acks[0].offset, acks[0].offset + 50))

        def mine() -> list[bytes]:
            return [value for value in reader.values(SERIALS) if value.startswith(mark)]

        await until(lambda: len(mine()) == 50)
        assert mine() == [b"%s %d" % (mark, n) for n in range(50)]


@in_loop
async def test_whole_topics_are_through_and_outcomes_begin_at_their_end_when_open_returns(make: Make) -> None:
    mark = uuid4().hex.encode()
    async with opened(make) as (broker, _):
        for topic in (LAW, SERIALS):
            await asyncio.gather(*(broker.send(topic, b"%s %d" % (mark, n)) for n in range(30)))
        await asyncio.gather(
            *(broker.send(OUTCOMES, mark + b" old", partition=n) for n in range(DOSSIER_PARTITIONS))
        )
        async with opened(make) as (second, reader):
            for topic in (LAW, SERIALS):
                assert len([value for value in reader.values(topic) if value.startswith(mark)]) == 30
            await asyncio.gather(
                *(second.send(OUTCOMES, mark + b" new", partition=n) for n in range(DOSSIER_PARTITIONS))
            )
            new = mark + b" new"
            await until(lambda: reader.values(OUTCOMES).count(new) == DOSSIER_PARTITIONS)


@in_loop
async def test_one_key_has_one_partition_and_one_order(make: Make) -> None:
    async with opened(make) as (broker, _):
        key = uuid4().hex.encode()
        acks = [await f for f in [broker.send(COMMANDS, b"{}", key=key) for _ in range(20)]]
        assert len({ack.partition for ack in acks}) == 1
        assert [ack.offset for ack in acks] == sorted({ack.offset for ack in acks})
        spread = await asyncio.gather(*(broker.send(COMMANDS, b"{}", key=b"%d" % n) for n in range(99)))
        assert len({ack.partition for ack in spread}) == DOSSIER_PARTITIONS
        placed = await broker.send(COMMANDS, b"{}", partition=5)
        assert placed.partition == 5


@in_loop
async def test_limits_refuse_before_anything_is_buffered(make: Make) -> None:
    gate = Gate(Limits(records=5))
    async with opened(make, gate) as (broker, _):
        sent = [broker.send(COMMANDS, b"{}", key=b"k") for _ in range(5)]
        with pytest.raises(Unavailable, match="too_many_in_flight"):
            broker.send(COMMANDS, b"{}", key=b"k")
        await asyncio.gather(*sent)
        assert (gate.records, gate.record_bytes) == (0, 0)
        with pytest.raises(TooLargeError):
            broker.send(COMMANDS, b"x" * (2 * 1024 * 1024), key=b"k")


@in_loop
async def test_a_broker_that_is_not_open_takes_nothing(make: Make) -> None:
    broker = make(Gate(Limits()))
    with pytest.raises(Unavailable, match="not_ready"):
        broker.send(COMMANDS, b"{}", key=b"k")


@in_loop
async def test_closing_waits_for_what_is_under_way(make: Make) -> None:
    async with opened(make) as (broker, _):
        sent = [broker.send(COMMANDS, b"{}", key=b"k") for _ in range(100)]
        await broker.close(10.0)
        assert all(future.done() and future.exception() is None for future in sent)
