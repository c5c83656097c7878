"""The working calendar: which days are worked, in which sessions. Immutable, built from data rows.

A calendar answers only for the years it was declared complete for; any other year is an error, never a
guess. Counting is by lookup in one small table a year, made when first needed.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from legalclock.sessions import DEFAULT_WEEK, DaySessions, Session, Week, week


class YearNotCoveredError(LookupError):
    """A date of a year the calendar has no data for is needed; amend the calendar, then ask again."""

    def __init__(self, year: int) -> None:
        super().__init__(f"the working calendar has no data for the year {year}")
        self.year = year


class DayKind(StrEnum):
    """How an exceptional day differs from its weekday: off, or worked (làm bù)."""

    OFF = "off"
    WORK = "work"


@dataclass(frozen=True, slots=True)
class Day:
    """One exceptional day and the decision it rests on."""

    date: date
    kind: DayKind
    name: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class YearTable:
    """Running totals of one year, indexed by day of the year from 0: what lies before that day.

    Both have one entry more than the year has days; the last is the year's total.
    """

    days: array[int]
    minutes: array[int]


@dataclass(frozen=True)
class Calendar:
    """Working days and sessions. ``Calendar()`` covers no year; :meth:`amended` adds data.

    `days` is in order of date, one row a date. Two calendars of the same data are equal.
    """

    years: frozenset[int] = frozenset()
    days: tuple[Day, ...] = ()
    sessions: Week = DEFAULT_WEEK
    _kinds: dict[date, DayKind] = field(init=False, repr=False, compare=False)
    _tables: dict[int, YearTable] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        # A frozen dataclass has no other way to set what it derives from its own fields.
        object.__setattr__(self, "_kinds", {day.date: day.kind for day in self.days})

    def amended(
        self,
        *,
        days: Iterable[Day] = (),
        years: Iterable[int] = (),
        sessions: Iterable[Iterable[Session]] | None = None,
    ) -> Calendar:
        """This calendar with `days` replaced by date, `years` declared complete and, if given, a new week.

        `sessions` has seven days, Monday first. A day may be named before its year is complete. Raises
        BadCalendarError for sessions that cannot be.
        """
        rows = {day.date: day for day in self.days} | {day.date: day for day in days}
        return replace(
            self,
            years=self.years.union(years),
            days=tuple(rows[key] for key in sorted(rows)),
            sessions=self.sessions if sessions is None else week(sessions),
        )

    def sessions_on(self, day: date) -> DaySessions:
        """The sessions of `day`, none when it is off. A worked day takes Monday's sessions."""
        if day.year not in self.years:
            raise YearNotCoveredError(day.year)
        return self._sessions(day)

    def is_working_day(self, day: date) -> bool:
        """Whether `day` counts as a working day."""
        return bool(self.sessions_on(day))

    def working_day_after(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`, which is not counted itself; `count` from 1.

        Raises ValueError for a smaller count.
        """
        if count < 1:
            raise ValueError(f"expected a count of at least 1, got {count}")
        year, table = day.year, self.table(day.year)
        wanted = table.days[day.timetuple().tm_yday] + count
        while wanted > table.days[-1]:
            wanted -= table.days[-1]
            year += 1
            table = self.table(year)
        return day_of_year(year, bisect_left(table.days, wanted) - 1)

    def working_day_from(self, day: date) -> date:
        """`day` when it is worked, else the next working day."""
        return day if self.is_working_day(day) else self.working_day_after(day, 1)

    def table(self, year: int) -> YearTable:
        """The running totals of `year`. Raises YearNotCoveredError."""
        table = self._tables.get(year)
        if table is None:
            if year not in self.years:
                raise YearNotCoveredError(year)
            table = self._tables[year] = self._tabulate(year)
        return table

    def _sessions(self, day: date) -> DaySessions:
        kind = self._kinds.get(day)
        if kind is None:
            return self.sessions[day.weekday()]
        return self.sessions[0] if kind is DayKind.WORK else ()

    def _tabulate(self, year: int) -> YearTable:
        days, minutes = array("H", [0]), array("L", [0])
        for offset in range(date(year, 12, 31).timetuple().tm_yday):
            sessions = self._sessions(day_of_year(year, offset))
            days.append(days[-1] + bool(sessions))
            minutes.append(minutes[-1] + sum(session.minutes for session in sessions))
        return YearTable(days, minutes)


def day_of_year(year: int, offset: int) -> date:
    """The day `offset` days after 1 January of `year`."""
    return date(year, 1, 1) + timedelta(days=offset)
