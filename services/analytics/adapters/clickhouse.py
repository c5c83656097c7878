"""The warehouse over ClickHouse's native protocol; the only importer of clickhouse_driver.

A `Connection` belongs to one thread at a time; `Pool` lends them to the threads of the API.
"""

from __future__ import annotations

import queue
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Final, cast

from clickhouse_driver import Client
from clickhouse_driver import errors as driver

from services.analytics.domain.lane import LANE_WIDTH, lane_of
from services.analytics.domain.rows import FactRow
from services.analytics.errors import (
    RetryLaterError,
    UnknownTableError,
    WarehouseMismatchError,
    WarehouseRejectedError,
)
from services.analytics.migrations.cluster import WINDOW_SECONDS
from services.analytics.migrations.feeds import feeds, newest_feed, views
from services.analytics.migrations.restore import WINDOW, WINDOW_NAME, setting, targets
from services.analytics.queries import query
from services.analytics.sink.ports import RollUp

Value = str | int | float | date | None
Parameter = Value | Sequence[Value]

_UNKNOWN_TABLE: Final = 60
# Server errors that pass: time-outs, memory, threads, a deadlock avoided, too many parts, a replica or its
# keeper away, shutting down.
_PASSING: Final = frozenset(
    {
        *(3, 32, 159, 173, 201, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252),
        *(279, 285, 286, 289, 319, 394, 439, 473, 999),
    }
)
# The feeds ask questions inside an insert: what bounds a question must not cut or refuse it.
UNBOUNDED: Final[dict[str, str | int]] = dict.fromkeys(
    (
        *("max_rows_to_read", "max_bytes_to_read", "max_rows_to_group_by"),
        *("max_rows_in_join", "max_bytes_in_join", "max_rows_in_set", "max_bytes_in_set"),
    ),
    0,
)
# Nothing of the exactly-once insert is left to a server's defaults, which differ between releases.
_INSERT_SETTINGS: Final[dict[str, str | int]] = {
    "async_insert": 0,
    "wait_for_async_insert": 1,
    "insert_deduplicate": 1,
    "deduplicate_insert": "enable",
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "materialized_views_ignore_errors": 0,
    "max_insert_block_size": 1_048_576,
    "distributed_foreground_insert": 1,
    "max_partitions_per_insert_block": 0,
    **UNBOUNDED,
}
# What a statement means is not left to a profile either, whether a migration's, a question's or an insert's.
_MEANING: Final[dict[str, str | int]] = {
    "aggregate_functions_null_for_empty": 0,
    "cast_keep_nullable": 0,
    "data_type_default_nullable": 0,
    "join_use_nulls": 0,
    "limit": 0,
    "offset": 0,
    "prefer_column_name_to_alias": 0,
    "transform_null_in": 0,
}
_CURE: Final = "a start with MOTCUA_REPAIR=1 makes it anew and puts right what was missed"
_BY_HAND: Final = "make it anew with its statement from `motcua migrate --replicated --print`"


class Connection:
    """One connection, opened when first used and again after a failure. `url` is clickhouse://…

    `timeout` is the longest silence inside a query, `sign_of_life` the longest wait for the answer to a ping
    and to a hello, both in seconds: a warehouse that is frozen is found out before a query is given to it.
    """

    def __init__(self, url: str, timeout: float = 30.0, sign_of_life: float = 5.0) -> None:
        self._client = Client.from_url(url)
        self._client.settings = {**self._client.settings, **_MEANING}
        self._timeout = timeout
        self._sign_of_life = min(timeout, sign_of_life)
        self._client.connection.connect_timeout = self._sign_of_life
        self._client.connection.sync_request_timeout = self._sign_of_life

    def rows(self, text: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises RetryLaterError or WarehouseRejectedError.

        The cell types are the driver's; each caller knows its own query's columns.
        """
        with self._reached():
            return cast(list[tuple[Any, ...]], self._client.execute(text, dict(parameters or {})))

    def run(self, statement: str) -> None:
        """A statement without parameters and without result, such as a migration's."""
        with self._reached():
            self._client.execute(statement)

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]], token: str
    ) -> None:
        """Insert in one block under a deduplication token."""
        names = ", ".join(columns)
        settings = {**_INSERT_SETTINGS, "insert_deduplication_token": token}
        with self._reached():
            self._client.execute(
                f"INSERT INTO {table} ({names}) VALUES",
                [list(column) for column in zip(*rows, strict=True)],
                columnar=True,
                settings=settings,
            )

    def close(self) -> None:
        """Close the socket; a later call opens it again."""
        self._client.disconnect()

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """Connected, alive, and with errors translated."""
        link = self._client.connection
        try:
            # The driver waits for the answer to its hello as long as inside a query: too long to find out
            # that nobody is there.
            link.send_receive_timeout = self._sign_of_life
            if link.connected and not link.ping():
                link.disconnect()
            if not link.connected:
                link.connect()
            link.socket.settimeout(self._timeout)
            yield
        except driver.ServerException as error:
            code = cast(int, error.code)
            if code in _PASSING:
                self.close()
                raise RetryLaterError(f"the warehouse answered code {code}") from error
            refused = UnknownTableError if code == _UNKNOWN_TABLE else WarehouseRejectedError
            raise refused(f"the warehouse refused with code {code}: {_first_line(error)}") from error
        except (driver.Error, OSError, EOFError) as error:
            # The connection is in an unknown state: whatever was sent may or may not have been done.
            self.close()
            raise RetryLaterError(f"the warehouse is not reachable ({type(error).__name__})") from error


