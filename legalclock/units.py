"""Units of a legal term and the two ways a term in working days can end."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


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
        """Whether the term is counted in days rather than in time."""
        return self in _WHOLE_DAYS


class DueMode(StrEnum):
    """How a term in working days ends; it says nothing about other units.

    END_OF_DAY: with the last session of its last day (Civil Code 2015, Article 148). WORKING_HOURS: after N
    times the session hours of a full day, at that working moment. A term of 0 days ends with the day in both.
    """

    END_OF_DAY = "end_of_day"
    WORKING_HOURS = "working_hours"


_WHOLE_DAYS: Final = frozenset({TermUnit.WORKING_DAY, TermUnit.CALENDAR_DAY, TermUnit.MONTH})


def unit_of(unit: TermUnit | str) -> TermUnit:
    """The unit; ValueError for one that is unknown."""
    return unit if unit.__class__ is TermUnit else TermUnit(unit)  # the class first: a look-up costs


def mode_of(mode: DueMode | str) -> DueMode:
    """The mode; ValueError for one that is unknown."""
    return mode if mode.__class__ is DueMode else DueMode(mode)


def ends_with_day(unit: TermUnit | str, mode: DueMode | str = DueMode.END_OF_DAY) -> bool:
    """Whether a term ends with a day, and is judged by date, rather than at a moment. Raises ValueError."""
    unit, mode = unit_of(unit), mode_of(mode)
    return unit in _WHOLE_DAYS and not (unit is TermUnit.WORKING_DAY and mode is DueMode.WORKING_HOURS)
