"""The log adapter beneath the engine: nothing stands in the log after a gap."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from services.workflow.adapters.log import Log
from services.workflow.settings import read_settings


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
