"""When a batch is closed, and its ranges: bounded by size and by time, a lone fact soon visible."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.analytics.domain.batch import Record
from services.analytics.domain.intents import Range


@dataclass(frozen=True)
class CutPolicy:
    """`linger` gathers what comes together; `interval` keeps inserts apart under load, from the beginning of
    one to that of the next: what an insert takes is no reason to wait longer. Seconds."""

    max_records: int = 20_000
    linger: float = 0.15
    interval: float = 0.5

    def closes_at(self, first_seen: float, last_begun: float) -> float:
        """When a batch whose first record was seen then is closed, at the latest."""
        return max(first_seen + self.linger, last_begun + self.interval)


def ranges_of(records: Iterable[Record], positions: Mapping[int, int]) -> tuple[Range, ...]:
    """The ranges that take in `records`, each from where its partition stood. By partition.

    Of no records it is one that is empty: an intent names at least one.
    """
    ends: dict[int, int] = {}
    for record in records:
        ends[record.partition] = max(ends.get(record.partition, 0), record.offset + 1)
    if not ends:
        first = min(positions)
        return (Range(first, positions[first], positions[first]),)
    return tuple(Range(partition, positions[partition], end) for partition, end in sorted(ends.items()))
