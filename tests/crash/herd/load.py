"""Commands beside the herd: sent at their times whatever happens, each until its answer is read back.

Open loop: a latency counts from when the command was to be sent, so that a stall hides nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from contracts.codec import encode
from contracts.commands import Command
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, OUTCOMES
from tests.crash.herd.plan import RATE
from tests.crash.herd.watching import reading


class _Answer(msgspec.Struct, frozen=True):
    command_id: str


class Load:
    """What was sent, when, and when it was answered: seconds of the monotonic clock, by command."""

    def __init__(self, bootstrap: str, commands: Iterator[Command]) -> None:
        self._bootstrap, self._commands = bootstrap, commands
        self.sent: dict[str, float] = {}
        self.answered: dict[str, float] = {}

    @asynccontextmanager
    async def running(self) -> Any:
        """Sends and listens for the length of the block; yields what ends the sending alone."""
        producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, acks="all")
        await producer.start()
        starts = dict.fromkeys(range(DOSSIER_PARTITIONS), 0)
        async with reading(self._bootstrap, OUTCOMES, starts) as consumer:
            listener = asyncio.create_task(self._listen(consumer))
            sender = asyncio.create_task(self._send(producer))
            try:
                yield sender.cancel
            finally:
                sender.cancel()
                await asyncio.wait([sender])
                await producer.stop()
                listener.cancel()
                await asyncio.wait([listener])

    async def _send(self, producer: Any) -> None:
        due = time.monotonic()
        for command in self._commands:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.sent[command.id] = due
            now = replace(command, at=datetime.now(UTC))
            await producer.send(COMMANDS, encode(now), key=now.dossier_id.encode())
            due += 1 / RATE

    async def _listen(self, consumer: Any) -> None:
        decoder = msgspec.json.Decoder(_Answer)
        while True:
            for batch in (await consumer.getmany(timeout_ms=1000)).values():
                now = time.monotonic()
                for record in batch:
                    self.answered.setdefault(decoder.decode(record.value).command_id, now)

    def unanswered(self) -> int:
        """Commands sent and not answered yet."""
        return len(self.sent.keys() - self.answered.keys())

    def latencies(self, since: float, until: float) -> list[float]:
        """Sorted, of the commands due between two times; one without an answer took for ever."""
        return sorted(
            self.answered.get(command, float("inf")) - sent
            for command, sent in self.sent.items()
            if since <= sent <= until
        )
