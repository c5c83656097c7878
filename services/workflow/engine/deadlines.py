"""The index of the deadlines that stand in one partition; truth is the dossiers' own timers.

A heap with lazy removal: a timer that was moved or stopped stays in the heap and is passed over when it
surfaces. Rebuilt from the states at recovery, so it needs no durability of its own.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime

from contracts.commands import Deadline

IsLive = Callable[[Deadline], bool]


class DeadlineIndex:
    """Deadlines by time. `is_live` tells whether an entry still stands in its dossier."""

    def __init__(self, is_live: IsLive) -> None:
        self._heap: list[tuple[float, str, str, int]] = []
        self._is_live = is_live

    def __len__(self) -> int:
        return len(self._heap)

    def add(self, dossier_id: str, timer: str, version: int, at: datetime) -> None:
        """Let a timer stand."""
        heapq.heappush(self._heap, (at.timestamp(), dossier_id, timer, version))

    def next_at(self) -> float | None:
        """The earliest time anything live is due, in seconds since the epoch; None when nothing is."""
        while self._heap:
            at, dossier_id, timer, version = self._heap[0]
            if self._is_live(Deadline(dossier_id, timer, version)):
                return at
            heapq.heappop(self._heap)
        return None

    def passed(self, now: datetime, limit: int) -> tuple[Deadline, ...]:
        """At most `limit` live deadlines that lie before `now`, earliest first; they keep standing."""
        taken: list[tuple[float, str, str, int]] = []
        cut = now.timestamp()
        while len(taken) < limit:
            at = self.next_at()
            if at is None or at >= cut:
                break
            entry = heapq.heappop(self._heap)
            if not taken or taken[-1] != entry:  # a released dossier's timers stand here twice
                taken.append(entry)
        for entry in taken:
            heapq.heappush(self._heap, entry)
        return tuple(Deadline(*entry[1:]) for entry in taken)