def _first_line(error: driver.ServerException) -> str:
    return str(error.message).split("\n", 1)[0].removesuffix(" Stack trace:")[:300]


class SinkWarehouse:
    """Implements `services.analytics.sink.ports.Warehouse`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert_facts(self, rows: Sequence[FactRow], token: str) -> None:
        """See the port."""
        self._connection.insert("facts", FactRow._fields, rows, token)

    def insert_clocks(self, clocks: Mapping[int, int], token: str) -> None:
        """See the port."""
        self._connection.insert("clocks", ("log_partition", "moved_to"), sorted(clocks.items()), token)

    def row_counts(self, partitions: Sequence[int]) -> dict[int, int]:
        """See the port."""
        return dict(self._connection.rows(query("row_counts"), {"partitions": list(partitions)}))

    def drop_unfinished(self, partitions: Sequence[int]) -> None:
        """See the port."""
        lanes = sorted({lane_of(partition) for partition in partitions})
        mine, tables = "|".join(map(str, lanes)), "|".join(("facts", *feeds()))
        pattern = f"^({tables})__({mine})_[0-9a-f]+$"
        for (name,) in self._connection.rows(query("besides"), {"pattern": pattern}):
            self._connection.run(f"DROP TABLE IF EXISTS {name}")
        for lane in lanes:
            kill_mutations(self._connection, f"facts__{lane}_")

    def vouch_for(self, partitions: Sequence[int]) -> None:
        """See the port. The token is of this saying alone: what was taken back may be said again."""
        rows = [(lane * LANE_WIDTH, newest_feed()) for lane in sorted({lane_of(one) for one in partitions})]
        columns = ("log_partition", "migration")
        self._connection.insert("vouched_lanes", columns, rows, f"vouched {secrets.token_hex(8)}")

    def roll_ups(self, partitions: Sequence[int]) -> list[RollUp]:
        """See the port."""
        return [
            RollUp(*row) for row in self._connection.rows(query("roll_ups"), {"partitions": list(partitions)})
        ]

    def check_windows(self) -> None:
        """See the port."""
        check_windows(self._connection)


def kill_mutations(run: Connection | Pool, beside: str) -> None:
    """End mutations that look at a table beside whose name begins so, after it was dropped: they would fail
    for ever, and none after them would ever be done. What such a mutation has done stays done."""
    its = f"database = currentDatabase() AND position(command, '{beside}') > 0"
    run.run(f"KILL MUTATION WHERE {its} SYNC")


def check_windows(connection: Connection) -> None:
    """Every feed must be there, and every target of an insert remember enough tokens.

    Raises WarehouseMismatchError.
    """
    tables, fed = targets(), views()
    local = [f"{table}_local" for table in tables]  # on a cluster what a Distributed table stands for
    engines = dict(connection.rows(query("windows"), {"tables": [*tables, *local, *fed]}))
    alone = not any(name in engines for name in local)
    for view, table in fed.items():
        if engines.get(view) != "MaterializedView":
            first = f"take away what has the name {view} first; " if view in engines else ""
            raise WarehouseMismatchError(
                f"the feed {view} is gone, and what is inserted no longer reaches {table}; {first}"
                + (_CURE if alone else _BY_HAND)
            )
    for table in tables:
        engine = str(engines.get(f"{table}_local", engines.get(table, "")))
        wanted, cure = {WINDOW_NAME: WINDOW}, f"; {_CURE}" if engine else ""
        if engine.startswith("Replicated"):
            wanted = {
                "replicated_deduplication_window": WINDOW,
                "replicated_deduplication_window_seconds": WINDOW_SECONDS,
            }
            cure = ""
        for name, least in wanted.items():
            if setting(engine, name) < least:
                raise WarehouseMismatchError(
                    f"table {table} must have a {name} of at least {least}; "
                    f"without it a repeated insert would count twice{cure}"
                )


class Pool:
    """Connections for the threads of the API, at most `size` at once; the next caller waits.

    A caller waits `patience` seconds for a connection and twice `sign_of_life` for a warehouse that does not
    stir; only a query that runs may take longer, silent for at most `timeout`.
    """

    def __init__(
        self,
        url: str,
        size: int = 4,
        *,
        patience: float = 1.0,
        sign_of_life: float = 2.0,
        timeout: float = 30.0,
    ) -> None:
        self._patience = patience
        self._idle: queue.LifoQueue[Connection] = queue.LifoQueue()
        for _ in range(size):
            self._idle.put(Connection(url, timeout, sign_of_life))

    @contextmanager
    def lend(self) -> Iterator[Connection]:
        """A connection for the block. Raises RetryLaterError when none comes free in time."""
        try:
            connection = self._idle.get(timeout=self._patience)
        except queue.Empty as error:
            raise RetryLaterError("every connection to the warehouse is busy") from error
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def rows(self, text: str, parameters: Mapping[str, Parameter] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query on any connection; one that died while idle is opened again."""
        with self.lend() as connection:
            return connection.rows(text, parameters)

    def run(self, statement: str) -> None:
        """See `Connection.run`."""
        with self.lend() as connection:
            connection.run(statement)

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]], token: str
    ) -> None:
        """See `Connection.insert`."""
        with self.lend() as connection:
            connection.insert(table, columns, rows, token)
