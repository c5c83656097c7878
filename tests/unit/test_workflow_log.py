"""The log adapter beneath the engine: nothing stands in the log after a gap; draws go to their seals."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from kafka.partitioner.default import murmur2

from contracts.commands import Cause, DrawNumber
from contracts.identity import seal_id
from contracts.topics import DOSSIER_PARTITIONS
from services.workflow.adapters.log import Log, partition_of
from services.workflow.settings import read_settings
from tests.fakes.workflow import AGENCY, START


class _Batch:
    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def append(self, *, key: bytes, **rest: Any) -> object:
        if len(self.keys) == 2:
            return None
        self.keys.append(key)
        return self

    def record_count(self) -> int:
        return len(self.keys)


class _Producer:
    """Two records a batch; the first batch is refused, but only a while after it was handed over."""

    def __init__(self) -> None:
        self.sent: list[list[bytes]] = []

    def create_batch(self) -> _Batch:
        return _Batch()

    async def send_batch(self, batch: _Batch, topic: str, *, partition: int) -> asyncio.Future[None]:
        self.sent.append(batch.keys)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, future.set_exception, ConnectionError("refused"))
        return future


def test_no_batch_is_sent_before_the_one_before_it_is_acked() -> None:
    async def scenario() -> _Producer:
        log = Log.__new__(Log)
        log._settings = read_settings({"MOTCUA_KAFKA": "127.0.0.1:1", "MOTCUA_BROKER": "tansu"})
        log._producer = producer = _Producer()
        with pytest.raises(ConnectionError, match="refused"):
            await log.write_states(0, dict.fromkeys("abcde", b"{}"))
        return producer

    assert asyncio.run(scenario()).sent == [[b"a", b"b"]]


def a_draw(seal: str, offset: int) -> DrawNumber:
    return DrawNumber(
        id="0" * 32,
        seal_id=seal_id(seal),
        seal=seal,
        agency=AGENCY,
        source=Cause(0, offset, 2),
        at=START,
        dossier_id="0" * 32,
        stamp=1,
    )


def test_an_aggregate_has_the_partition_every_client_gives_it() -> None:
    """Intake publishes by its own client's partitioner; here it is another library's."""
    keys = [seal_id(f"H52.{n}-1") for n in range(200)]
    theirs = [(murmur2(key.encode()) & 0x7FFF_FFFF) % DOSSIER_PARTITIONS for key in keys]
    assert [partition_of(key) for key in keys] == theirs
    assert set(theirs) == set(range(DOSSIER_PARTITIONS))


class _Partitions:
    """Acknowledges nothing before every partition has what is meant for it."""

    def __init__(self, awaited: int) -> None:
        self.sent: dict[int, list[bytes]] = {}
        self.all_there = asyncio.Event()
        self._awaited = awaited

    def create_batch(self) -> _Batch:
        return _Batch()

    async def send_batch(self, batch: _Batch, topic: str, *, partition: int) -> asyncio.Future[None]:
        assert topic == "dossier.commands.v1"
        self.sent.setdefault(partition, []).extend(batch.keys)
        if len(self.sent) == self._awaited:
            self.all_there.set()
        return asyncio.ensure_future(self._acked())

    async def _acked(self) -> None:
        await self.all_there.wait()


def test_draws_go_to_their_seals_partitions_side_by_side_and_in_order() -> None:
    seals = [f"H52.{n}-1" for n in range(20)]
    draws = [a_draw(seal, offset) for offset, seal in enumerate(seals * 2)]
    homes = {partition_of(seal_id(seal)) for seal in seals}

    async def scenario() -> _Partitions:
        log = Log.__new__(Log)
        log._producer = producer = _Partitions(len(homes))
        async with asyncio.timeout(5):
            await log.forward(draws)
        return producer

    sent = asyncio.run(scenario()).sent
    assert sent.keys() == homes
    for home, keys in sent.items():
        assert keys == [one.seal_id.encode() for one in draws if partition_of(one.seal_id) == home]
