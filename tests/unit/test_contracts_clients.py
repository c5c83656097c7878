"""A client that finds no broker leaves no thread and no socket behind."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Awaitable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaConnectionError, KafkaError
from kafka.net.inet import KafkaNetSocket

from contracts.clients import connected
from deploy.local.ports import HOST
from tests.waiting import wait_until

KINDS = (KafkaConsumer, KafkaProducer, KafkaAdminClient)


class NeverReady(Awaitable[None]):
    """A selector in which no socket becomes ready."""

    def wait_write(self, sock: socket.socket, timeout_at: float | None = None) -> Awaitable[None]:
        return self

    def __await__(self) -> Generator[None, None, None]:
        yield


def begun(monkeypatch: pytest.MonkeyPatch, code: int) -> tuple[Any, list[socket.socket]]:
    """A connection as far as its first wait, the system having answered `code`; the sockets made for it."""
    made: list[socket.socket] = []

    def make(self: Any, *kind: int) -> socket.socket:
        made.append(socket.socket(*kind))
        return made[-1]

    monkeypatch.setattr(KafkaNetSocket, "socket", make)
    monkeypatch.setattr(KafkaNetSocket, "connect_ex", lambda self, sock, address: code)
    address = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (HOST, 1))
    return KafkaNetSocket().connect(NeverReady(), address), made


def test_a_client_that_closes_while_it_connects_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    connecting, made = begun(monkeypatch, errno.EINPROGRESS)
    connecting.send(None)
    assert made[0].fileno() > 0
    connecting.close()
    assert made[0].fileno() == -1


def test_a_connection_that_is_refused_leaves_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    connecting, made = begun(monkeypatch, errno.ECONNREFUSED)
    with pytest.raises(KafkaConnectionError):
        connecting.send(None)
    assert made[0].fileno() == -1


@pytest.fixture
def silent() -> Iterator[str]:
    """Where connections are taken and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_nothing_is_left_of_a_client_that_finds_no_broker(kind: Any, silent: str) -> None:
    threads, files = set(threading.enumerate()), open_files()
    for _ in range(3):
        with pytest.raises(KafkaError):
            connected(kind, bootstrap_servers=[silent], bootstrap_timeout_ms=100)
    assert set(threading.enumerate()) <= threads
    wait_until(lambda: open_files() <= files, 10, "its sockets to be closed")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.__name__))
def test_a_client_that_finds_one_is_the_library_s(kind: Any, broker: str) -> None:
    client = connected(kind, bootstrap_servers=[broker])
    try:
        assert isinstance(client, kind)
    finally:
        client.close()
