"""A connection that is given up leaves no open socket: see tests/kafka_sockets.py."""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Generator
from typing import Any

import pytest
from kafka.net.inet import KafkaNetSocket

from deploy.local.ports import HOST


class NeverReady(Awaitable[None]):
    """A selector in which no socket becomes ready."""

    def wait_write(self, sock: socket.socket, timeout_at: float | None = None) -> Awaitable[None]:
        return self

    def __await__(self) -> Generator[None, None, None]:
        yield


def test_a_client_that_closes_while_it_connects_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []

    def make(self: Any, *kind: int) -> socket.socket:
        made.append(socket.socket(*kind))
        return made[-1]

    monkeypatch.setattr(KafkaNetSocket, "socket", make)
    monkeypatch.setattr(KafkaNetSocket, "connect_ex", lambda self, sock, address: errno.EINPROGRESS)
    address = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (HOST, 1))
    connecting = KafkaNetSocket().connect(NeverReady(), address)
    connecting.send(None)
    assert made[0].fileno() > 0
    connecting.close()
    assert made[0].fileno() == -1
