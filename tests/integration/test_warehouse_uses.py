"""Whatever services and stack ask of `clickhouse_driver`, asked through the endpoint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from threading import Event, Thread

import pytest
from clickhouse_driver import Client

from deploy.local.ports import free_ports
from deploy.local.probes import why_no_select
from services.analytics.adapters.clickhouse import Connection, Parameter, Pool
from services.analytics.errors import RetryLaterError, WarehouseRejectedError
from tests.warehouse_process import WarehouseProcess

TABLE = (
    "CREATE TABLE u (n Int64, s LowCardinality(String), at DateTime64(6, 'UTC')) ENGINE = MergeTree"
    " ORDER BY n SETTINGS non_replicated_deduplication_window = 100, parts_to_throw_insert = 2"
)
COLUMNS = ("n", "s", "at")
ROWS = [(1, "a", 1_000_000), (2, "ổ'\\", 1_500_000)]


@pytest.fixture
def url(own_warehouse: WarehouseProcess, client: Client) -> str:
    """Of the empty database of `client`."""
    assert client.execute("SELECT currentDatabase()") == [("t",)]
    return f"clickhouse://default@127.0.0.1:{own_warehouse.port}/t"


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    connection = Connection(url)
    yield connection
    connection.close()


def test_every_kind_of_parameter_arrives(connection: Connection) -> None:
    text, texts = "Đúng hạn'; DROP TABLE u; --\\", ("a'", "\\")
    parameters: dict[str, Parameter] = {
        **{"text": text, "number": -(2**40), "share": 0.25, "day": date(2026, 2, 28), "nothing": None},
        **{"numbers": [1, 2, 3], "texts": texts, "none": []},
    }
    query = "SELECT %(text)s, %(number)s, %(share)s, toDate(%(day)s), %(nothing)s,"
    query += " 2 IN %(numbers)s, %(texts)s, %(none)s"
    expected: tuple[object, ...] = (text, -(2**40), 0.25, date(2026, 2, 28), None, 1, texts, [])
    assert connection.rows(query, parameters) == [expected]


def test_an_insert_in_columns_goes_in_once_for_its_token(connection: Connection) -> None:
    connection.run(TABLE)
    for _ in range(3):
        connection.insert("u", COLUMNS, ROWS, "token")
    assert connection.rows("SELECT n, s, toUnixTimestamp64Micro(at) FROM u ORDER BY n") == ROWS


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT sleep(3) SETTINGS max_execution_time = 0.1", 159),
        ("SELECT groupArray(number) FROM numbers(10000000) SETTINGS max_memory_usage = 10000000", 241),
    ],
)
def test_what_passes_is_to_be_tried_again(connection: Connection, query: str, code: int) -> None:
    with pytest.raises(RetryLaterError, match=f"code {code}$"):
        connection.rows(query)
    assert connection.rows("SELECT 1") == [(1,)]


def test_an_insert_into_too_many_parts_is_to_be_tried_again(connection: Connection) -> None:
    connection.run(TABLE)
    connection.run("SYSTEM STOP MERGES u")
    for part in range(2):
        connection.insert("u", COLUMNS, ROWS, f"part {part}")
    with pytest.raises(RetryLaterError, match=r"code 252$"):
        connection.insert("u", COLUMNS, ROWS, "part 2")
    connection.run("ALTER TABLE u MODIFY SETTING parts_to_throw_insert = 100")
    connection.insert("u", COLUMNS, ROWS, "part 2")
    assert connection.rows("SELECT count() FROM u") == [(6,)]


@pytest.mark.parametrize(
    ("query", "code"),
    [("SELEC 1", 62), ("SELECT * FROM nope", 60), ("SELECT nope", 47), ("SELECT toDate('x')", 38)],
)
def test_what_no_repetition_cures_is_refused_with_its_code(
    connection: Connection, query: str, code: int
) -> None:
    with pytest.raises(WarehouseRejectedError, match=f"code {code}: "):
        connection.rows(query)
    assert connection.rows("SELECT 1") == [(1,)]


def test_one_who_takes_too_long_is_left_and_its_query_ended(url: str, client: Client) -> None:
    hasty = Connection(url, timeout=0.5)
    with pytest.raises(RetryLaterError, match="not reachable"):
        hasty.rows("SELECT count() AS endless FROM numbers(1000000000000)")
    assert hasty.rows("SELECT 1") == [(1,)]
    hasty.close()


def test_a_pool_lends_as_many_as_it_has(url: str) -> None:
    pool = Pool(url, 2, patience=0.2)
    lent, back = Event(), Event()

    def hold() -> None:
        with pool.lend() as one:
            assert one.rows("SELECT 1") == [(1,)]
            lent.set()
            back.wait(20)

    holding = Thread(target=hold)
    holding.start()
    assert lent.wait(20)
    assert pool.rows("SELECT %(n)s", {"n": 7}) == [(7,)]
    with pool.lend() as other:
        with pytest.raises(RetryLaterError, match="busy"):
            pool.rows("SELECT 1")
        other.close()
    back.set()
    holding.join()
    with pool.lend() as first, pool.lend() as second:
        for one in (first, second):
            assert one.rows("SELECT 1") == [(1,)]
            one.close()


def test_a_connection_outlives_the_warehouse(tmp_path: Path) -> None:
    [port] = free_ports(1)
    first = WarehouseProcess(tmp_path / "data", port=port)
    connection = Connection(f"clickhouse://default@127.0.0.1:{port}/default")
    connection.run(TABLE)
    connection.insert("u", COLUMNS, ROWS, "token")
    first.kill()
    with pytest.raises(RetryLaterError, match="not reachable"):
        connection.rows("SELECT 1")
    second = WarehouseProcess(tmp_path / "data", port=port)
    try:
        connection.insert("u", COLUMNS, ROWS, "token")
        assert connection.rows("SELECT count() FROM u") == [(2,)]
    finally:
        connection.close()
        second.kill()


def test_the_probe_says_whether_it_serves(own_warehouse: WarehouseProcess) -> None:
    url = f"clickhouse://default@127.0.0.1:{own_warehouse.port}"
    assert why_no_select(f"{url}/default") == ""
    assert "Code: 81" in why_no_select(f"{url}/nope")
    [nobody] = free_ports(1)
    assert "does not answer" in why_no_select(f"clickhouse://default@127.0.0.1:{nobody}/default")
