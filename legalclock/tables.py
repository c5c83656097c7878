"""One year of a calendar, tabulated: counting working days and minutes becomes looking up.

A table is made once for a year and a calendar, when first needed, and never changed.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from legalclock.moments import moment
from legalclock.sessions import DaySessions, Week, minute_of_day, minutes_of

MINUTE = 60_000_000
"""Microseconds of a minute: integers stay exact, and keep what is below a minute."""

Edges = tuple[tuple[int, int], ...]
"""Starts and ends of a day's sessions, in microseconds since midnight."""


@dataclass(frozen=True, slots=True)
class YearTable:
    """The days of one year by their offset from 1 January, and its working days by their number, from 0.

    `days` and `minutes` are running totals, what lies before a day; they have one entry more than the
    year has days, and the last is the year's total.
    """

    year: int
    first: int
    """The ordinal of 1 January."""
    sessions: tuple[DaySessions, ...]
    edges: tuple[Edges, ...]
    days: array[int]
    minutes: array[int]
    full_day: array[int]
    """The working minutes of a full day, the longest of the week in force, on each day."""
    worked: array[int]
    """The offset of each working day."""
    ends: tuple[datetime, ...]
    """The end of the last session of each working day, +07:00."""


def tabulate(
    year: int, sessions_on: Callable[[date], DaySessions], week_on: Callable[[date], Week]
) -> YearTable:
    """The table of `year`, asking for the sessions and the week in force once for each of its days."""
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    days, minutes, worked = array("H", [0]), array("L", [0]), array("H")
    full_day = array("H")
    fullest: dict[Week, int] = {}
    sessions: list[DaySessions] = []
    edges: list[Edges] = []
    ends: list[datetime] = []
    known: dict[DaySessions, tuple[Edges, int]] = {}
    for ordinal in range(first, last + 1):
        day = date.fromordinal(ordinal)
        spans = sessions_on(day)
        if spans not in known:
            known[spans] = _edges(spans), minutes_of(spans)
        edge, length = known[spans]
        week = week_on(day)
        if week not in fullest:
            fullest[week] = max(map(minutes_of, week))
        full_day.append(fullest[week])
        sessions.append(spans)
        edges.append(edge)
        if spans:
            worked.append(ordinal - first)
            ends.append(moment(day, spans[-1].end))
        days.append(days[-1] + bool(spans))
        minutes.append(minutes[-1] + length)
    return YearTable(year, first, tuple(sessions), tuple(edges), days, minutes, full_day, worked, tuple(ends))


def _edges(sessions: DaySessions) -> Edges:
    return tuple((minute_of_day(s.start) * MINUTE, minute_of_day(s.end) * MINUTE) for s in sessions)
