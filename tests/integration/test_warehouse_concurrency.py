"""Readers beside the writer, and many clients: nobody waits for another's long query, nothing is left."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from threading import Event, Thread

import psutil
import pytest
from clickhouse_driver import Client

from tests.waiting import wait_until
from tests.warehouse_process import WarehouseProcess

READERS = 8
BATCH = 500


def running(work: Callable[[], None], times: int) -> list[Thread]:
    threads = [Thread(target=work) for _ in range(times)]
    for thread in threads:
        thread.start()
    return threads


def joined(threads: list[Thread]) -> None:
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_eight_readers_see_whole_inserts_only_while_a_writer_writes(
    own_warehouse: WarehouseProcess, client: Client
) -> None:
    client.execute("CREATE TABLE c (batch UInt32, n UInt32) ENGINE = MergeTree ORDER BY (batch, n)")
    ended, seen, wrong = Event(), [0] * READERS, list[object]()
    numbers = iter(range(READERS))

    def read() -> None:
        mine, last = next(numbers), 0
        with own_warehouse.client(database="t") as own:
            while not ended.is_set():
                [(count, batches, rows)] = own.execute(
                    "SELECT count(), uniqExact(batch), max(n) + 1 FROM c WHERE n < 1000000"
                )
                if count != batches * BATCH or count < last or (count and rows != BATCH):
                    wrong.append((count, batches, rows, last))
                last = count
                seen[mine] += 1

    readers = running(read, READERS)
    try:
        for batch in range(20):
            client.execute("INSERT INTO c VALUES", [[batch] * BATCH, list(range(BATCH))], columnar=True)
    finally:
        ended.set()
        joined(readers)
    assert wrong == []
    assert min(seen) > 0
    assert client.execute("SELECT count() FROM c") == [(20 * BATCH,)]


@pytest.mark.parametrize(
    "long",
    [
        "SELECT sleep(2), 'long one'",
        "SELECT count(), 'long one' FROM numbers(1000000000000) SETTINGS max_execution_time = 2,"
        " timeout_overflow_mode = 'break', max_threads = 1",
        "SELECT number, 'long one' FROM system.numbers LIMIT 1500000",
    ],
    ids=["sleeping", "computing", "sending"],
)
def test_a_long_query_stops_neither_a_short_one_nor_an_insert(
    own_warehouse: WarehouseProcess, client: Client, long: str
) -> None:
    client.execute("CREATE TABLE c (n UInt32) ENGINE = MergeTree ORDER BY n")
    ended = Event()

    def ask() -> None:
        with own_warehouse.client() as busy:
            busy.execute(long, columnar=True)
        ended.set()

    [asking] = running(ask, 1)
    try:
        processes = "SELECT count() FROM system.processes WHERE query LIKE '%long' || ' one%'"
        wait_until(lambda: client.execute(processes) == [(1,)], 20, "the long query to run")
        client.execute("INSERT INTO c VALUES", [(1,)])
        assert client.execute("SELECT count() FROM c") == [(1,)]
        assert not ended.is_set()
    finally:
        joined([asking])


def test_a_slow_reader_holds_up_nobody_and_little_memory(
    own_warehouse: WarehouseProcess, client: Client
) -> None:
    process = psutil.Process(own_warehouse.process.pid)
    with own_warehouse.client() as slow:
        stream = slow.execute_iter("SELECT number, repeat('x', 100) FROM numbers(20000000)")  # over 2 GB
        assert next(stream)[0] == 0
        before = process.memory_info().rss
        for _ in range(20):
            assert client.execute("SELECT 1") == [(1,)]
        assert process.memory_info().rss - before < 200 * 2**20


def test_a_million_rows_come_in_blocks_as_asked(own_warehouse: WarehouseProcess, client: Client) -> None:
    process = psutil.Process(own_warehouse.process.pid)
    client.execute("SELECT 1")
    before = process.memory_info().rss
    peak = total = 0
    query, settings = "SELECT number, toString(number) FROM numbers(1000000)", {"max_block_size": 20_000}
    for count, (number, text) in enumerate(client.execute_iter(query, settings=settings)):
        assert number == count
        total += len(text)
        if not count % 10_000:
            peak = max(peak, process.memory_info().rss)
    assert (count, total) == (999_999, 5_888_890)
    assert client.last_query.profile_info.blocks >= 50
    assert client.last_query.profile_info.rows == 1_000_000
    assert 0 < client.last_query.progress.rows <= 1_000_000
    assert peak - before < 100 * 2**20


def test_connections_leave_nothing_behind(own_warehouse: WarehouseProcess, client: Client) -> None:
    process = psutil.Process(own_warehouse.process.pid)

    def connect(times: int) -> None:
        for _ in range(times):
            with own_warehouse.client() as own:
                own.connection.connect()

    def held() -> tuple[int, int]:
        return process.num_threads(), process.num_fds()

    connect(100)
    with ExitStack() as stack:  # at once: as many threads, until they leave
        for _ in range(100):
            stack.enter_context(own_warehouse.client()).connection.connect()
    threads, descriptors = held()
    memory = process.memory_info().rss
    connect(1000)
    wait_until(
        lambda: held() <= (threads + 10, descriptors + 10), 20, "threads and descriptors to be given back"
    )
    assert held()[1] <= descriptors + 10
    assert process.memory_info().rss - memory < 50 * 2**20


def test_without_a_descriptor_left_it_waits_for_one(own_warehouse: WarehouseProcess, client: Client) -> None:
    process = psutil.Process(own_warehouse.process.pid)
    limits = process.rlimit(psutil.RLIMIT_NOFILE)
    assert client.execute("SELECT 1") == [(1,)]
    late: list[object] = []

    def ask() -> None:
        with own_warehouse.client() as other:
            late.extend(other.execute("SELECT 1"))

    process.rlimit(psutil.RLIMIT_NOFILE, (3, limits[1]))  # no new one: all numbers below are in use
    try:
        first = socket.create_connection(("127.0.0.1", own_warehouse.port))  # has its number already
        [asking] = running(ask, 1)
        wait_until(lambda: "accepting failed" in own_warehouse.log.read_text(), 20, "a refusal")
    finally:
        process.rlimit(psutil.RLIMIT_NOFILE, limits)
    first.close()
    joined([asking])
    assert late == [(1,)]
