"""A failed statement is answered with ClickHouse's code, name and words, on a connection that goes on."""

from __future__ import annotations

from typing import Any

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException, TypeMismatchError
from clickhouse_driver.protocol import ServerPacketTypes

BASE = (
    "CREATE TABLE base (n UInt32, s String) ENGINE = MergeTree ORDER BY n SETTINGS parts_to_throw_insert = 1"
)
FAILURES = [
    ("SELEC 1", 62, "SYNTAX_ERROR"),
    ("", 62, "SYNTAX_ERROR"),
    ("SELECT 1; SELECT 2", 62, "SYNTAX_ERROR"),
    ("SELECT 1; DROP TABLE base", 62, "SYNTAX_ERROR"),
    ("INSERT INTO roomy VALUES (1); DROP TABLE base", 62, "SYNTAX_ERROR"),
    ("SELECT * FROM nope", 60, "UNKNOWN_TABLE"),
    ("SELECT nope FROM base", 47, "UNKNOWN_IDENTIFIER"),
    ("SELECT nope(1)", 46, "UNKNOWN_FUNCTION"),
    ("SELECT n FROM base WHERE n IN ('a')", 53, "TYPE_MISMATCH"),
    ("SELECT toUInt8('x')", 6, "CANNOT_PARSE_TEXT"),
    ("SELECT 1 + 'a'", 43, "ILLEGAL_TYPE_OF_ARGUMENT"),
    ("SELECT intDiv(1, 0)", 153, "ILLEGAL_DIVISION"),
    ("CREATE TABLE base (n UInt8) ENGINE = Memory", 57, "TABLE_ALREADY_EXISTS"),
    ("CREATE TABLE other (n UInt8) ENGINE = Nope", 56, "UNKNOWN_STORAGE"),
    ("CREATE DATABASE t", 82, "DATABASE_ALREADY_EXISTS"),
    ("USE nope", 81, "UNKNOWN_DATABASE"),
    ("SET nope = 1", 115, "UNKNOWN_SETTING"),
    ("SELECT throwIf(number = 150000) FROM numbers(200000)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
    ("SELECT * FROM numbers(10) SETTINGS max_result_rows = 5", 396, "TOO_MANY_ROWS_OR_BYTES"),
    (
        "SELECT groupArray(number) FROM numbers(100000000) SETTINGS max_memory_usage = 10000000",
        241,
        "MEMORY_LIMIT_EXCEEDED",
    ),
    ("SELECT sleep(3) SETTINGS max_execution_time = 0.1", 159, "TIMEOUT_EXCEEDED"),
    ("INSERT INTO base VALUES (2, 'b')", 252, "TOO_MANY_PARTS"),
]
NOT_SERVED = [
    "CREATE TEMPORARY TABLE x (a Int8)",
    "SELECT number % 2 AS k, count() FROM numbers(9) GROUP BY k WITH TOTALS",
    "SELECT 1 INTO OUTFILE '/nowhere/at/all'",
    "SELECT 1 SETTINGS extremes = 1",
    "SET extremes = 1",
    "SET send_logs_level = 'trace'",
]


@pytest.fixture
def base(client: Client) -> Client:
    """The client, with a table that bears one part."""
    client.execute(BASE)
    client.execute("CREATE TABLE roomy (n UInt32) ENGINE = Null")
    client.execute("INSERT INTO base VALUES", [(1, "a")])
    return client


def ask(client: Client, query: str, settings: dict[str, object] | None = None) -> Any:
    """The rows of a query, packet by packet: `execute` would leave the connection after an error."""
    link = client.connection
    if not link.connected:
        link.connect()
    client.make_query_settings(settings)
    link.send_query(query)
    link.send_external_tables([])
    rows: list[Any] = []
    while (packet := link.receive_packet()).type != ServerPacketTypes.END_OF_STREAM:
        link.is_query_executing = False  # what the driver takes leaving for
        if packet.type == ServerPacketTypes.EXCEPTION:
            raise packet.exception
        if packet.type == ServerPacketTypes.DATA:
            rows += packet.block.get_rows()
    return rows


@pytest.mark.parametrize(("query", "code", "name"), FAILURES)
def test_failures_keep_code_and_name_and_the_connection_goes_on(
    base: Client, query: str, code: int, name: str
) -> None:
    assert ask(base, "SELECT 1") == [(1,)]
    socket = base.connection.socket
    with pytest.raises(ServerException) as caught:
        ask(base, query)
    assert caught.value.code == code
    assert f"({name})" in caught.value.message
    assert caught.value.message.startswith("DB::Exception: ")
    assert ask(base, "SELECT count(), any(s), any(n) FROM base") == [(1, "a", 1)]
    assert base.connection.socket is socket


@pytest.mark.parametrize("query", NOT_SERVED)
def test_what_is_not_served_is_refused_by_name(client: Client, query: str) -> None:
    with pytest.raises(ServerException, match="not supported here") as caught:
        ask(client, query)
    assert caught.value.code == 48
    assert ask(client, "SELECT 1") == [(1,)]


@pytest.mark.parametrize("name", ["extremes", "send_logs_level"])
def test_settings_the_endpoint_cannot_keep_are_refused_by_name(client: Client, name: str) -> None:
    with pytest.raises(ServerException, match=name) as caught:
        ask(client, "SELECT 1", {name: 1})
    assert caught.value.code == 48


def test_totals_within_a_subquery_are_nobodys_business(client: Client) -> None:
    inner = "SELECT number % 2 AS k, count() AS n FROM numbers(9) GROUP BY k WITH TOTALS"
    assert client.execute(f"SELECT sum(n) FROM ({inner})") == [(9,)]
    assert client.execute("SELECT ' WITH TOTALS ', 'INTO OUTFILE'") == [(" WITH TOTALS ", "INTO OUTFILE")]


@pytest.mark.parametrize(("target", "code"), [("nope", 60), ("base (nope)", 47)])
def test_an_insert_into_what_is_not_there_is_refused(base: Client, target: str, code: int) -> None:
    with pytest.raises(ServerException) as caught:
        base.execute(f"INSERT INTO {target} VALUES", [(1,)])
    assert caught.value.code == code
    assert base.execute("SELECT count() FROM base") == [(1,)]


def test_a_value_of_the_wrong_type_is_the_drivers_to_refuse_and_leaves_nothing(client: Client) -> None:
    client.execute("CREATE TABLE c (n UInt32) ENGINE = MergeTree ORDER BY n")
    with pytest.raises(TypeMismatchError):
        client.execute("INSERT INTO c VALUES", [(1,), ("x",)], types_check=True)
    assert client.execute("SELECT count() FROM c") == [(0,)]


def test_rows_a_table_has_no_room_for_are_refused_and_welcome_later(base: Client) -> None:
    with pytest.raises(ServerException) as caught:
        base.execute("INSERT INTO base VALUES", [(2, "b")])
    assert caught.value.code == 252
    base.execute("ALTER TABLE base MODIFY SETTING parts_to_throw_insert = 300")
    assert base.execute("INSERT INTO base VALUES", [(2, "b")]) == 1
    assert base.execute("SELECT count() FROM base") == [(2,)]


def test_an_insert_of_several_blocks_that_fails_late_leaves_nothing(client: Client) -> None:
    client.execute("CREATE TABLE c (n UInt32, CONSTRAINT small CHECK n < 900) ENGINE = MergeTree ORDER BY n")
    rows, blocks = [(n,) for n in range(1000)], {"insert_block_size": 100}
    for refused in (
        ("INSERT INTO c VALUES", rows),
        ("INSERT INTO c VALUES (901)",),
        ("INSERT INTO c SELECT 902",),
    ):
        with pytest.raises(ServerException) as caught:
            client.execute(*refused, settings=blocks)
        assert caught.value.code == 469
    assert client.execute("INSERT INTO c VALUES", [(1,)]) == 1
    assert client.execute("SELECT count() FROM c") == [(1,)]
