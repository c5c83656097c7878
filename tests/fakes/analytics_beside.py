"""Tables beside those of :class:`MemoryTables`, which answers its roll-ups from rows and folded dossiers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from services.analytics.domain.lane import lane_of
from services.analytics.domain.rows import FactRow
from tests.fakes.analytics import folded
from tests.fakes.analytics_tables import MemoryTables


class MemoryBeside:
    """Implements `services.analytics.rebuild.Beside`; `said` is what was done, in order."""

    def __init__(self, tables: MemoryTables, lane: int = 0, said: list[str] | None = None) -> None:
        self._tables = tables
        self._lane = lane
        self._filled: list[FactRow] = []
        self.said: list[str] = [] if said is None else said

    def of(self, lane: int) -> MemoryBeside:
        """The tables beside for a lane."""
        return MemoryBeside(self._tables, lane, self.said)

    def rows(self, partitions: Collection[int]) -> Mapping[int, int]:
        """See the protocol."""
        return Counter(row.log_partition for row in self._tables.facts if row.log_partition in partitions)

    def begin(self, tables: Collection[str] | None = None) -> None:
        """See the protocol."""
        self.said.append(f"begin {self._lane}")

    def fill(self, partition: int, start: int, end: int) -> None:
        """See the protocol."""
        self.said.append(f"fill {partition}: {start}-{end}")
        self._filled += [row for row in self._of(partition) if start <= row.log_offset < end]

    def swap(self) -> None:
        """See the protocol."""
        self.said.append(f"swap {self._lane}")
        theirs = {row.dossier_id for row in self._tables.facts if lane_of(row.log_partition) != self._lane}
        others = {key: row for key, row in self._tables.dossiers.items() if key in theirs}
        self._tables.dossiers = {**others, **folded(sorted(self._filled, key=lambda row: row.log_offset))}

    def reserve(self) -> None:
        pass

    def mend(self, partition: int, offsets: Sequence[int], rows: Sequence[FactRow]) -> None:
        """See the protocol."""
        self.said.append(f"mend {partition}")
        gone = {id(row) for row in self._of(partition) if row.log_offset in offsets}
        self._tables.facts = [row for row in self._tables.facts if id(row) not in gone] + list(rows)

    def set_clock(self, partition: int, to: int | None, *, back: bool) -> None:
        """See the protocol."""
        found = self._tables.clocks
        if back:
            found.pop(partition, None)
        if to is not None:
            found[partition] = max(to, found.get(partition, 0))

    def clear(self) -> None:
        """See the protocol."""
        self.said.append(f"clear {self._lane}")

    def _of(self, partition: int) -> list[FactRow]:
        return [row for row in self._tables.facts if row.log_partition == partition]
