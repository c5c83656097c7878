"""The shipped calendar as the legal clock reads it, for commands that need no running stack."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from functools import cache, lru_cache
from typing import Final

from legalclock.amendment import enacted
from legalclock.calendar import Calendar
from legalclock.moments import LOCAL
from legalclock.sessions import DaySessions, Session
from motcua.seed_calendar import calendar_change

_PROVINCE: Final = re.compile("[A-Z][0-9]{2}")
_WORKING_DAYS: Final = 5
CALENDARS_KEPT: Final = 64
"""Calendars of different sessions held at once; a file rarely has more, and memory stays bounded."""


@cache
def shipped() -> Calendar:
    """The default calendar, 2018-2027."""
    return enacted(Calendar(), calendar_change())


@lru_cache(maxsize=CALENDARS_KEPT)
def calendar_with(sessions: str, province: str) -> Calendar:
    """The default calendar of a province ("H52"; empty: the country) with these sessions (empty: its own).

    `sessions` are those of every day from Monday to Friday ("07:00-11:30,13:30-17:00"), or of each weekday
    from Monday on, split by ";" (an empty one, or none, is a day off). Raises ValueError.
    """
    if province and not _PROVINCE.fullmatch(province):
        raise ValueError(f"expected a province code like H52, got {province!r}")
    calendar = shipped().for_province(province)
    if not sessions:
        return calendar
    week = [_day(text) for text in sessions.split(";")]
    week = week * _WORKING_DAYS if len(week) == 1 else week
    return calendar.amended(sessions=week + [()] * (7 - len(week)), province=province)


def instant(text: str) -> datetime:
    """A date and time; local (+07:00) without an offset. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or not re.search("[T ]", text.strip()):
        raise ValueError(f"expected a date and time like 2025-04-25T08:30, got {text!r}")
    return at if at.tzinfo else at.replace(tzinfo=LOCAL)


def day(text: str) -> date:
    """A date. Raises ValueError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected a date like 2025-04-25, got {text!r}") from None


def hour(text: str) -> time:
    """A time of day, HH:MM. Raises ValueError."""
    if not re.fullmatch("[0-2][0-9]:[0-5][0-9]", text) or text >= "24":
        raise ValueError(f"expected a time of day like 15:00, got {text!r}")
    return time(int(text[:2]), int(text[3:]))


def _day(text: str) -> DaySessions:
    if not text.strip():
        return ()
    spans = (span.partition("-") for span in text.split(","))
    return tuple(Session(hour(start.strip()), hour(end.strip())) for start, _, end in spans)
