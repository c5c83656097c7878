"""Terms: when a dossier counts as received and when it falls due.

Civil Code 2015, Articles 147-148: a term in hours starts at the moment, a term in days or months does not
count its first day, and an end on a day off moves to the end of the next working day. Day and month terms
end with the last session of the day.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from legalclock import working_time
from legalclock.calendar import Calendar
from legalclock.moments import local, moment


class TermUnit(StrEnum):
    """Units of a legal term."""

    MINUTE = "minute"
    WORKING_HOUR = "working_hour"
    CLOCK_HOUR = "clock_hour"
    WORKING_DAY = "working_day"
    CALENDAR_DAY = "calendar_day"
    MONTH = "month"

    @property
    def whole_days(self) -> bool:
        """Whether the term ends with a day rather than at a moment."""
        return self in _WHOLE_DAYS


_WHOLE_DAYS: Final = frozenset({TermUnit.WORKING_DAY, TermUnit.CALENDAR_DAY, TermUnit.MONTH})

_ONE_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Due:
    """The due time and the receipt as the law counts it, both aware, +07:00."""

    due: datetime
    received_at: datetime


def due(
    calendar: Calendar,
    received_at: datetime,
    value: int,
    unit: TermUnit | str,
    late_cutoff: time | None = None,
) -> Due:
    """When a dossier handed in at `received_at` with a term of `value` `unit` falls due.

    A receipt outside the sessions counts from the start of the next one; minutes and working hours run
    inside the sessions only. Clock hours (sea and air ports, which never close) run from the moment of
    receipt, day and night. `late_cutoff` moves the due date of a same-day term (0 days) to the next
    working day when the receipt is strictly later in the day; it says nothing about other terms.

    Raises YearNotCoveredError when the calendar lacks a year, ValueError for a naive time, an unknown
    unit or a negative value.
    """
    unit = TermUnit(unit)
    if value < 0:
        raise ValueError(f"expected a term of at least 0, got {value}")
    if unit is TermUnit.CLOCK_HOUR:
        start = local(received_at)
        return Due(start + timedelta(hours=value), start)
    start = working_time.next_working_instant(calendar, received_at)
    if unit is TermUnit.MINUTE:
        return Due(working_time.add_working_minutes(calendar, start, value), start)
    if unit is TermUnit.WORKING_HOUR:
        return Due(working_time.add_working_minutes(calendar, start, value * 60), start)
    day = _last_day(calendar, start.date(), value, unit)
    if value == 0 and late_cutoff is not None and _after_cutoff(local(received_at), start, late_cutoff):
        day = calendar.working_day_after(day, 1)
    return Due(moment(day, calendar.sessions_on(day)[-1].end), start)


def remaining(calendar: Calendar, at: datetime, due: datetime, unit: TermUnit | str) -> int:
    """Minutes left of a term in `unit` when it pauses at `at`, negative when overdue.

    Working minutes, and for clock hours minutes of the clock.
    """
    if TermUnit(unit) is not TermUnit.CLOCK_HOUR:
        return working_time.remaining_minutes(calendar, at, due)
    if local(at) > local(due):
        return min(-1, (_minute(due) - _minute(at)) // _ONE_MINUTE)
    return -((_minute(at) - local(due)) // _ONE_MINUTE)


def resumed(calendar: Calendar, at: datetime, minutes: int, unit: TermUnit | str) -> datetime:
    """The due time of a term in `unit` that goes on at `at` with what :func:`remaining` gave."""
    unit = TermUnit(unit)
    if unit is TermUnit.CLOCK_HOUR:
        return _minute(at) + timedelta(minutes=minutes)
    return working_time.resume(calendar, at, minutes, unit.whole_days)


def _last_day(calendar: Calendar, first: date, value: int, unit: TermUnit) -> date:
    """The working day the term ends on; `first` is the working day of receipt, which is not counted."""
    if unit is TermUnit.WORKING_DAY:
        return calendar.working_day_after(first, value) if value else first
    if unit is TermUnit.CALENDAR_DAY:
        return calendar.working_day_from(first + timedelta(days=value))
    years, month = divmod(first.month - 1 + value, 12)
    year, month = first.year + years, month + 1
    return calendar.working_day_from(date(year, month, min(first.day, monthrange(year, month)[1])))


def _after_cutoff(handed_in: datetime, counted: datetime, cutoff: time) -> bool:
    """A receipt that counts from a later day stands at that day's start, so no cut-off has passed."""
    return handed_in.date() == counted.date() and handed_in.time() > cutoff


def _minute(at: datetime) -> datetime:
    return local(at).replace(second=0, microsecond=0)
