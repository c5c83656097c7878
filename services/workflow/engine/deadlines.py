"""The index of the deadlines that stand in one partition; truth is the dossiers' own timers.

It knows when something is due and whose it is, and asks the dossier for the rest when that time comes: a
timer that was moved or stopped stays in the index and is passed over then. Due dates fall together (the end
of a day's last session), so that an entry mostly costs one reference. Rebuilt from the states at recovery,
so it needs no durability of its own.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime

from contracts.commands import Deadline
from services.workflow.domain.dossier import Timer

Standing = Callable[[str], tuple[Timer, ...]]


class DeadlineIndex:
    """Deadlines by time. `standing` gives the timers of a dossier that stand and may fire."""

    def __init__(self, standing: Standing) -> None:
        self._times: list[float] = []  # a heap of the keys below
        self._due: dict[float, list[str]] = {}
        self._standing = standing
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, dossier_id: str, at: datetime) -> None:
        """Let a dossier have a timer at that time."""
        self._add(dossier_id, at.timestamp())

    def _add(self, dossier_id: str, at: float) -> None:
        self._count += 1
        dossiers = self._due.get(at)
        if dossiers is None:
            self._due[at] = [dossier_id]
            heapq.heappush(self._times, at)
        else:
            dossiers.append(dossier_id)

    def next_at(self) -> float | None:
        """The earliest time anything live is due, in seconds since the epoch; None when nothing is."""
        while self._times:
            at = self._times[0]
            dossiers = self._due[at]
            while dossiers:
                if self._live(dossiers[-1], at):
                    return at
                dossiers.pop()
                self._count -= 1
            heapq.heappop(self._times)
            del self._due[at]
        return None

    def passed(self, now: datetime, limit: int) -> tuple[Deadline, ...]:
        """At most `limit` live deadlines that lie before `now`, earliest first; they keep standing."""
        cut = now.timestamp()
        taken: dict[tuple[float, str], list[Timer]] = {}  # a released dossier's timers stand here twice
        count = 0
        for at, dossier_id, timers in self._surfacing(cut):
            if (at, dossier_id) not in taken:
                if count + len(timers) > limit:
                    self._add(dossier_id, at)
                    break
                taken[at, dossier_id] = timers
                count += len(timers)
                if count == limit:
                    break
        for at, dossier_id in taken:
            self._add(dossier_id, at)
        return tuple(
            Deadline(dossier_id, timer.name, timer.version)
            for (_, dossier_id), timers in taken.items()
            for timer in timers
        )

    def _surfacing(self, cut: float) -> Iterator[tuple[float, str, list[Timer]]]:
        """Take out, one by one, the earliest dossier with live timers before `cut`, with them."""
        while (at := self.next_at()) is not None and at < cut:
            self._count -= 1
            dossier_id = self._due[at].pop()
            yield at, dossier_id, self._live(dossier_id, at)

    def _live(self, dossier_id: str, at: float) -> list[Timer]:
        return [timer for timer in self._standing(dossier_id) if timer.at.timestamp() == at]
