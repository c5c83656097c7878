"""The warehouse endpoint answers `clickhouse_driver` as a ClickHouse server does."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from tests.warehouse_process import WarehouseProcess


def refusal(client: Client, *arguments: Any, **options: Any) -> ServerException:
    """The exception `execute` ends with."""
    with pytest.raises(ServerException) as caught:
        client.execute(*arguments, **options)
    return caught.value


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
