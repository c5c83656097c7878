"""A broker in memory behind intake's port: the same promises, and failures on demand."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import defaultdict
from typing import NamedTuple

from contracts.headers import Headers
from contracts.topics import COMMANDS, LAW, OUTCOMES, SERIALS, TOPICS
from services.intake.domain.admission import Gate
from services.intake.ports import Ack, Deliver, Fatal, Record, TooLargeError, Unavailable

MAX_RECORD = 1024 * 1024


class Stored(NamedTuple):
    """A record as it lies in the log."""

    key: bytes | None
    value: bytes
    headers: dict[str, bytes]


class MemoryLog:
    """The topics, shared by any number of :class:`MemoryBroker`."""

    def __init__(self) -> None:
        self.partitions: dict[tuple[str, int], list[Stored]] = defaultdict(list)
        self.readers: list[tuple[Deliver, set[str]]] = []
        self.order: list[int] = []
        """The partitions of the commands, as they came."""

    def append(self, topic: str, partition: int, stored: Stored) -> Ack:
        """A record gets its place, and every reader of its topic gets the record."""
        records = self.partitions[topic, partition]
        records.append(stored)
        if topic == COMMANDS:
            self.order.append(partition)
        ack = Ack(topic, partition, len(records) - 1)
        for deliver, topics in list(self.readers):
            if topic in topics:
                deliver([Record(topic, partition, ack.offset, stored.value)])
        return ack

    def all(self, topic: str) -> list[Stored]:
        """Every record of a topic, partition by partition."""
        return [record for n in range(TOPICS[topic].partitions) for record in self.partitions[topic, n]]


class MemoryBroker:
    """One client of a :class:`MemoryLog`.

    `hold` keeps records back until :meth:`release`; `down` makes every record fail; `lose_acks` appends
    records whose senders never hear of it.
    """

    def __init__(self, log: MemoryLog, gate: Gate) -> None:
        self.log = log
        self.down = False
        self.hold = False
        self.lose_acks = False
        self.closed = False
        self._gate = gate
        self._held: list[tuple[str, int, Stored, asyncio.Future[Ack], int]] = []
        self._open = False

    async def open(self, deliver: Deliver, fatal: Fatal) -> None:
        """See the port."""
        for topic in (LAW, SERIALS):
            records = self.log.partitions[topic, 0]
            deliver([Record(topic, 0, n, record.value) for n, record in enumerate(records)])
        self.log.readers.append((deliver, {OUTCOMES, LAW, SERIALS}))
        self._open = True

    def partition_of(self, topic: str, key: bytes) -> int:
        """See the port."""
        return zlib.crc32(key) % TOPICS[topic].partitions

    def send(
        self,
        topic: str,
        value: bytes,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Headers | None = None,
    ) -> asyncio.Future[Ack]:
        """See the port."""
        size = len(value) + len(key or b"")
        if not self._open:
            raise Unavailable("not_ready")
        if not self._gate.has_room(size):
            raise Unavailable("too_many_in_flight")
        if size > MAX_RECORD:
            raise TooLargeError(f"{size} bytes")
        place = self.partition_of(topic, key or b"") if partition is None else partition
        future: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._gate.sent(size, time.monotonic())
        self._held.append((topic, place, Stored(key, value, dict(headers or [])), future, size))
        if not self.hold:
            asyncio.get_running_loop().call_soon(self.release)
        return future

    def release(self) -> None:
        """Everything handed over so far reaches the log, or fails."""
        held, self._held = self._held, []
        for topic, partition, stored, future, size in held:
            if self.down:
                self._gate.failed(size, time.monotonic())
                if not future.done():
                    future.set_exception(Unavailable("not_acked"))
                continue
            ack = self.log.append(topic, partition, stored)
            self._gate.acked(size, time.monotonic())
            if not future.done() and not self.lose_acks:
                future.set_result(ack)

    async def close(self, grace: float) -> None:
        """See the port."""
        self.release()
        self._open = False
        self.closed = True
