"""A law record about the calendar, enacted: the one mapping from messages to calendars.

The record's type is not imported: anything of this form will do, so that every reader of the law builds the
same calendar from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from typing import Protocol

from legalclock.calendar import Calendar
from legalclock.rows import Day, DayKind
from legalclock.sessions import DaySessions, Session


class SessionRow(Protocol):
    """A session, local time."""

    @property
    def start(self) -> time: ...
    @property
    def end(self) -> time: ...


class DayRow(Protocol):
    """An exceptional day; `kind` is "off" or "work"."""

    @property
    def date(self) -> date: ...
    @property
    def kind(self) -> str: ...
    @property
    def name_vi(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def sessions(self) -> Sequence[SessionRow] | None: ...
    @property
    def counter(self) -> Sequence[SessionRow] | None: ...


class Amendment(Protocol):
    """Days, complete years and weeks; see :meth:`legalclock.calendar.Calendar.amended`."""

    @property
    def years(self) -> Sequence[int]: ...
    @property
    def days(self) -> Sequence[DayRow]: ...
    @property
    def sessions(self) -> Sequence[Sequence[SessionRow]] | None: ...
    @property
    def counter(self) -> Sequence[Sequence[SessionRow]] | None: ...
    @property
    def valid_from(self) -> date | None: ...
    @property
    def valid_to(self) -> date | None: ...
    @property
    def province(self) -> str | None: ...
    @property
    def source(self) -> str: ...


def enacted(calendar: Calendar, change: Amendment) -> Calendar:
    """`calendar` once `change` is law. Raises BadCalendarError for what cannot be."""
    province = change.province or ""
    return calendar.amended(
        days=[_day(row, province) for row in change.days],
        years=change.years,
        sessions=_week(change.sessions),
        counter=_week(change.counter),
        valid_from=change.valid_from,
        valid_to=change.valid_to,
        province=province,
        source=change.source,
    )


def _day(row: DayRow, province: str) -> Day:
    sessions = None if row.sessions is None else _sessions(row.sessions)
    counter = None if row.counter is None else _sessions(row.counter)
    return Day(row.date, DayKind(row.kind), row.name_vi, row.source, sessions, counter, province)


def _week(days: Sequence[Sequence[SessionRow]] | None) -> tuple[DaySessions, ...] | None:
    return None if days is None else tuple(map(_sessions, days))


def _sessions(rows: Sequence[SessionRow]) -> DaySessions:
    return tuple(Session(row.start, row.end) for row in rows)
