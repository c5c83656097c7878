"""Weeks with validity: the sessions of seven weekdays between two days, for the country or one province."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from legalclock.sessions import DEFAULT_WEEK, BadCalendarError, Week


@dataclass(frozen=True, slots=True)
class WeekRule:
    """The sessions of a week and when they hold: both ends included, open where there is None.

    `province` is empty for the whole country. Raises BadCalendarError when it ends before it begins.
    """

    week: Week
    valid_from: date | None = None
    valid_to: date | None = None
    province: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise BadCalendarError(f"sessions valid from {self.valid_from} end on {self.valid_to}")

    def covers(self, day: date) -> bool:
        """Whether it holds on `day`."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day <= self.valid_to
        )

    def outdates(self, earlier: WeekRule) -> bool:
        """Whether no day is left to `earlier` once this one stands."""
        return (
            self.province == earlier.province
            and (self.valid_from is None or _starts(self.valid_from, earlier.valid_from))
            and (self.valid_to is None or _ends(self.valid_to, earlier.valid_to))
        )


BASE_RULE: Final = WeekRule(DEFAULT_WEEK)
"""What holds where nothing else was enacted."""


def with_rule(rules: Sequence[WeekRule], rule: WeekRule) -> tuple[WeekRule, ...]:
    """`rules` with one more enacted; those it leaves no day to are dropped."""
    return (*(earlier for earlier in rules if not rule.outdates(earlier)), rule)


def in_force(rules: Sequence[WeekRule], day: date, province: str) -> WeekRule | None:
    """The rule for `day`: the province's before the country's, then the one enacted last."""
    found = None
    for rule in rules:
        if rule.province in ("", province) and rule.covers(day) and (found is None or _over(rule, found)):
            found = rule
    return found


def _over(later: WeekRule, earlier: WeekRule) -> bool:
    return bool(later.province) or not earlier.province


def _starts(start: date, earlier: date | None) -> bool:
    return earlier is not None and start <= earlier


def _ends(end: date, earlier: date | None) -> bool:
    return earlier is not None and end >= earlier
