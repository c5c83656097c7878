"""The working calendar: which days are worked, in which sessions, and when the counter is open.

Immutable, built from data rows. A calendar answers only for the years it was declared complete for; any
other year is an error, never a guess. Two things are kept apart: whether a day counts for a term
(:meth:`Calendar.is_working_day`) and whether the counter takes dossiers (:meth:`Calendar.counter_open`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from legalclock.moments import local
from legalclock.rows import Day, DayKind
from legalclock.sessions import (
    BadCalendarError,
    DaySessions,
    Session,
    Week,
    week,
    working_week,
)
from legalclock.tables import YearTable, tabulate
from legalclock.weeks import BASE_RULE, WeekRule, in_force, with_rule

__all__ = ["Calendar", "Day", "DayKind", "YearNotCoveredError"]

_FEWEST_MONDAYS = 52
"""A year has at least so many; with fewer days off than that one of them is worked."""


class YearNotCoveredError(LookupError):
    """A date of a year the calendar has no data for is needed; amend the calendar, then ask again."""

    def __init__(self, year: int) -> None:
        super().__init__(f"the working calendar has no data for the year {year}")
        self.year = year


@dataclass(frozen=True)
class Calendar:
    """Working days and sessions. ``Calendar()`` covers no year; :meth:`amended` adds data.

    `days` is in order of date and province, one row for each; `weeks` and `counter_weeks` in order of
    enactment. `province` is the one it is read for, empty for the country. Two calendars of the same data
    are equal.
    """

    years: frozenset[int] = frozenset()
    days: tuple[Day, ...] = ()
    weeks: tuple[WeekRule, ...] = (BASE_RULE,)
    counter_weeks: tuple[WeekRule, ...] = ()
    province: str = ""
    _rows: dict[date, Day] = field(init=False, repr=False, compare=False)
    _tables: dict[int, YearTable] = field(init=False, repr=False, compare=False, default_factory=dict)
    _provinces: dict[str, Calendar] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        # A frozen dataclass has no other way to set what it derives from its own fields. In order of
        # province, so that a province's row comes after the country's and replaces it.
        rows = {day.date: day for day in self.days if day.province in ("", self.province)}
        object.__setattr__(self, "_rows", rows)

    def amended(
        self,
        *,
        days: Iterable[Day] = (),
        years: Iterable[int] = (),
        sessions: Iterable[Iterable[Session]] | None = None,
        counter: Iterable[Iterable[Session]] | None = None,
        valid_from: date | None = None,
        valid_to: date | None = None,
        province: str = "",
        source: str = "",
    ) -> Calendar:
        """This calendar with `days` replaced by date and province, `years` declared complete, new weeks.

        `sessions` (of work) and `counter` (the counter's hours) have seven days, Monday first, and hold
        from `valid_from` to `valid_to`, both included, for `province` or the country; what is enacted later
        goes before what was earlier. A day may be named before its year is complete.

        Raises BadCalendarError for sessions that cannot be, and, found by trial, for a declared year
        without a working day, in which no term would end.
        """
        rows = {(day.date, day.province): day for day in (*self.days, *days)}
        weeks, counter_weeks = self.weeks, self.counter_weeks
        if sessions is not None:
            rule = WeekRule(working_week(sessions), valid_from, valid_to, province, source)
            weeks = with_rule(weeks, rule)
        if counter is not None:
            rule = WeekRule(week(counter), valid_from, valid_to, province, source)
            counter_weeks = with_rule(counter_weeks, rule)
        calendar = replace(
            self,
            years=self.years.union(years),
            days=tuple(rows[key] for key in sorted(rows)),
            weeks=weeks,
            counter_weeks=counter_weeks,
        )
        for code in {"", *(day.province for day in calendar.days)}:
            calendar.for_province(code)._refuse_endless_years()
        return calendar

    def for_province(self, code: str) -> Calendar:
        """This calendar as it is for a province: its own rows and weeks go before the country's."""
        if code == self.province:
            return self
        known = self._provinces.get(code)
        if known is None:
            known = replace(self, province=code) if self.province or self._names(code) else self
            self._provinces[code] = known
        return known

    def _names(self, code: str) -> bool:
        rules = (*self.weeks, *self.counter_weeks)
        return any(day.province == code for day in self.days) or any(rule.province == code for rule in rules)

    @property
    def sessions(self) -> Week:
        """The week of days that no dated rule covers."""
        undated = [rule for rule in self.weeks if rule.valid_from is None and rule.valid_to is None]
        return (in_force(undated, date.min, self.province) or BASE_RULE).week

    def row(self, day: date) -> Day | None:
        """What is exceptional about `day`, for this calendar's province; None when nothing is."""
        return self._rows.get(day)

    def week_on(self, day: date) -> Week:
        """The working week in force on `day`."""
        return (in_force(self.weeks, day, self.province) or BASE_RULE).week

    def sessions_on(self, day: date) -> DaySessions:
        """The sessions of `day`, none when it is off. A worked day takes its own, or Monday's."""
        table = self.table(day.year)
        return table.sessions[day.toordinal() - table.first]

    def is_working_day(self, day: date) -> bool:
        """Whether `day` counts as a working day for a term."""
        return bool(self.sessions_on(day))

    def full_day_minutes(self, day: date) -> int:
        """The working minutes of a full day: the longest of the week in force on `day`."""
        table = self.table(day.year)
        return table.full_day[day.toordinal() - table.first]

    def counter_on(self, day: date) -> DaySessions:
        """The hours the counter takes dossiers on `day`: its own where they were set, else the sessions."""
        sessions = self.sessions_on(day)
        row = self._rows.get(day)
        if row is not None and row.counter is not None:
            return row.counter
        rule = in_force(self.counter_weeks, day, self.province)
        if rule is None or (row is not None and (row.kind is DayKind.OFF or row.sessions is not None)):
            return sessions
        return rule.week[day.weekday() if row is None else 0]

    def counter_open(self, at: datetime) -> bool:
        """Whether the counter takes dossiers at `at`. Says nothing about the day's counting for a term."""
        when = local(at)
        return any(span.start <= when.time() < span.end for span in self.counter_on(when.date()))

    def working_day_after(self, day: date, count: int) -> date:
        """The `count`-th working day after `day`, which is not counted itself; `count` from 1.

        Raises ValueError for a smaller count.
        """
        if count < 1:
            raise ValueError(f"expected a count of at least 1, got {count}")
        table, number = self.locate(day, True, count - 1)
        return date.fromordinal(table.first + table.worked[number])

    def working_day_before(self, day: date, count: int) -> date:
        """The `count`-th working day before `day`, counting back; `count` from 1."""
        if count < 1:
            raise ValueError(f"expected a count of at least 1, got {count}")
        table = self.table(day.year)
        number = table.days[day.toordinal() - table.first] - count
        while number < 0:
            table = self.table(table.year - 1)
            number += len(table.worked)
        return date.fromordinal(table.first + table.worked[number])

    def working_day_from(self, day: date) -> date:
        """`day` when it is worked, else the next working day."""
        table, number = self.locate(day, False, 0)
        return date.fromordinal(table.first + table.worked[number])

    def locate(self, day: date, after: bool, count: int) -> tuple[YearTable, int]:
        """The working day that `count` others lie before, counting from `day`, or from the day `after` it.

        As the table of its year and its number there. Raises YearNotCoveredError.
        """
        table = self.table(day.year)
        number = table.days[day.toordinal() - table.first + after] + count
        while number >= len(table.worked):
            number -= len(table.worked)
            table = self.table(table.year + 1)
        return table, number

    def table(self, year: int) -> YearTable:
        """The tabulated `year`. Raises YearNotCoveredError."""
        table = self._tables.get(year)
        if table is None:
            if year not in self.years:
                raise YearNotCoveredError(year)
            days = tuple(row for row in self._rows.values() if row.date.year == year)
            table = self._tables[year] = tabulate(year, days, self.weeks, self.province)
        return table

    def _refuse_endless_years(self) -> None:
        """The trial: each declared year must have a working day. Most years show it by counting days off."""
        off = Counter(day.date.year for day in self._rows.values() if day.kind is DayKind.OFF)
        for year in self.years:
            if off[year] >= _FEWEST_MONDAYS and not self.table(year).worked:
                raise BadCalendarError(f"no term would end: the year {year} has no working day")


def differing_days(a: Calendar, b: Calendar, first: date, last: date) -> Sequence[date]:
    """The days from `first` to `last`, both included, that two calendars give other sessions."""
    days = map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))
    return [day for day in days if a.sessions_on(day) != b.sessions_on(day)]
