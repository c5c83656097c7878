"""How much of the term is left, for people: "Còn 1 ngày 3 giờ", "Quá 0 ngày 2 giờ".

A day is the session minutes of a full day (7.5 hours by default), and 24 hours for terms in clock hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from legalclock.calendar import Calendar
from legalclock.dossier_clock import DossierClock, read
from legalclock.moments import local
from legalclock.rulesets import OnSupplement
from legalclock.terms import remaining
from legalclock.units import TermUnit, unit_of

_CLOCK_DAY: Final = 24 * 60


@dataclass(frozen=True, slots=True)
class Left:
    """Minutes left, negative when overdue, and the minutes of a day."""

    minutes: int
    day: int

    @property
    def overdue(self) -> bool:
        """Whether the due time has passed."""
        return self.minutes < 0

    @property
    def parts(self) -> tuple[int, int, int]:
        """Whole days, hours and minutes of what is left or overdue."""
        days, rest = divmod(abs(self.minutes), self.day)
        return days, rest // 60, rest % 60


def left(calendar: Calendar, at: datetime, due: datetime, unit: TermUnit | str) -> Left:
    """What is left at `at` of a term in `unit`. Raises as :func:`legalclock.terms.remaining` does."""
    clock_day = unit_of(unit) is TermUnit.CLOCK_HOUR
    day = _CLOCK_DAY if clock_day else calendar.full_day_minutes(local(at).date())
    return Left(remaining(calendar, at, due, unit), day)


def left_now(calendar: Calendar, clock: DossierClock, at: datetime) -> Left:
    """What is left of the current due time at `at`, the last move or later; while it stands, what stood.

    Under CONTINUE a supplement is awaited while the term runs on, so time goes off what is left.
    """
    reading = read(calendar, clock)
    counted = left(calendar, at, reading.due_current, clock.term.unit)
    paused, stood = reading.paused, reading.remaining_minutes
    if paused is None or stood is None or clock.stands_for(paused.cause) is OnSupplement.CONTINUE:
        return counted
    return Left(stood, counted.day)


def left_text(what: Left, language: str = "vi") -> str:
    """In words, Vietnamese ("vi") or English ("en"): whole days and hours, rounded down; minutes are data."""
    days, hours, _ = what.parts
    if language == "vi":
        return f"{'Quá' if what.overdue else 'Còn'} {days} ngày {hours} giờ"
    return f"{_some(days, 'day')} {_some(hours, 'hour')} {'overdue' if what.overdue else 'left'}"


def _some(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
