"""Tables beside those in use, of one lane: built in peace, then put in place in one step.

Every name carries the lane and a tag of its own. A new writer of the lane drops whatever stands beside for
it before it inserts anything: what an earlier process had in hand can then no longer be put in place.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from typing import Final

from services.analytics.adapters.clickhouse import Pool
from services.analytics.domain.rows import FactRow
from services.analytics.migrations.feeds import feeds, of_stretch

_OFFSETS: Final = 5_000
# A rebuild's inserts are of its own tables, thrown away when anything goes wrong: nothing to recognise again.
_FILL: Final = (
    "SETTINGS async_insert = 0, insert_deduplicate = 0, deduplicate_insert = 'disable', "
    "deduplicate_insert_select = 'disable', max_partitions_per_insert_block = 0"
)


class Beside:
    """The roll-ups of one lane beside those in use, and rows of raw facts that are to be put right."""

    def __init__(self, pool: Pool, lane: int) -> None:
        self._pool = pool
        self._feeds: dict[str, str] = {}
        self._lane = lane
        self._tag = secrets.token_hex(4)

    def begin(self, tables: Collection[str] | None = None) -> None:
        """Empty tables, beside all roll-ups or beside some."""
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
        """Put them in place; a reader sees the old ones or the new ones."""
        for table in self._feeds:
            name = self._name(table)
            filled = self._pool.rows(f"SELECT 1 FROM {name} LIMIT 1")
            action = f"REPLACE PARTITION {self._lane} FROM {name}"
            self._pool.run(f"ALTER TABLE {table} {action if filled else f'DROP PARTITION {self._lane}'}")

    def mend(self, partition: int, offsets: Sequence[int], rows: Sequence[FactRow]) -> None:
        """Take a partition's raw facts at `offsets` away, then add `rows`, past the feeds."""
        beside = self._name("facts")
        self._create("facts")
        if rows:
            self._pool.insert(beside, FactRow._fields, rows, self._tag)
        for first in range(0, len(offsets), _OFFSETS):
            some = ", ".join(map(str, offsets[first : first + _OFFSETS]))
            # Looking at the table beside makes this fail once a newer writer has dropped it.
            where = f"log_partition = {partition} AND log_offset IN ({some})"
            self._pool.run(
                f"ALTER TABLE facts DELETE WHERE {where} AND (SELECT count() FROM {beside}) = {len(rows)} "
                "SETTINGS mutations_sync = 2"
            )
        months = self._pool.rows(f"SELECT DISTINCT _partition_id FROM {beside} ORDER BY 1")
        for (month,) in months:
            self._pool.run(f"ALTER TABLE facts ATTACH PARTITION ID '{month}' FROM {beside}")
        self._pool.run(f"DROP TABLE IF EXISTS {beside}")

    def set_clock(self, partition: int, to: int | None, *, back: bool) -> None:
        """The log clock of a partition as the log has it (µs); only with `back` an earlier one, or None."""
        if back:
            where = f"log_partition = {partition}"
            self._pool.run(f"ALTER TABLE clocks DELETE WHERE {where} SETTINGS mutations_sync = 2")
        if to is not None:
            token = f"mended {partition} {self._tag}"
            self._pool.insert("clocks", ("log_partition", "moved_to"), [(partition, to)], token)

    def clear(self) -> None:
        """Nothing is left beside."""
        for table in (*feeds(), "facts"):
            self._pool.run(f"DROP TABLE IF EXISTS {self._name(table)}")

    def _name(self, table: str) -> str:
        return f"{table}__{self._lane}_{self._tag}"

    def _create(self, table: str) -> None:
        self._pool.run(f"CREATE TABLE {self._name(table)} AS {table}")
