"""Tables beside those in use, of one lane: built in peace, then put in place in one step.

Every name carries the lane and a tag of its own. A new writer of the lane drops whatever stands beside for
it before it inserts anything: what an earlier process had in hand can then no longer be put in place.
Every statement that changes a table in use names a table beside, therefore, and fails once that is gone; a
mutation that waits for its turn is ended by whoever drops the table it looks at.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from services.analytics.adapters.clickhouse import UNBOUNDED, Pool, kill_mutations
from services.analytics.domain.rows import FactRow
from services.analytics.migrations.feeds import feeds, of_stretch
from services.analytics.queries import query

_OFFSETS: Final = 5_000
# A rebuild's inserts are of its own tables, thrown away when anything goes wrong: nothing to recognise again.
_FILL: Final = (
    "SETTINGS async_insert = 0, insert_deduplicate = 0, deduplicate_insert = 'disable', "
    "deduplicate_insert_select = 'disable', max_partitions_per_insert_block = 0, "
    + ", ".join(f"{name} = {value}" for name, value in UNBOUNDED.items())
)


class Beside:
    """The roll-ups of one lane beside those in use, and rows of raw facts that are to be put right."""

    def __init__(self, pool: Pool, lane: int) -> None:
        self._pool = pool
        self._feeds: dict[str, str] = {}
        self._made: list[str] = []
        self._actions: dict[str, str] = {}
        self._new = False
        self._lane = lane
        self._tag = secrets.token_hex(4)

    def rows(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Rows of the raw facts by partition; a partition without rows is left out."""
        return dict(self._pool.rows(query("row_counts"), {"partitions": list(partitions)}))

    def begin(self, tables: Collection[str] | None = None) -> None:
        """Empty tables, beside all roll-ups or beside some, which are new."""
        self._new = tables is not None
        self._feeds = {name: feed for name, feed in feeds().items() if tables is None or name in tables}
        for table in self._feeds:
            self._create(table)

    def fill(self, partition: int, start: int, end: int) -> None:
        """The pieces of a partition's facts in [start, end), which follow those filled before."""
        besides = {table: self._name(table) for table in self._feeds}
        for table, select in self._feeds.items():
            stretch = of_stretch(select, partition, start, end, besides)
            self._pool.run(f"INSERT INTO {besides[table]} {_FILL} {stretch}")

    def swap(self) -> None:
        """Put them in place; a reader sees the old ones or the new ones. It can be repeated, and has to be
        when no answer came: a server that dies amid it comes back with old ones beside new ones."""
        for table in self._feeds:
            name = self._name(table)
            if table not in self._actions:
                filled = self._pool.rows(f"SELECT 1 FROM {name} LIMIT 1")
                if self._new and not filled:
                    continue  # what a killed writer's insert, going on in the server, brings there now stays
                # Nothing to put in place: what is there is moved away, not dropped, for that needs the table
                # beside too.
                action = "REPLACE PARTITION {} FROM {}" if filled else "MOVE PARTITION {} TO TABLE {}"
                self._actions[table] = f"ALTER TABLE {table} {action.format(self._lane, name)}"
            self._pool.run(self._actions[table])

    def reserve(self) -> None:
        """An empty table beside the raw facts: `mend` and `set_clock` need it, and fail once it is gone."""
        self._create("facts")

    def mend(self, partition: int, offsets: Sequence[int], rows: Sequence[FactRow]) -> None:
        """Take a partition's raw facts at `offsets` away, then add `rows`, past the feeds."""
        beside = self._name("facts")
        if rows:
            self._pool.insert(beside, FactRow._fields, rows, self._tag)
        for first in range(0, len(offsets), _OFFSETS):
            some = ", ".join(map(str, offsets[first : first + _OFFSETS]))
            self._delete("facts", f"log_partition = {partition} AND log_offset IN ({some})")
        months = self._pool.rows(f"SELECT DISTINCT _partition_id FROM {beside} ORDER BY 1")
        for (month,) in months:
            self._pool.run(f"ALTER TABLE facts ATTACH PARTITION ID '{month}' FROM {beside}")

    def set_clock(self, partition: int, to: int | None, *, back: bool) -> None:
        """The log clock of a partition as the log has it (µs); only with `back` an earlier one, or None."""
        if back:
            self._delete("clocks", f"log_partition = {partition}")
        if to is not None:
            token = f"mended {partition} {self._tag}"
            self._pool.insert("clocks", ("log_partition", "moved_to"), [(partition, to)], token)

    def clear(self) -> None:
        """Nothing is left beside."""
        for table in self._made:
            self._pool.run(f"DROP TABLE IF EXISTS {self._name(table)}")
        if "facts" in self._made:
            kill_mutations(self._pool, self._name("facts"))

    def _delete(self, table: str, where: str) -> None:
        """Looking at the table beside makes this fail once a newer writer has dropped it."""
        alive = f"(SELECT count() FROM {self._name('facts')}) >= 0"
        self._pool.run(f"ALTER TABLE {table} DELETE WHERE {where} AND {alive} SETTINGS mutations_sync = 2")

    def _name(self, table: str) -> str:
        return f"{table}__{self._lane}_{self._tag}"

    def _create(self, table: str) -> None:
        self._made.append(table)  # whatever becomes of the answer
        self._pool.run(f"CREATE TABLE {self._name(table)} AS {table}")
