"""Working time: minutes between instants, minutes added to an instant, what is left and going on with it.

Instants are aware; results are on the clock of Việt Nam (+07:00). Every function raises
YearNotCoveredError when it needs a year the calendar has no data for, and ValueError for a naive time.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import datetime, time, timedelta
from typing import Final

from legalclock.calendar import Calendar, day_of_year
from legalclock.moments import local, moment
from legalclock.sessions import minute_of_day

_MINUTE: Final = 60_000_000  # microseconds: integers stay exact, and keep what is below a minute
_MICROSECOND: Final = timedelta(microseconds=1)


def working_minutes(calendar: Calendar, a: datetime, b: datetime) -> int:
    """Whole working minutes from `a` to `b`, both read to the minute; negative when `b` is before `a`.

    It adds up: from a to c is from a to b plus from b to c.
    """
    (year_a, in_a), (year_b, in_b) = _elapsed(calendar, a), _elapsed(calendar, b)
    first, last = sorted((year_a, year_b))
    between = sum(calendar.table(year).minutes[-1] for year in range(first, last))
    return in_b // _MINUTE - in_a // _MINUTE + (between if year_a <= year_b else -between)


def add_working_minutes(calendar: Calendar, at: datetime, minutes: int) -> datetime:
    """The instant `minutes` of working time after `at`, or before it when negative; exact below a minute.

    Going forward, an end on a session's edge stays on that edge (11:30, not 13:30); going back it is the
    mirror image. With 0 it is `at` itself, or, outside the sessions, the start of the next one.
    """
    if minutes == 0:
        return _in_session(calendar, at)
    year, position = _elapsed(calendar, at)
    position += minutes * _MINUTE
    while position < 0:
        year -= 1
        position += calendar.table(year).minutes[-1] * _MINUTE
    while position > calendar.table(year).minutes[-1] * _MINUTE:
        position -= calendar.table(year).minutes[-1] * _MINUTE
        year += 1
    return _instant(calendar, year, position, ends=minutes > 0)


def next_working_instant(calendar: Calendar, at: datetime) -> datetime:
    """`at` when it lies in a session, else the start of the next session. The end is not in a session."""
    when = local(at)
    for session in calendar.sessions_on(when.date()):
        if when.time() < session.end:
            return max(when, moment(when.date(), session.start))
    following = calendar.working_day_after(when.date(), 1)
    return moment(following, calendar.sessions_on(following)[0].start)


def end_of_day(calendar: Calendar, at: datetime) -> datetime:
    """The end of the last session of the local day of `at`. Raises ValueError on a day off."""
    day = local(at).date()
    sessions = calendar.sessions_on(day)
    if not sessions:
        raise ValueError(f"{day} is not a working day")
    return moment(day, sessions[-1].end)


def remaining_minutes(calendar: Calendar, at: datetime, due: datetime) -> int:
    """Working minutes left at `at`: at least 0 up to the due time, at most -1 after it.

    The count begins with the minute of `at` and ends with the minute of `due`, so that a pause never
    costs a part of a minute; a dossier past its due time stays overdue even before the next session.
    """
    if local(at) > local(due):
        return min(-1, working_minutes(calendar, at, due))
    part = due.second or due.microsecond
    return working_minutes(calendar, at, due + timedelta(minutes=1) if part else due)


def resume(calendar: Calendar, at: datetime, remaining_minutes: int, whole_days: bool) -> datetime:
    """The due time of a dossier that goes on at `at` (read to the minute) with `remaining_minutes` left.

    With `whole_days` (terms in days and months) the end rounds up to the end of the last session of its
    day. What was overdue stays overdue: a negative rest counts back from `at` and is never rounded.
    """
    end = add_working_minutes(calendar, local(at).replace(second=0, microsecond=0), remaining_minutes)
    return end_of_day(calendar, end) if whole_days and remaining_minutes >= 0 else end


def _in_session(calendar: Calendar, at: datetime) -> datetime:
    """Like next_working_instant, but the end of a session stays."""
    when = local(at)
    sessions = calendar.sessions_on(when.date())
    return (
        when
        if any(when.time() == session.end for session in sessions)
        else next_working_instant(calendar, at)
    )


def _elapsed(calendar: Calendar, at: datetime) -> tuple[int, int]:
    """The year of `at` and the microseconds of working time from its start until `at`."""
    when = local(at)
    day, clock = when.date(), _microsecond_of_day(when.time())
    within = 0
    for session in calendar.sessions_on(day):
        start = minute_of_day(session.start) * _MINUTE
        within += min(max(clock - start, 0), session.minutes * _MINUTE)
    before = calendar.table(day.year).minutes[day.timetuple().tm_yday - 1]
    return day.year, before * _MINUTE + within


def _instant(calendar: Calendar, year: int, position: int, *, ends: bool) -> datetime:
    """The instant at `position` microseconds of the year's working time.

    Where one session ends and the next begins the position names both: `ends` takes the end. The
    position is above 0 when it takes ends, and below the year's total when it takes starts.
    """
    totals = calendar.table(year).minutes
    if ends:
        index = bisect_left(totals, -(-position // _MINUTE)) - 1
    else:
        index = bisect_right(totals, position // _MINUTE) - 1
    day = day_of_year(year, index)
    rest = position - totals[index] * _MINUTE
    sessions = iter(calendar.sessions_on(day))
    session = next(sessions)
    while rest > session.minutes * _MINUTE or (rest == session.minutes * _MINUTE and not ends):
        rest -= session.minutes * _MINUTE
        session = next(sessions)
    return moment(day, session.start) + rest * _MICROSECOND


def _microsecond_of_day(at: time) -> int:
    return minute_of_day(at) * _MINUTE + at.second * 1_000_000 + at.microsecond
