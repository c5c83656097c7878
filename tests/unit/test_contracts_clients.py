"""A client that finds no broker leaves no thread and no socket behind."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from contracts.clients import connected
from tests.waiting import wait_until

KINDS = (KafkaConsumer, KafkaProducer, KafkaAdminClient)


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
