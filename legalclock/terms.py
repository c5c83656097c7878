"""Terms: when a dossier counts as received and when it falls due.

Civil Code 2015, Articles 147-148: a term in hours starts at the moment, a term in days or months does not
count its first day, and an end on a day off moves to the end of the next working day. Day and month terms
end with the last session of the day.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from legalclock import working_time
from legalclock.calendar import Calendar
from legalclock.moments import local
from legalclock.policy import DEFAULT_POLICY, Policy
from legalclock.receipt import counted_receipt
from legalclock.tables import YearTable
from legalclock.units import DueMode, TermUnit, ends_with_day, mode_of, unit_of

__all__ = ["LONGEST", "Due", "TermUnit", "due", "extended", "remaining", "resumed"]

LONGEST: Final = 100_000
"""No term has a larger value in any unit; what is above it is a mistake, not a term."""

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
    *,
    mode: DueMode | str = DueMode.END_OF_DAY,
    policy: Policy = DEFAULT_POLICY,
) -> Due:
    """When a dossier handed in at `received_at` with a term of `value` `unit` falls due.

    A receipt outside the sessions counts from the start of the next one; minutes and working hours run
    inside the sessions only. Clock hours (sea and air ports, which never close) run from the moment of
    receipt, day and night. `policy` says otherwise where a province has settled otherwise. `late_cutoff`
    moves the due date of a same-day term (0 days) to the next working day when the receipt is strictly
    later in the day; it says nothing about other terms. `mode` is for terms in working days.

    Raises YearNotCoveredError when the calendar lacks a year, ValueError for a naive time, an unknown
    unit or mode, or a value below 0 or beyond LONGEST.
    """
    unit, mode = unit_of(unit), mode_of(mode)
    if not 0 <= value <= LONGEST:
        raise ValueError(f"expected a term of at least 0 and at most {LONGEST}, got {value}")
    if unit is TermUnit.CLOCK_HOUR:
        start = counted_receipt(calendar, received_at, policy.clock_hour_receipt)
        return Due(_after_hours(start, value), start)
    start = counted_receipt(calendar, received_at, policy.receipt)
    minutes = in_minutes(calendar, start.date(), value, unit, mode)
    if minutes is not None:
        return Due(working_time.add_working_minutes(calendar, start, minutes), start)
    if value:
        table, number = _last_day(calendar, start.date(), value, unit)
    else:
        first = working_time.next_working_instant(calendar, start).date()
        handed_in = local(received_at)
        past = late_cutoff is not None and handed_in.date() == first and handed_in.time() > late_cutoff
        table, number = calendar.locate(first, past, 0)
    return Due(table.ends[number], start)


def in_minutes(calendar: Calendar, day: date, value: int, unit: TermUnit, mode: DueMode) -> int | None:
    """The working minutes of a term that starts on `day`; None when it does not run in working time."""
    if unit is TermUnit.MINUTE:
        return value
    if unit is TermUnit.WORKING_HOUR:
        return value * 60
    if unit is TermUnit.WORKING_DAY and mode is DueMode.WORKING_HOURS and value:
        return value * calendar.full_day_minutes(day)
    return None


def extended(
    calendar: Calendar,
    due: datetime,
    value: int,
    unit: TermUnit | str,
    mode: DueMode | str = DueMode.END_OF_DAY,
) -> datetime:
    """A due time moved on by `value` more of the unit, from 1; raises as :func:`due` does."""
    unit, mode = unit_of(unit), mode_of(mode)
    if not 1 <= value <= LONGEST:
        raise ValueError(f"expected an extension of at least 1 and at most {LONGEST}, got {value}")
    limit = local(due)
    if unit is TermUnit.CLOCK_HOUR:
        return _after_hours(limit, value)
    minutes = in_minutes(calendar, limit.date(), value, unit, mode)
    if minutes is not None:
        return working_time.add_working_minutes(calendar, limit, minutes)
    table, number = _last_day(calendar, limit.date(), value, unit)
    return table.ends[number]


def remaining(calendar: Calendar, at: datetime, due: datetime, unit: TermUnit | str) -> int:
    """Minutes left of a term in `unit` when it pauses at `at`, negative when overdue.

    Working minutes, and for clock hours minutes of the clock.
    """
    if unit_of(unit) is not TermUnit.CLOCK_HOUR:
        return working_time.remaining_minutes(calendar, at, due)
    left = (working_time.minute_up(due) - _minute(at)) // _ONE_MINUTE
    return min(-1, left) if local(at) > local(due) else left


def resumed(
    calendar: Calendar,
    at: datetime,
    minutes: int,
    unit: TermUnit | str,
    mode: DueMode | str = DueMode.END_OF_DAY,
) -> datetime:
    """The due time of a term in `unit` that goes on at `at` with what :func:`remaining` gave, from 1.

    Where less remained the term was over before it paused: its due time stays, and this is ValueError.
    """
    unit = unit_of(unit)
    if unit is TermUnit.CLOCK_HOUR and minutes > 0:
        return _minute(at) + timedelta(minutes=minutes)
    return working_time.resume(calendar, at, minutes, ends_with_day(unit, mode))


def day_before_rolling(first: date, value: int, unit: TermUnit) -> date:
    """Where a term of calendar days or months ends before a day off moves it; a month's end is clamped."""
    if unit is TermUnit.CALENDAR_DAY:
        return date.fromordinal(first.toordinal() + value)
    years, month = divmod(first.month - 1 + value, 12)
    year, month = first.year + years, month + 1
    if first.day < 29:
        return date(year, month, first.day)
    return date(year, month, min(first.day, monthrange(year, month)[1]))


def _last_day(calendar: Calendar, first: date, value: int, unit: TermUnit) -> tuple[YearTable, int]:
    """The working day a term of at least 1 ends on; `first`, the day of receipt, is not counted."""
    if unit is TermUnit.WORKING_DAY:
        return calendar.locate(first, True, value - 1)
    return calendar.locate(day_before_rolling(first, value, unit), False, 0)


def _after_hours(start: datetime, hours: int) -> datetime:
    try:
        return start + timedelta(hours=hours)
    except OverflowError as error:
        raise ValueError(f"{hours} hours after {start.isoformat()} is beyond the calendar") from error


def _minute(at: datetime) -> datetime:
    return local(at).replace(second=0, microsecond=0)
