"""A light HTTP/1.1 client for load: connections kept, nothing parsed but status and length.

A library that does everything costs a millisecond of CPU a request; on a small machine it would be measured
too.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[int] | None = None
        self._data = bytearray()
        self.open = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, data: bytes) -> asyncio.Future[int]:
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return self._waiting

    def data_received(self, data: bytes) -> None:
        self._data += data
        status = answered(self._data)
        if status and self._waiting is not None and not self._waiting.done():
            self._data.clear()
            self._waiting.set_result(status)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(0)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def answered(data: bytes | bytearray) -> int:
    """The status of a whole response with a length; 0 while some of it is missing."""
    end = data.find(_END)
    if end < 0:
        return 0
    head = bytes(data[:end])
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(_LENGTH):
            length = int(line.removeprefix(_LENGTH))
    return int(head.split(b" ", 2)[1]) if len(data) >= end + len(_END) + length else 0


class Pool:
    """Connections to one server; another one is opened when all are busy."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._idle: list[_Connection] = []

    async def open(self, count: int) -> None:
        """Have `count` more connections ready."""
        self._idle += [await self._connect() for _ in range(count)]

    async def ask(self, data: bytes) -> int:
        """Send one request; the status of its answer, 0 when there was none."""
        connection = None
        while self._idle and connection is None:
            candidate = self._idle.pop()
            connection = candidate if candidate.open else None
        if connection is None:
            try:
                connection = await self._connect()
            except OSError:
                return 0
        status = await connection.ask(data)
        if connection.open:
            self._idle.append(connection)
        return status

    def close(self) -> None:
        """Close the idle connections."""
        for connection in self._idle:
            connection.close()

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(_Connection, self._host, self._port)
        return connection
