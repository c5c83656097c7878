"""What the sink shows of itself: written by its thread, read by the threads of the API."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from services.analytics.domain.freshness import Freshness


@dataclass(frozen=True)
class Snapshot:
    """The sink at one moment. Times are seconds since 1970, `beat` of the stopwatch."""

    recovered: bool = False
    trouble: str | None = None
    beat: float | None = None
    as_of: float | None = None
    positions: Mapping[int, int] = field(default_factory=dict)
    lag: Mapping[int, int] = field(default_factory=dict)


class Status:
    """A snapshot that can be replaced and read from any thread, and waited on."""

    def __init__(self, partitions: Iterable[int]) -> None:
        self._changed = threading.Condition()
        self._snapshot = Snapshot()
        self.partitions = tuple(partitions)
        self._freshness = Freshness(self.partitions)

    def snapshot(self) -> Snapshot:
        """The sink as it is now."""
        with self._changed:
            return self._snapshot

    def beat(self, at: float, trouble: str | None = None) -> None:
        """The sink is alive at `at` (stopwatch), and well unless `trouble` says otherwise."""
        with self._changed:
            self._snapshot = replace(self._snapshot, beat=at, trouble=trouble)

    def moved(self, positions: Mapping[int, int], arrived: Mapping[int, float] | None = None) -> None:
        """Everything before `positions` stands inserted; `arrived` is when the last of it had come."""
        with self._changed:
            for partition, at in (arrived or {}).items():
                self._freshness.inserted(partition, at)
            self._snapshot = replace(
                self._snapshot, recovered=True, positions=dict(positions), as_of=self._freshness.as_of
            )
            self._changed.notify_all()

    def measured(self, lag: Mapping[int, int], asked_at: float) -> None:
        """How much of the log was not inserted when the brokers were asked."""
        with self._changed:
            for partition, records in lag.items():
                if records == 0:
                    self._freshness.caught_up(partition, asked_at)
            self._snapshot = replace(self._snapshot, lag=dict(lag), as_of=self._freshness.as_of)

    def wait_for(self, positions: Mapping[int, int], seconds: float) -> bool:
        """Whether everything before `positions` stands inserted within that time."""
        with self._changed:
            return self._changed.wait_for(
                lambda: all(self._snapshot.positions.get(p, -1) >= end for p, end in positions.items()),
                seconds,
            )
