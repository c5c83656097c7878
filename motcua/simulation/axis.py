"""Working time as one line of seconds, for choosing moments.

A position counts the working seconds since the axis begins; nights, week-ends and holidays have no
length. Equal steps on the axis are equal amounts of work, and every position is a moment inside a session.
Only for choosing: what is due and what is early is asked of ``legalclock``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

LOCAL: Final = ZoneInfo("Asia/Ho_Chi_Minh")
ONE_DAY: Final = timedelta(days=1)

Span = tuple[time, time]


def epoch(day: date, at: time) -> int:
    """Seconds since 1970 of a local moment."""
    return int(datetime.combine(day, at, LOCAL).timestamp())


def moment(seconds: int) -> datetime:
    """The local, aware moment of seconds since 1970."""
    return datetime.fromtimestamp(seconds, LOCAL)


class Axis:
    """The working sessions from `first` to `last` (local days, inclusive).

    `sessions` gives the sessions of a day in order, start inclusive, end exclusive, none on a day off.
    """

    def __init__(self, first: date, last: date, sessions: Callable[[date], Sequence[Span]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._before: list[int] = []  # working seconds before each session
        self._day_start: dict[date, int] = {}
        self._day_end: dict[date, int] = {}
        total, day = 0, first
        while day <= last:
            self._day_start[day] = total
            for start, end in sessions(day):
                self._starts.append(epoch(day, start))
                self._ends.append(epoch(day, end))
                self._before.append(total)
                total += self._ends[-1] - self._starts[-1]
            self._day_end[day] = total
            day += ONE_DAY
        self._total: Final = total

    def position(self, seconds: int) -> int:
        """The position of a moment; outside sessions that of the next session's start."""
        index = bisect_right(self._starts, seconds) - 1
        if index < 0:
            return 0
        return self._before[index] + min(seconds, self._ends[index]) - self._starts[index]

    def at(self, position: int) -> int:
        """The moment (seconds since 1970) of a position; on an edge the start of the later session."""
        if not 0 <= position < self._total:
            raise ValueError(f"position {position} is not on the axis")
        index = bisect_right(self._before, position) - 1
        return self._starts[index] + position - self._before[index]

    def left_in_session(self, position: int) -> int:
        """Working seconds from `position` to the end of its session."""
        index = bisect_right(self._before, position)
        return (self._before[index] if index < len(self._before) else self._total) - position

    def start_of(self, day: date) -> int:
        """Position of the day's first moment of work (of the next one, on a day off)."""
        return self._day_start[day]

    def end_of(self, day: date) -> int:
        """Position after the day's last moment of work; equals `start_of` on a day off."""
        return self._day_end[day]

    def works(self, day: date) -> bool:
        """Whether there is a session on `day`."""
        return self._day_end[day] > self._day_start[day]

    def next_working_day(self, day: date) -> date:
        """The first working day after `day`."""
        index = bisect_left(self._starts, epoch(day + ONE_DAY, time()))
        return moment(self._starts[index]).date()

    def spans(self, day: date) -> list[tuple[int, int]]:
        """The sessions of a day as moments (seconds since 1970), end exclusive."""
        low = bisect_left(self._starts, epoch(day, time()))
        high = bisect_left(self._starts, epoch(day + ONE_DAY, time()))
        return list(zip(self._starts[low:high], self._ends[low:high], strict=True))
