"""The schema of the warehouse as numbered SQL files, and what brings a warehouse up to it.

One statement a file, applied in order at start, each only once. A file that was applied is never edited:
its checksum is kept and compared. Statements can be repeated (IF NOT EXISTS), because a crash between a
statement and its entry repeats it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib import resources
from typing import Final, NamedTuple, Protocol

from services.analytics.errors import WarehouseMismatchError

JOURNAL_COLUMNS: Final = (
    "(number UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))"
)
JOURNAL: Final = f"""CREATE TABLE IF NOT EXISTS migrations
{JOURNAL_COLUMNS}
ENGINE = ReplacingMergeTree ORDER BY number"""
_CLUSTERED: Final = (
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND name = 'facts_local'"
)
_ENGINES: Final = (
    "SELECT name, engine FROM system.tables "
    "WHERE database = currentDatabase() AND name IN ('facts', 'migrations') ORDER BY name"
)
_MACROS: Final = "SELECT macro FROM system.macros"
_NEEDED_MACROS: Final = frozenset({"cluster", "shard", "replica"})


class Migration(NamedTuple):
    """One numbered statement."""

    number: int
    name: str
    statement: str

    @property
    def checksum(self) -> str:
        """What is kept of the text."""
        return hashlib.sha256(self.statement.encode()).hexdigest()


class Connection(Protocol):
    """What a migration needs of a warehouse connection."""

    def rows(self, text: str) -> list[tuple[object, ...]]:
        """The rows of a query."""
        ...

    def run(self, statement: str) -> None:
        """Run a statement."""
        ...


def shipped() -> list[Migration]:
    """The migrations of this release, in order."""
    found = []
    for entry in resources.files(__name__).iterdir():
        if entry.name.endswith(".sql"):
            number, _, name = entry.name.removesuffix(".sql").partition("_")
            statement = entry.read_text(encoding="utf-8").strip().removesuffix(";")
            found.append(Migration(int(number), name, statement))
    return sorted(found)


def plain(migration: Migration) -> tuple[str, ...]:
    """A migration for one server: as it is written."""
    return (migration.statement,)


def migrate(
    connection: Connection,
    statements: Callable[[Migration], tuple[str, ...]] = plain,
    journal_table: str = JOURNAL,
) -> list[Migration]:
    """Apply what is missing, each migration as its `statements`; the migrations applied now.

    Raises WarehouseMismatchError when an applied migration differs from the shipped one, or when tables of
    one server would come beside those of a cluster, or a cluster's where they do not belong.
    """
    if statements is not plain:
        _check_cluster(connection)
    connection.run(journal_table)
    journal = connection.rows("SELECT number, checksum FROM migrations")
    applied = {row[0]: row[1] for row in journal}
    missing = []
    for migration in shipped():
        checksum = applied.get(migration.number)
        if checksum is None:
            missing.append(migration)
        elif checksum != migration.checksum:
            raise WarehouseMismatchError(
                f"migration {migration.number:04d}_{migration.name} was applied with another text; "
                "add a new migration instead of editing an old one"
            )
    if missing and statements is plain and clustered(connection):
        raise WarehouseMismatchError(
            f"{len(missing)} migrations are missing and the tables are a cluster's: "
            "apply them with `motcua migrate --replicated`"
        )
    for migration in missing:
        for statement in statements(migration):
            connection.run(statement)
        connection.run(
            "INSERT INTO migrations (number, name, checksum) SETTINGS async_insert = 0 "
            f"VALUES ({migration.number}, '{migration.name}', '{migration.checksum}')"
        )
    return missing


def clustered(connection: Connection) -> bool:
    """Whether the tables are a cluster's."""
    return bool(connection.rows(_CLUSTERED))


def _check_cluster(connection: Connection) -> None:
    """Before anything is made: tables of one server would pass for the cluster's, and be left as they are."""
    alone = [
        name for name, engine in connection.rows(_ENGINES) if engine in ("MergeTree", "ReplacingMergeTree")
    ]
    if alone:
        raise WarehouseMismatchError(
            f"{' and '.join(map(str, alone))} stand here as tables of one server; make a cluster's in a "
            "database without them, and the warehouse anew from the log (docs/operations.md)"
        )
    missing = _NEEDED_MACROS.difference(str(name) for (name,) in connection.rows(_MACROS))
    if missing:
        raise WarehouseMismatchError(
            f"this server has no macro named {', '.join(sorted(missing))}, so it is none of a cluster; "
            "for one server: `motcua migrate`"
        )
