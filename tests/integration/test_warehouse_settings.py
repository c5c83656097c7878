"""Settings a client sends reach the engine, for that statement only; the insert tokens above all."""

from __future__ import annotations

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from tests.warehouse_process import WarehouseProcess

WINDOW = "SETTINGS non_replicated_deduplication_window = 100"
EXACT = {
    "async_insert": 0,
    "insert_deduplicate": 1,
    "deduplicate_insert": "enable",
    "deduplicate_blocks_in_dependent_materialized_views": 1,
}
ROWS = [(1, "a"), (2, "a"), (3, "b")]
INSERT = "INSERT INTO raw (k, s) VALUES"


@pytest.fixture
def counted(client: Client) -> Client:
    """A client with a table `raw` and a materialized view counting it into `sums`, a window on both."""
    client.execute(f"CREATE TABLE raw (k UInt64, s String) ENGINE = MergeTree ORDER BY k {WINDOW}")
    client.execute(
        f"CREATE TABLE sums (s String, n SimpleAggregateFunction(sum, UInt64))"
        f" ENGINE = AggregatingMergeTree ORDER BY s {WINDOW}"
    )
    client.execute(
        "CREATE MATERIALIZED VIEW counting TO sums AS SELECT s, count()::UInt64 AS n FROM raw GROUP BY s"
    )
    return client


def counts(client: Client) -> tuple[int, int]:
    """Rows in `raw`, and rows as counted by the view."""
    [row] = client.execute("SELECT (SELECT count() FROM raw), (SELECT sum(n) FROM sums)")
    return row[0], row[1]


def test_one_token_one_copy_in_the_table_and_behind_its_view(counted: Client) -> None:
    for _ in range(3):
        counted.execute(INSERT, ROWS, settings={**EXACT, "insert_deduplication_token": "facts:0:0-2"})
    assert counts(counted) == (3, 3)
    counted.execute(INSERT, ROWS, settings={**EXACT, "insert_deduplication_token": "facts:0:3-5"})
    assert counts(counted) == (6, 6)


def test_one_token_covers_an_insert_of_several_blocks(counted: Client) -> None:
    settings = {**EXACT, "insert_deduplication_token": "several", "insert_block_size": 2}
    for _ in range(3):
        counted.execute(INSERT, ROWS, settings=settings)
    assert counts(counted) == (3, 3)


def test_without_deduplication_behind_views_the_view_counts_every_time(counted: Client) -> None:
    token = {"insert_deduplication_token": "t", "deduplicate_blocks_in_dependent_materialized_views": 0}
    for _ in range(3):
        counted.execute(INSERT, ROWS, settings={**EXACT, **token})
    assert counts(counted) == (3, 9)


def test_without_deduplication_every_insert_counts(counted: Client) -> None:
    off = {"insert_deduplicate": 0, "deduplicate_insert": "disable", "insert_deduplication_token": "t"}
    for _ in range(3):
        counted.execute(INSERT, ROWS, settings={**EXACT, **off})
    assert counts(counted) == (9, 9)


def test_a_token_in_the_text_counts_as_well(counted: Client) -> None:
    statement = "INSERT INTO raw (k, s) SETTINGS insert_deduplication_token = 'in the text' VALUES"
    for _ in range(2):
        counted.execute(statement, ROWS, settings=EXACT)
    assert counts(counted) == (3, 3)


def test_settings_hold_for_their_statement_only(client: Client) -> None:
    ask = "SELECT getSetting('max_block_size')"
    [(before,)] = client.execute(ask)
    assert client.execute(ask, settings={"max_block_size": 4242}) == [(4242,)]
    assert client.execute(ask) == [(before,)]


def test_a_set_statement_holds_for_its_client_only(own_warehouse: WarehouseProcess, client: Client) -> None:
    ask = "SELECT getSetting('max_block_size')"
    [(before,)] = client.execute(ask)
    client.execute("SET max_block_size = 77")
    assert client.execute(ask) == [(77,)]
    assert client.execute(ask, settings={"max_block_size": 78}) == [(78,)]
    assert client.execute(ask) == [(77,)]
    with own_warehouse.client() as other:
        assert other.execute(ask) == [(before,)]


def test_use_changes_the_database_of_its_client_only(own_warehouse: WarehouseProcess, client: Client) -> None:
    client.execute("CREATE DATABASE IF NOT EXISTS `other one`")
    client.execute("USE `other one`")
    assert client.execute("SELECT currentDatabase()") == [("other one",)]
    with own_warehouse.client(database="other one") as other:
        assert other.execute("SELECT currentDatabase()") == [("other one",)]
    with own_warehouse.client() as other:
        assert other.execute("SELECT currentDatabase()") == [("default",)]


@pytest.mark.parametrize("important", [False, True])
def test_an_unknown_setting_is_refused_by_name(own_warehouse: WarehouseProcess, important: bool) -> None:
    with own_warehouse.client(settings_is_important=important) as client:
        for settings in ({"no_such_setting": 1}, {"max_block_size": 4242, "no_such_setting": 1}):
            with pytest.raises(ServerException, match="no_such_setting") as caught:
                client.execute("SELECT 1", settings=settings)
            assert caught.value.code == 115
        assert client.execute("SELECT 1") == [(1,)]


@pytest.mark.parametrize("settings", [{"max_threads": "x"}, {"a = 1, b": "1"}])
def test_a_malformed_setting_fails_its_statement(client: Client, settings: dict[str, str]) -> None:
    client.connection.settings_is_important = True
    with pytest.raises(ServerException):
        client.execute("SELECT 1", settings=settings)
    assert client.execute("SELECT 1") == [(1,)]
