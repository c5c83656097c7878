"""A statement ends when its client cancels, leaves, or has had its time; nobody else notices."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from threading import Thread
from time import monotonic

import psutil
import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import NetworkError, ServerException
from clickhouse_driver.errors import SocketTimeoutError as DriverTimeout

from tests.waiting import wait_until
from tests.warehouse_process import WarehouseProcess

ENDLESS = "SELECT count() AS endless FROM numbers(1000000000000)"
STREAM = "SELECT number, 'endless' FROM system.numbers"
SLOW = "SELECT sleepEachRow(1), 'endless' FROM numbers(60)"
SLOW += " SETTINGS function_sleep_max_microseconds_per_block = 60000000"
RUNNING = "SELECT count() FROM system.processes WHERE query LIKE '%end' || 'less%'"


def send(client: Client, query: str) -> None:
    """The query, without reading its answer."""
    client.connection.force_connect()
    client.make_query_settings(None)
    client.connection.send_query(query)
    client.connection.send_external_tables([])


def wait_for(client: Client, running: int) -> float:
    """Until so many endless statements run; in seconds."""
    begun = monotonic()
    wait_until(lambda: client.execute(RUNNING) == [(running,)], 20, f"{running} endless statements to run")
    return monotonic() - begun


@pytest.mark.parametrize("query", [ENDLESS, SLOW])
def test_a_computing_statement_is_cancelled_and_the_connection_goes_on(
    own_warehouse: WarehouseProcess, client: Client, query: str
) -> None:
    with own_warehouse.client() as other:
        other.execute("SELECT 1")
        link = other.connection.socket
        send(other, query)
        wait_for(client, 1)
        begun = monotonic()
        assert other.cancel() == []
        assert monotonic() - begun < 5
        assert other.execute("SELECT 1") == [(1,)]
        assert other.connection.socket is link
    wait_for(client, 0)


def test_a_cancelled_result_ends_early(client: Client) -> None:
    stream = client.execute_iter("SELECT number FROM system.numbers")
    assert next(stream) == (0,)
    client.connection.send_cancel()
    for _ in stream:
        pass
    assert client.execute("SELECT 1") == [(1,)]


def test_a_cancel_that_comes_too_late_is_nobodys(client: Client) -> None:
    for _ in range(20):
        assert client.execute("SELECT 1") == [(1,)]
        client.connection.send_cancel()


@pytest.mark.parametrize("query", [ENDLESS, SLOW, STREAM])
def test_a_client_that_leaves_has_its_statement_ended(
    own_warehouse: WarehouseProcess, client: Client, query: str
) -> None:
    with own_warehouse.client() as leaving:
        send(leaving, query)
        wait_for(client, 1)
    assert wait_for(client, 0) < 5


def test_a_killed_statement_is_told_so(own_warehouse: WarehouseProcess, client: Client) -> None:
    codes: list[int] = []

    def ask() -> None:
        with own_warehouse.client() as other, pytest.raises(ServerException) as caught:
            other.execute(ENDLESS)
        codes.append(caught.value.code)

    asking = Thread(target=ask)
    asking.start()
    wait_for(client, 1)
    client.execute("KILL QUERY WHERE query LIKE '%end' || 'less%' ASYNC")
    asking.join(20)
    assert codes == [394]


def test_a_statement_has_the_time_it_was_given(client: Client) -> None:
    for query in (ENDLESS, STREAM):
        with pytest.raises(ServerException) as caught:
            client.execute(query, settings={"max_execution_time": 0.3})
        assert caught.value.code == 159
    assert client.execute("SELECT 1") == [(1,)]


def test_a_client_that_loses_patience_leaves_nothing_running(
    own_warehouse: WarehouseProcess, client: Client
) -> None:
    with own_warehouse.client() as hasty:
        hasty.connection.connect()
        hasty.connection.socket.settimeout(0.3)
        with pytest.raises((DriverTimeout, TimeoutError)):
            hasty.execute(ENDLESS)
    wait_for(client, 0)


def test_a_ping_is_answered_beside_a_running_statement(
    own_warehouse: WarehouseProcess, client: Client
) -> None:
    with own_warehouse.client() as busy:
        send(busy, SLOW)
        wait_for(client, 1)
        begun = monotonic()
        assert client.connection.ping()
        assert monotonic() - begun < 1
        busy.cancel()


def test_a_client_that_leaves_inside_an_insert_leaves_nothing(client: Client) -> None:
    client.execute("CREATE TABLE c (n UInt32) ENGINE = MergeTree ORDER BY n")

    def rows() -> Iterator[tuple[int]]:
        yield from ((n,) for n in range(500))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.execute("INSERT INTO c VALUES", rows(), settings={"insert_block_size": 100})
    assert client.execute("SELECT count() FROM c") == [(0,)]


# --- limits, in a process of their own


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    limits = (
        "hello=0.5",
        "idle=1.5",
        "silence=1",
        "clients=3",
        "text=100000",
        "block=300000",
        "insert=1000000",
    )
    process = WarehouseProcess(tmp_path_factory.mktemp("strict") / "data", *limits)
    yield process
    process.kill()


def dropped(link: socket.socket) -> float:
    """Read until the other side closes; in seconds."""
    begun = monotonic()
    link.settimeout(20)
    while link.recv(65536):
        pass
    return monotonic() - begun


def served(process: WarehouseProcess) -> Callable[[], bool]:
    """Whether a new client is served: the places of those that left are free again."""

    def ask() -> bool:
        try:
            with process.client() as client:
                return bool(client.execute("SELECT 1") == [(1,)])
        except ServerException:  # 202, as long as there is none
            return False

    return ask


def test_who_says_nothing_is_dropped(strict: WarehouseProcess) -> None:
    wait_until(served(strict), 20, "a place")
    with socket.create_connection(("127.0.0.1", strict.port)) as silent:
        assert 0.3 < dropped(silent) < 10
    with strict.client() as idle:
        idle.execute("SELECT 1")
        assert 0.3 < dropped(idle.connection.socket) < 10


def test_who_falls_silent_inside_an_insert_is_dropped_and_nothing_is_inserted(
    strict: WarehouseProcess,
) -> None:
    wait_until(served(strict), 20, "a place")
    with strict.client() as client:
        client.execute("CREATE OR REPLACE TABLE c (n UInt32) ENGINE = MergeTree ORDER BY n")
        send(client, "INSERT INTO c VALUES")
        client.receive_sample_block()
        assert dropped(client.connection.socket) < 10
    wait_until(served(strict), 20, "a place")
    with strict.client() as client:
        assert client.execute("SELECT count() FROM c") == [(0,)]


def test_who_does_not_read_is_dropped_and_its_statement_ended(strict: WarehouseProcess) -> None:
    wait_until(served(strict), 20, "a place")
    with strict.client() as slow, strict.client() as client:
        send(slow, STREAM)
        wait_for(client, 1)
        wait_for(client, 0)
        with pytest.raises((EOFError, OSError, NetworkError)):
            list(iter(slow.connection.receive_packet, None))


def test_one_client_too_many_is_told_so(strict: WarehouseProcess) -> None:
    wait_until(served(strict), 20, "a place")
    clients = [strict.client() for _ in range(3)]
    try:
        for client in clients:
            client.execute("SELECT 1")
        with strict.client() as fourth, pytest.raises(ServerException, match="connected already") as caught:
            fourth.execute("SELECT 1")
        assert caught.value.code == 202
    finally:
        for client in clients:
            client.disconnect()
    wait_until(served(strict), 20, "a place")


@pytest.mark.parametrize(
    "length", [b"\xff\xff\x7f", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x80" * 5000]
)
def test_a_text_too_long_to_be_one_is_refused(strict: WarehouseProcess, length: bytes) -> None:
    wait_until(served(strict), 20, "a place")
    process = psutil.Process(strict.process.pid)
    before = process.memory_info().rss
    with socket.create_connection(("127.0.0.1", strict.port)) as stranger:
        stranger.sendall(b"\x00" + length)
        dropped(stranger)
    assert process.memory_info().rss - before < 100 * 2**20


def test_what_is_too_large_is_refused(strict: WarehouseProcess) -> None:
    wait_until(served(strict), 20, "a place")
    with strict.client() as client:
        client.execute("CREATE OR REPLACE TABLE c (s String) ENGINE = MergeTree ORDER BY s")
        with pytest.raises((ServerException, EOFError, OSError)):
            client.execute("SELECT '" + "x" * 200_000 + "'")
        with pytest.raises((ServerException, EOFError, OSError)):  # one block
            client.execute("INSERT INTO c VALUES", [("x" * 2_000_000,)])
        blocks = {"insert_block_size": 1}
        with pytest.raises(ServerException, match="an INSERT of more than 1e\\+06 bytes") as caught:
            client.execute("INSERT INTO c VALUES", [("x" * 100_000,)] * 20, settings=blocks)
        assert caught.value.code == 241
        assert client.execute("SELECT count() FROM c") == [(0,)]
        assert client.execute("INSERT INTO c VALUES", [("x" * 100_000,)]) == 1


def test_garbage_on_the_socket_hurts_only_its_sender(own_warehouse: WarehouseProcess, client: Client) -> None:
    hello = b"\x00\x01x\x01\x01\x84\xa9\x03\x00\x07default\x00"
    width = b"\x02\x00\x01\x00\x02\xff\xff\xff\xff\x00"  # a block's packet and info
    for garbage in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x00\xff\xff",
        b"\x07" * 8_000_000,
        hello + b"\x63",
        hello + b"\x01" + b"\xff" * 1000,
        hello + width + b"\xff" * 9 + b"\x01" * 100,
        hello[:-20],
    ):
        with socket.create_connection(("127.0.0.1", own_warehouse.port), timeout=20) as stranger:
            stranger.sendall(garbage)
            stranger.shutdown(socket.SHUT_WR)
            while stranger.recv(4096):
                pass
    assert client.execute("SELECT 1") == [(1,)]
