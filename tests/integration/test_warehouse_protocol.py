"""The warehouse endpoint answers `clickhouse_driver` as a ClickHouse server does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Thread
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from tests.warehouse_process import WarehouseProcess

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
MORNING = datetime(2026, 1, 5, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def own_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    process = WarehouseProcess(tmp_path_factory.mktemp("warehouse") / "data")
    yield process
    process.kill()


@pytest.fixture
def client(own_warehouse: WarehouseProcess) -> Iterator[Client]:
    """A client with an empty database of its own."""
    admin = own_warehouse.client()
    admin.execute("DROP DATABASE IF EXISTS t")
    admin.execute("CREATE DATABASE t")
    admin.disconnect()
    with own_warehouse.client(database="t") as own:
        yield own


def refusal(client: Client, *arguments: Any, **options: Any) -> ServerException:
    """The exception `execute` ends with."""
    with pytest.raises(ServerException) as caught:
        client.execute(*arguments, **options)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("UInt8", [0, 255]),
        ("Int64", [-(2**63), 2**63 - 1]),
        ("UInt256", [0, 2**256 - 1]),
        ("Float64", [0.1, -1e300]),
        ("Bool", [True, False]),
        ("String", ["", "Hồ sơ đúng hạn", "it's\n\0"]),
        ("FixedString(4)", ["abcd"]),
        ("Date", [date(1970, 1, 1), date(2149, 6, 6)]),
        ("Date32", [date(1900, 1, 1), date(2299, 12, 31)]),
        ("DateTime('UTC')", [MORNING]),
        ("DateTime('Asia/Ho_Chi_Minh')", [MORNING]),
        ("DateTime64(6, 'UTC')", [MORNING.replace(microsecond=123456)]),
        ("Nullable(DateTime('Asia/Ho_Chi_Minh'))", [MORNING, None]),
        ("UUID", [UUID("61f0c404-5cb3-11e7-907b-a6006ad3dba0")]),
        ("Enum8('early' = 1, 'on)time' = 2)", ["early", "on)time"]),
        ("LowCardinality(String)", ["a", "b", "a"]),
        ("LowCardinality(Nullable(String))", ["a", None]),
        ("Nullable(String)", [None, "", "x"]),
        ("Array(LowCardinality(String))", [["a", "b"], [], ["a"]]),
        ("Array(Nullable(UInt16))", [[1, None], []]),
        ("Decimal(18, 3)", [Decimal("1.500"), Decimal("-7.125")]),
        ("Map(String, UInt32)", [{"a": 1}, {}]),
        ("Tuple(String, UInt8)", [("a", 1)]),
        ("SimpleAggregateFunction(max, UInt64)", [7]),
    ],
)
def test_values_of_every_type_come_back(client: Client, kind: str, values: list[object]) -> None:
    client.execute(f"CREATE TABLE v (n UInt32, v {kind}) ENGINE = MergeTree ORDER BY n")
    assert client.execute("INSERT INTO v VALUES", list(enumerate(values))) == len(values)
    rows, columns = client.execute("SELECT v FROM v ORDER BY n", with_column_types=True)
    assert [row[0] for row in rows] == values
    assert columns == [("v", kind)]


def test_the_zone_of_a_column_survives_and_nothing_is_shifted(client: Client) -> None:
    client.execute("CREATE TABLE d (at DateTime('Asia/Ho_Chi_Minh')) ENGINE = MergeTree ORDER BY at")
    client.execute("INSERT INTO d VALUES", [(MORNING,)])
    [(at, text)], columns = client.execute("SELECT at, toString(at) FROM d", with_column_types=True)
    assert (at, at.utcoffset()) == (MORNING, MORNING.astimezone(HANOI).utcoffset())
    assert text == "2026-01-05 07:30:00"
    assert columns[0] == ("at", "DateTime('Asia/Ho_Chi_Minh')")
    assert client.execute("SELECT timezone()") == [("UTC",)]


def test_a_result_without_rows_still_has_columns(client: Client) -> None:
    query = "WITH 1 AS a SELECT toDateTime(a, 'Asia/Ho_Chi_Minh') AS at, 'x' AS s WHERE 0"
    rows, columns = client.execute(query, with_column_types=True)
    assert (rows, columns) == ([], [("at", "DateTime('Asia/Ho_Chi_Minh')"), ("s", "String")])


def test_a_result_of_several_blocks_arrives_whole(client: Client) -> None:
    rows = list(client.execute_iter("SELECT number, toString(number) FROM numbers(200000)"))
    assert rows == [(n, str(n)) for n in range(200_000)]
    union = "SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 3"
    assert sorted(client.execute(union)) == [(1,), (2,), (3,)]


def test_columns_go_in_and_out_as_columns(client: Client) -> None:
    client.execute("CREATE TABLE c (n UInt32, s String) ENGINE = MergeTree ORDER BY n")
    data: list[list[Any]] = [list(range(1000)), [f"hồ sơ {n}" for n in range(1000)]]
    options = {"insert_block_size": 300}  # four blocks
    assert client.execute("INSERT INTO c (n, s) VALUES", data, columnar=True, settings=options) == 1000
    assert client.execute("SELECT n, s FROM c ORDER BY n", columnar=True) == [tuple(c) for c in data]


def test_an_insert_may_name_columns_or_carry_its_rows(client: Client) -> None:
    client.execute(
        "CREATE TABLE c (n UInt8, twice UInt8 MATERIALIZED n * 2, s String DEFAULT 'd', other UInt8 ALIAS n)"
        " ENGINE = MergeTree ORDER BY n"
    )
    client.execute("INSERT INTO c (s, n) VALUES", [("named", 1)])
    client.execute("INSERT INTO c (* EXCEPT(s)) VALUES", [(2,)])
    client.execute("INSERT INTO c VALUES", [{"n": 3, "s": "dict"}])
    client.execute("INSERT INTO c VALUES (4, 'inline; two')")
    client.execute("INSERT INTO c SELECT 5, 'selected'")
    client.execute("INSERT INTO c VALUES", [])
    assert client.execute("SELECT n, s, twice, other FROM c ORDER BY n") == [
        (1, "named", 2, 1),
        (2, "d", 4, 2),
        (3, "dict", 6, 3),
        (4, "inline; two", 8, 4),
        (5, "selected", 10, 5),
    ]


def test_parameters_are_substituted_by_the_client(client: Client) -> None:
    values = {"s": "it's \\ 'quoted'", "n": 7, "l": [1, 2]}
    assert client.execute("SELECT %(s)s, %(n)s, %(n)s IN %(l)s FORMAT TSV", values) == [(values["s"], 7, 0)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT nope", 47),
        ("SELECT * FROM nope", 60),
        ("SELEC 1", 62),
        ("SELECT 1; SELECT 2", 62),
        ("CREATE TABLE one (a Int8) ENGINE = Memory; DROP TABLE one", 62),
        ("USE nope", 81),
        ("SELECT throwIf(number = 150000) FROM numbers(200000)", 395),
        ("CREATE TEMPORARY TABLE x (a Int8)", 48),
    ],
)
def test_failures_keep_their_code_and_leave_nothing_behind(client: Client, query: str, code: int) -> None:
    assert refusal(client, query).code == code
    assert client.execute("SELECT 42") == [(42,)]


@pytest.mark.parametrize(("target", "code"), [("nope", 60), ("c (nope)", 47)])
def test_an_insert_into_what_is_not_there_is_refused(client: Client, target: str, code: int) -> None:
    client.execute("CREATE TABLE c (n UInt32) ENGINE = MergeTree ORDER BY n")
    assert refusal(client, f"INSERT INTO {target} VALUES", [(1,)]).code == code
    assert client.execute("SELECT count() FROM c") == [(0,)]


def test_an_insert_that_fails_late_is_answered_with_its_error(client: Client) -> None:
    client.execute("CREATE TABLE c (n UInt32, CONSTRAINT small CHECK n < 900) ENGINE = MergeTree ORDER BY n")
    settings = {"insert_block_size": 100}
    assert refusal(client, "INSERT INTO c VALUES", [(n,) for n in range(1000)], settings=settings).code == 469
    assert refusal(client, "INSERT INTO c VALUES (901)").code == 469
    assert refusal(client, "INSERT INTO c SELECT 902").code == 469
    assert client.execute("INSERT INTO c VALUES", [(1,)]) == 1
    assert client.execute("SELECT count() FROM c") == [(1,)]


def test_a_client_that_leaves_inside_an_insert_leaves_nothing(client: Client) -> None:
    client.execute("CREATE TABLE c (n UInt32) ENGINE = MergeTree ORDER BY n")

    def rows() -> Iterator[tuple[int]]:
        yield from ((n,) for n in range(500))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.execute("INSERT INTO c VALUES", rows(), settings={"insert_block_size": 100})
    assert client.execute("SELECT count() FROM c") == [(0,)]


def test_a_cancelled_result_ends_early(client: Client) -> None:
    stream = client.execute_iter("SELECT number FROM system.numbers")
    assert next(stream) == (0,)
    client.connection.send_cancel()
    for _ in stream:
        pass
    assert client.execute("SELECT 1") == [(1,)]


@pytest.mark.parametrize(("user", "password"), [("someone", ""), ("default", "secret")])
def test_there_is_no_other_user(own_warehouse: WarehouseProcess, user: str, password: str) -> None:
    with own_warehouse.client(user=user, password=password) as stranger:
        assert refusal(stranger, "SELECT 1").code == 516


def test_a_database_that_is_not_there_refuses_the_hello(own_warehouse: WarehouseProcess) -> None:
    with own_warehouse.client(database="nope") as client:
        assert refusal(client, "SELECT 1").code == 81


def test_compression_is_refused_by_name(own_warehouse: WarehouseProcess) -> None:
    with own_warehouse.client() as client:
        client.connection.connect()
        client.connection.compression = 1  # as a client with the compression packages would ask
        assert "compression is off" in refusal(client, "SELECT 1").message


def test_external_tables_are_refused(client: Client) -> None:
    table = {"name": "ext", "structure": [("n", "UInt8")], "data": [{"n": 1}]}
    assert refusal(client, "SELECT * FROM ext", external_tables=[table]).code == 48


def test_garbage_on_the_socket_hurts_only_its_sender(own_warehouse: WarehouseProcess, client: Client) -> None:
    for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x00\xff\xff", b"\x07" * 8_000_000):
        with socket.create_connection(("127.0.0.1", own_warehouse.port), timeout=20) as stranger:
            stranger.sendall(garbage)
            stranger.shutdown(socket.SHUT_WR)
            while stranger.recv(4096):
                pass
    assert client.execute("SELECT 1") == [(1,)]


def test_many_clients_at_once(own_warehouse: WarehouseProcess, client: Client) -> None:
    client.execute("CREATE TABLE c (w UInt8, n UInt32) ENGINE = MergeTree ORDER BY (w, n)")

    def work(writer: int) -> None:
        with own_warehouse.client(database="t") as own:
            for n in range(10):
                own.execute("INSERT INTO c VALUES", [(writer, n)])
                [(seen,)] = own.execute("SELECT count() FROM c WHERE w = %(w)s", {"w": writer})
                assert seen == n + 1

    threads = [Thread(target=work, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.execute("SELECT w, count() FROM c GROUP BY w ORDER BY w") == [(w, 10) for w in range(6)]
