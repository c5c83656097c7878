"""`motcua migrate`: applies once, says so, prints what a cluster would get."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from motcua import migrate
from motcua.failure import Failure
from services.analytics.adapters.clickhouse import Connection, check_windows
from services.analytics.errors import WarehouseMismatchError, WarehouseRejectedError
from services.analytics.migrations import Migration, shipped
from services.analytics.migrations import migrate as apply
from services.analytics.migrations.cluster import JOURNAL, UnknownShapeError, replicated
from tests.warehouse_process import WarehouseProcess

GOLDEN = Path(__file__).parents[1] / "golden" / "warehouse_replicated.sql"


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    migrate.configure(parser)
    return parser.parse_args(words)


def test_what_is_missing_is_applied_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = WarehouseProcess(tmp_path / "data")
    url = f"clickhouse://default@127.0.0.1:{process.port}/default"
    connection = Connection(url)
    try:
        assert migrate.run(arguments("--warehouse", url, "--json")) == 0
        said = json.loads(capsys.readouterr().out)
        assert said == {
            "applied": [f"{one.number:04d}_{one.name}" for one in shipped()],
            "shipped": len(shipped()),
        }
        check_windows(connection)
        monkeypatch.setenv("MOTCUA_CLICKHOUSE", url)
        assert migrate.run(arguments()) == 0
        assert capsys.readouterr().out == "Nothing to apply.\n"
        connection.run("CREATE TABLE facts_local (n UInt8) ENGINE = MergeTree ORDER BY n")
        connection.run("ALTER TABLE migrations DELETE WHERE number = 1 SETTINGS mutations_sync = 2")
        with pytest.raises(Failure, match="migrate --replicated"):
            migrate.run(arguments())
        connection.run("DROP TABLE facts_local")
        assert migrate.run(arguments()) == 0
        # On a cluster the window is that of the table a Distributed one stands for.
        connection.run("CREATE TABLE figures_local (n UInt8) ENGINE = MergeTree ORDER BY n")
        with pytest.raises(WarehouseMismatchError, match="figures"):
            check_windows(connection)
        connection.run("INSERT INTO migrations (number, name, checksum) VALUES (1, 'facts', 'another text')")
        connection.run("OPTIMIZE TABLE migrations FINAL")
        with pytest.raises(Failure, match="0001_facts"):
            migrate.run(arguments())
        connection.close()
        process.kill()
        with pytest.raises(Failure, match="not reachable"):
            migrate.run(arguments())
    finally:
        connection.close()
        process.kill()


def test_a_cluster_is_not_made_of_one_server(tmp_path: Path) -> None:
    process = WarehouseProcess(tmp_path / "data")
    url = f"clickhouse://default@127.0.0.1:{process.port}/default"
    connection = Connection(url)
    tables = "SELECT name FROM system.tables WHERE database = currentDatabase()"
    try:
        with pytest.raises(Failure, match="no macro named cluster, replica, shard"):
            migrate.run(arguments("--warehouse", url, "--replicated"))
        assert connection.rows(tables) == []
        assert migrate.run(arguments("--warehouse", url)) == 0
        before = connection.rows(tables)
        with pytest.raises(Failure, match="facts and migrations stand here as tables of one server"):
            migrate.run(arguments("--warehouse", url, "--replicated"))
        assert connection.rows(tables) == before
        with pytest.raises(WarehouseRejectedError) as refused:
            connection.rows("SELECT * FROM nowhere")
        assert not str(refused.value).endswith("Stack trace:")
    finally:
        connection.close()
        process.kill()


class AServerOfACluster:
    """What a migration for a cluster asks before it begins, and what it then runs."""

    def __init__(self, macros: tuple[str, ...], engines: dict[str, str]) -> None:
        self._macros, self._engines = macros, engines
        self.ran: list[str] = []

    def rows(self, text: str) -> list[tuple[object, ...]]:
        if "system.macros" in text:
            return [(name,) for name in self._macros]
        return list(self._engines.items()) if "system.tables" in text else []

    def run(self, statement: str) -> None:
        self.ran.append(statement)


MACROS = ("cluster", "replica", "shard")


def test_a_server_of_a_cluster_is_given_its_tables_anew_or_further() -> None:
    made = {"facts": "Distributed", "migrations": "ReplicatedReplacingMergeTree"}
    for engines in ({}, made):
        server = AServerOfACluster((*MACROS, "more"), engines)
        assert apply(server, replicated, JOURNAL) == shipped()
        assert server.ran[0] == JOURNAL
    for macros, engines in ((MACROS[:2], made), (MACROS, {"migrations": "ReplacingMergeTree"})):
        server = AServerOfACluster(macros, engines)
        with pytest.raises(WarehouseMismatchError, match=r"no macro named shard|migrations stand"):
            apply(server, replicated, JOURNAL)
        assert server.ran == []


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("clickhouse://default:secret@127.0.0.1:1/default", "not reachable"),
        ("clickhouse://default:secret@127.0.0.1:0x1/default", "--warehouse: expected clickhouse://"),
        ("clickhouse://default:secret@127.0.0.1:99999/default", "--warehouse: expected clickhouse://"),
        ("http://default:secret@127.0.0.1:1/default", "--warehouse: expected clickhouse://"),
        ("secret", "--warehouse: expected clickhouse://"),
    ],
)
def test_a_wrong_address_is_told_in_one_line(address: str, told: str) -> None:
    asked = [sys.executable, "-m", "motcua", "migrate", "--warehouse", address]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == (1 if told == "not reachable" else 2)
    assert done.stderr.startswith("motcua migrate: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret" not in done.stderr


def test_no_warehouse_named_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MOTCUA_CLICKHOUSE", raising=False)
    with pytest.raises(Failure, match="--warehouse"):
        migrate.run(arguments("--home", str(tmp_path)))


def test_the_plain_print_is_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    assert migrate.run(arguments("--print")) == 0
    printed = capsys.readouterr().out
    assert all(f"{one.statement};" in printed for one in shipped())


def test_the_print_for_a_cluster_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    """After a new migration: read `motcua migrate --print --replicated`, then put it in place of the file."""
    assert migrate.run(arguments("--print", "--replicated")) == 0
    assert capsys.readouterr().out == GOLDEN.read_text(encoding="utf-8")


def test_no_statement_for_a_cluster_is_left_plain() -> None:
    for one in shipped():
        for statement in replicated(one):
            assert "ON CLUSTER" in statement
            assert " non_replicated" not in statement
            assert "Replicated" in statement or "ENGINE = Aggregating" not in statement
            assert not ("MATERIALIZED" in statement and " FROM facts\n" in statement)
    with pytest.raises(UnknownShapeError, match="0099_odd"):
        replicated(Migration(99, "odd", "OPTIMIZE TABLE facts"))
