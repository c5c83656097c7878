"""What a lane is, and the intents topic folded for one: who writes, how far it is, what is pending.

A lane is `LANE_WIDTH` partitions that stand side by side, for life: lane 0 has the first ones, and so on. Two
processes therefore never share a partition without sharing the lane, where the newer one stops the older.

Rules that every writer draws from the same log, and therefore agrees on:

* The position is the one with the highest batch number, whoever wrote it and wherever it stands.
* For the batch after it, the first intent in the log counts. A later one, by whomever, is void.
* The newest greeting names the writer. An older writer that sees it must stop, whatever it has begun;
  what it has begun and said first will be finished, range for range, by the newer one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.analytics.domain.intents import (
    Entry,
    Greeting,
    Intent,
    PartitionPosition,
    Position,
    Range,
    Said,
    Tidied,
    key_of,
)
from services.analytics.errors import OtherLanesError

LANE_WIDTH: Final = 8
"""Partitions of a lane. It never changes: rows, tables and the intents topic rest on it."""


def lanes_of(partitions: int) -> int:
    """How many lanes a topic of so many partitions has."""
    return -(-partitions // LANE_WIDTH)


def partitions_of(lane: int, partitions: int) -> tuple[int, ...]:
    """The partitions of a lane in a topic of so many; none when there is no such lane."""
    return tuple(range(lane * LANE_WIDTH, min((lane + 1) * LANE_WIDTH, partitions)))


def lane_of(partition: int) -> int:
    """The lane of a partition."""
    return partition // LANE_WIDTH


def lane_name(lane: int) -> str:
    """What a lane is called in the intents topic. The first has the name that the one lane over all eight
    partitions had, as long as splits were free: its position is the same one."""
    return f"lane-{lane}" if lane else "0of1"


class LaneLog:
    """The fold for the lane that has `partitions`. Entries are applied in the order of their offsets."""

    def __init__(self, lane: str, partitions: Iterable[int]) -> None:
        self.lane = lane
        self._partitions = frozenset(partitions)
        self.position: Position | None = None
        self.writer: str | None = None
        self._intents: dict[int, Intent] = {}
        self._intent_keys: dict[bytes, int] = {}
        self._position_keys: set[bytes] = set()

    def apply(self, entry: Said) -> None:
        """Take one record in; another lane's is none of ours. Raises OtherLanesError."""
        if isinstance(entry, Tidied):
            self._intent_keys.pop(entry.key, None)
            self._position_keys.discard(entry.key)
            return
        self._refuse_other_lanes(entry)
        if entry.lane != self.lane:
            return
        if isinstance(entry, Greeting):
            self.writer = entry.writer
        elif isinstance(entry, Intent):
            self._intent_keys[key_of(entry)] = entry.batch
            if entry.batch > self.batch:
                self._intents.setdefault(entry.batch, entry)
        else:
            self._position_keys.add(key_of(entry))
            if self.position is None or entry.batch > self.position.batch:
                self.position = entry
                self._intents = {b: i for b, i in self._intents.items() if b > entry.batch}

    def _refuse_other_lanes(self, entry: Entry) -> None:
        """Under our name only our partitions may be spoken of, under another name none of them."""
        named = {part.partition for part in _parts(entry)}
        wrong = named - self._partitions if entry.lane == self.lane else named & self._partitions
        if wrong:
            raise OtherLanesError(
                f"lane {entry.lane} has said how far partition {min(wrong)} is, lane {self.lane} has "
                f"{sorted(self._partitions)}: the partitions were divided in another way, and going on would "
                "insert facts twice; rebuild the warehouse (docs/operations.md)"
            )

    @property
    def batch(self) -> int:
        """The number of the last batch that stands inserted; 0 when none does."""
        return 0 if self.position is None else self.position.batch

    @property
    def pending(self) -> Intent | None:
        """What was about to be inserted after the position, if anything."""
        return self._intents.get(self.batch + 1)

    def obsolete(self, writer: str) -> list[bytes]:
        """Keys that `writer`, having appended its own position, may delete. Forgets them."""
        own = f"{self.lane}/position/{writer}".encode()
        keys = [key for key, batch in self._intent_keys.items() if batch <= self.batch]
        for key in keys:
            del self._intent_keys[key]
        others = sorted(self._position_keys - {own})
        self._position_keys &= {own}
        return keys + others


def _parts(entry: Entry) -> tuple[Range, ...] | tuple[PartitionPosition, ...]:
    if isinstance(entry, Intent):
        return entry.ranges
    return entry.partitions if isinstance(entry, Position) else ()
