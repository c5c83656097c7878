"""Working sessions of a day and of a week. Sessions begin and end on whole minutes of local time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import time
from itertools import pairwise
from typing import Final


class BadCalendarError(ValueError):
    """Calendar data that cannot be: refuse the amendment, nothing was changed."""


@dataclass(frozen=True, slots=True)
class Session:
    """A working session of one day, local time; the start belongs to it, the end does not."""

    start: time
    end: time

    def __post_init__(self) -> None:
        for edge in (self.start, self.end):
            if edge.tzinfo is not None or edge.second or edge.microsecond:
                raise BadCalendarError(f"a session begins and ends on whole local minutes, got {edge}")
        if self.start >= self.end:
            raise BadCalendarError(f"session {self.start}-{self.end} does not end after it starts")

    @property
    def minutes(self) -> int:
        """Its length."""
        return minute_of_day(self.end) - minute_of_day(self.start)


DaySessions = tuple[Session, ...]
Week = tuple[DaySessions, ...]

_FULL_DAY: Final[DaySessions] = (Session(time(7, 30), time(11, 30)), Session(time(13, 30), time(17)))
DEFAULT_WEEK: Final[Week] = (_FULL_DAY,) * 5 + ((), ())
"""07:30-11:30 and 13:30-17:00, Monday to Friday."""


def minute_of_day(at: time) -> int:
    """Whole minutes since midnight."""
    return at.hour * 60 + at.minute


def in_order(sessions: Iterable[Session]) -> DaySessions:
    """The sessions of one day. Raises BadCalendarError unless they are in order without overlap."""
    checked = tuple(sessions)
    for earlier, later in pairwise(checked):
        if later.start < earlier.end:
            raise BadCalendarError(f"session {later.start}-{later.end} starts before {earlier.end}")
    return checked


def week(days: Iterable[Iterable[Session]]) -> Week:
    """The sessions of seven weekdays, Monday first; an empty day is a weekly day off.

    Raises BadCalendarError unless there are seven days, each in order without overlap.
    """
    checked = tuple(in_order(sessions) for sessions in days)
    if len(checked) != 7:
        raise BadCalendarError(f"a week has seven days, got {len(checked)}")
    return checked


def working_week(days: Iterable[Iterable[Session]]) -> Week:
    """Like :func:`week`, and Monday, whose sessions a worked day takes, has some."""
    checked = week(days)
    if not checked[0]:
        raise BadCalendarError("Monday needs sessions: a worked day takes them")
    return checked


def minutes_of(sessions: Iterable[Session]) -> int:
    """The working minutes of a day with these sessions."""
    return sum(session.minutes for session in sessions)
