"""Exceptional days: the rows in which a calendar differs from its weeks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from legalclock.sessions import BadCalendarError, DaySessions, in_order


class DayKind(StrEnum):
    """How an exceptional day differs from its weekday: off, or worked (làm bù)."""

    OFF = "off"
    WORK = "work"


@dataclass(frozen=True, slots=True)
class Day:
    """One exceptional day and the decision it rests on.

    `sessions` of a worked day, when they are not those of a Monday (a half day); `counter`, the hours the
    counter is open, when they are not those of its weekday: on a day off it is closed unless they are named.
    `province` is the code of the province the row is for, empty for the whole country. Raises
    BadCalendarError for sessions on a day off, none on a worked day, or sessions that cannot be.
    """

    date: date
    kind: DayKind
    name: str = ""
    source: str = ""
    sessions: DaySessions | None = None
    counter: DaySessions | None = None
    province: str = ""

    def __post_init__(self) -> None:
        if self.sessions is not None:
            if self.kind is DayKind.OFF:
                raise BadCalendarError(f"{self.date} is off and has sessions")
            if not in_order(self.sessions):
                raise BadCalendarError(f"{self.date} is worked and has no sessions")
        in_order(self.counter or ())
