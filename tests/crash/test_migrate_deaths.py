"""The migrations of a start that dies after every statement: the next start goes on where it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from services.analytics.adapters.clickhouse import Connection, check_windows
from services.analytics.migrations import migrate, shipped
from tests.crash.sink.doomed import Doom, DoomedConnection, Fate
from tests.fakes.analytics import DiedError

FIRST = 3
"""The statements before the first migration of a start: the journal made, and read; no cluster there?"""


@pytest.fixture
def databases(warehouse: str) -> Iterator[tuple[str, str]]:
    """Two empty ones."""
    urls = [f"{warehouse.rpartition('/')[0]}/{name}" for name in ("migrated", "disturbed")]
    with contextlib.closing(Connection(warehouse)) as admin:
        for url in urls:
            admin.run(f"CREATE DATABASE {url.rpartition('/')[2]}")
        yield urls[0], urls[1]
        for url in urls:
            admin.run(f"DROP DATABASE {url.rpartition('/')[2]}")


def schema(connection: Connection) -> list[tuple[Any, ...]]:
    """Every table and view, as it would be made again."""
    return connection.rows(
        "SELECT name, replaceAll(create_table_query, currentDatabase() || '.', '') FROM system.tables "
        "WHERE database = currentDatabase() ORDER BY name"
    )


def test_starts_that_die_after_every_statement_come_to_the_same_schema(databases: tuple[str, str]) -> None:
    with contextlib.closing(Connection(databases[0])) as undisturbed:
        migrate(undisturbed)
        wanted = schema(undisturbed)
    deaths = 0
    for migration in shipped():
        for place in (FIRST, FIRST + 1):  # it is made, but no entry says so; it is made again, and one does
            with contextlib.closing(DoomedConnection(databases[1], Doom(Fate.AFTER, place))) as dying:
                with pytest.raises(DiedError):
                    migrate(dying)
                given = [text for text in dying.doom.given if text == migration.statement]
                assert len(given) == 1, migration.name
                deaths += 1
    with contextlib.closing(Connection(databases[1])) as last:
        assert deaths == 2 * len(shipped())
        assert migrate(last) == []
        check_windows(last)
        assert schema(last) == wanted
        assert last.rows("SELECT number, count() FROM migrations GROUP BY number ORDER BY number") == [
            (one.number, 1) for one in shipped()
        ]
