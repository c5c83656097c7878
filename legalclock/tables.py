"""One year of a calendar, tabulated: counting working days and minutes becomes looking up.

A table is made when first needed, once for all calendars that say the same of its year, and never changed.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import chain, pairwise, repeat

from legalclock.moments import moment
from legalclock.rows import Day, DayKind
from legalclock.sessions import DaySessions, Week, minute_of_day, minutes_of
from legalclock.weeks import BASE_RULE, WeekRule, in_force

MINUTE = 60_000_000
"""Microseconds of a minute: integers stay exact, and keep what is below a minute."""

_KEPT = 256
"""Tables kept, of some 30 KB: the years in use of every province."""

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


@lru_cache(maxsize=_KEPT)
def tabulate(year: int, days: tuple[Day, ...], rules: tuple[WeekRule, ...], province: str) -> YearTable:
    """The table of `year` from its exceptional days, one row a date, and the weeks that may hold.

    Calendars that say the same of a year share its table: those of all partitions of the log, and those
    before and after an amendment of another year.
    """
    first = date(year, 1, 1).toordinal()
    minutes, running, worked = array("L", [0]), array("H", [0]), array("H")
    full_day = array("H")
    sessions: list[DaySessions] = []
    edges: list[Edges] = []
    ends: list[datetime] = []
    fullest: dict[int, int] = {}
    # By identity, since nearly all days take the sessions of one of a few weeks: comparing these is dear.
    known: dict[int, tuple[Edges, int]] = {}
    rows = {row.date: row for row in days}
    for offset, week in enumerate(_weeks(year, rules, province)):
        day = date.fromordinal(first + offset)
        spans = _sessions(day, rows.get(day), week)
        if id(spans) not in known:
            known[id(spans)] = _edges(spans), minutes_of(spans)
        edge, length = known[id(spans)]
        if id(week) not in fullest:
            fullest[id(week)] = max(map(minutes_of, week))
        full_day.append(fullest[id(week)])
        sessions.append(spans)
        edges.append(edge)
        if spans:
            worked.append(offset)
            ends.append(moment(day, spans[-1].end))
        running.append(running[-1] + bool(spans))
        minutes.append(minutes[-1] + length)
    return YearTable(
        year, first, tuple(sessions), tuple(edges), running, minutes, full_day, worked, tuple(ends)
    )


def _sessions(day: date, row: Day | None, week: Week) -> DaySessions:
    """The sessions of `day` in a week, none when it is off. A worked day takes its own, or Monday's."""
    if row is None:
        return week[day.weekday()]
    if row.kind is DayKind.OFF:
        return ()
    return week[0] if row.sessions is None else row.sessions


def _weeks(year: int, rules: Sequence[WeekRule], province: str) -> Iterator[Week]:
    """The week in force on each day of `year`: looked for only where a rule begins or has ended."""
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    begins = (rule.valid_from.toordinal() for rule in rules if rule.valid_from)
    ended = (rule.valid_to.toordinal() + 1 for rule in rules if rule.valid_to)
    turns = sorted({first, *(turn for turn in chain(begins, ended) if first < turn <= last)})
    for turn, following in pairwise([*turns, last + 1]):
        rule = in_force(rules, date.fromordinal(turn), province) or BASE_RULE
        yield from repeat(rule.week, following - turn)


def _edges(sessions: DaySessions) -> Edges:
    return tuple((minute_of_day(s.start) * MINUTE, minute_of_day(s.end) * MINUTE) for s in sessions)
