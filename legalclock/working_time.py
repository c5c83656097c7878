"""Working time: minutes between instants, minutes added to an instant, what is left and going on with it.

Instants are aware; results are on the clock of Việt Nam (+07:00). Every function raises
YearNotCoveredError when it needs a year the calendar has no data for, and ValueError for a naive time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, datetime, time, timedelta

from legalclock.calendar import Calendar
from legalclock.moments import local, moment
from legalclock.tables import MINUTE, YearTable


def working_minutes(calendar: Calendar, a: datetime, b: datetime) -> int:
    """Whole working minutes from `a` to `b`, both read to the minute; negative when `b` is before `a`.

    It adds up: from a to c is from a to b plus from b to c.
    """
    (in_a, table_a), (in_b, table_b) = _elapsed(calendar, local(a)), _elapsed(calendar, local(b))
    first, last = sorted((table_a.year, table_b.year))
    between = sum(calendar.table(year).minutes[-1] for year in range(first, last))
    return in_b // MINUTE - in_a // MINUTE + (between if table_a.year <= table_b.year else -between)


def add_working_minutes(calendar: Calendar, at: datetime, minutes: int) -> datetime:
    """The instant `minutes` of working time after `at`, or before it when negative; exact below a minute.

    Going forward, an end on a session's edge stays on that edge (11:30, not 13:30); going back it is the
    mirror image. With 0 it is `at` itself, or, outside the sessions, the start of the next one.
    """
    if minutes == 0:
        return in_session(calendar, at)
    position, table = _elapsed(calendar, local(at))
    position += minutes * MINUTE
    while position < 0:
        table = calendar.table(table.year - 1)
        position += table.minutes[-1] * MINUTE
    while position > table.minutes[-1] * MINUTE:
        position -= table.minutes[-1] * MINUTE
        table = calendar.table(table.year + 1)
    return _instant(table, position, ends=minutes > 0)


def next_working_instant(calendar: Calendar, at: datetime) -> datetime:
    """`at` when it lies in a session, else the start of the next session. The end is not in a session."""
    when = local(at)
    table = calendar.table(when.year)
    sessions = table.sessions[when.toordinal() - table.first]
    if sessions:
        clock = when.time()
        for session in sessions:
            if clock < session.end:
                return when if session.start <= clock else moment(when.date(), session.start)
    table, number = calendar.locate(when.date(), True, 0)
    following = table.worked[number]
    return moment(date.fromordinal(table.first + following), table.sessions[following][0].start)


def in_session(calendar: Calendar, at: datetime) -> datetime:
    """Like :func:`next_working_instant`, but the end of a session stays."""
    when = local(at)
    clock = when.time()
    if any(clock == session.end for session in calendar.sessions_on(when.date())):
        return when
    return next_working_instant(calendar, when)


def end_of_day(calendar: Calendar, at: datetime) -> datetime:
    """The end of the last session of the local day of `at`. Raises ValueError on a day off."""
    day = local(at).date()
    sessions = calendar.sessions_on(day)
    if not sessions:
        raise ValueError(f"{day} is not a working day")
    return moment(day, sessions[-1].end)


def remaining_minutes(calendar: Calendar, at: datetime, due: datetime) -> int:
    """Working minutes left at `at`: at least 0 up to the due time, at most -1 after it.

    The count begins with the minute of `at` and ends with the due time read to the minute up, so that a pause
    never costs a part of a minute; a dossier past its due time stays overdue even before the next session.
    """
    left = working_minutes(calendar, at, minute_up(due))
    return min(-1, left) if local(at) > local(due) else left


def minute_up(at: datetime) -> datetime:
    """The whole local minute at `at` or next after it."""
    when = local(at)
    whole = when.replace(second=0, microsecond=0)
    return whole if whole == when else whole + timedelta(minutes=1)


def resume(calendar: Calendar, at: datetime, remaining_minutes: int, whole_days: bool) -> datetime:
    """The due time of a dossier that goes on at `at` (read to the minute) with `remaining_minutes` left.

    With `whole_days` the end rounds up to the end of the last session of its day. Raises ValueError when
    nothing is left: what is over does not go on, its due time stays as it was.
    """
    if remaining_minutes < 1:
        raise ValueError(f"expected at least 1 minute to go on with, got {remaining_minutes}")
    end = add_working_minutes(calendar, local(at).replace(second=0, microsecond=0), remaining_minutes)
    return end_of_day(calendar, end) if whole_days else end


def _elapsed(calendar: Calendar, when: datetime) -> tuple[int, YearTable]:
    """The microseconds of working time from the start of the local year until `when`, and the year."""
    table = calendar.table(when.year)
    offset = when.toordinal() - table.first
    within = 0
    edges = table.edges[offset]
    if edges:
        clock = when.hour * 3_600_000_000 + when.minute * MINUTE + when.second * 1_000_000 + when.microsecond
        for start, end in edges:
            if clock <= start:
                break
            within += (clock if clock < end else end) - start
    return table.minutes[offset] * MINUTE + within, table


def _instant(table: YearTable, position: int, *, ends: bool) -> datetime:
    """The instant at `position` microseconds of the year's working time.

    Where one session ends and the next begins the position names both: `ends` takes the end. The
    position is above 0 when it takes ends, and below the year's total when it takes starts.
    """
    totals = table.minutes
    if ends:
        offset = bisect_left(totals, -(-position // MINUTE)) - 1
    else:
        offset = bisect_right(totals, position // MINUTE) - 1
    rest = position - totals[offset] * MINUTE
    edges = iter(table.edges[offset])
    start, end = next(edges)
    while rest > end - start or (rest == end - start and not ends):
        rest -= end - start
        start, end = next(edges)
    seconds, microsecond = divmod(start + rest, 1_000_000)
    minutes, second = divmod(seconds, 60)
    at = time(minutes // 60, minutes % 60, second, microsecond)
    return moment(date.fromordinal(table.first + offset), at)
