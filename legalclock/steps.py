"""The steps of a count as data, each with its arithmetic: it takes what stands and gives what follows.

:func:`replay` adds the steps up without a calendar and without the rules of counting: days are added to days,
spans of time to each other. Steps that do not add up raise StepsError, so an explanation is proof or it is
nothing. Between day steps the time of day says nothing; the step that ends with a day sets it.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from legalclock.dossier_clock import PauseCause, Span
from legalclock.moments import moment
from legalclock.rulesets import OnSupplement
from legalclock.units import DueMode, TermUnit
from legalclock.working_time import minute_up

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


class StepsError(ValueError):
    """The steps do not add up: the explanation is wrong, do not show it."""


class Why(StrEnum):
    """Why a day is out of the count, or, worked in lieu of another, in it."""

    WEEKLY = "weekly_day_off"
    OFF = "day_off"
    CLOSED = "counter_closed"
    WORKED = "worked_in_lieu"


@dataclass(frozen=True, slots=True)
class MarkedDay:
    """A day that is skipped, or counted although it might seem off: its name and the decision behind it."""

    day: date
    why: Why
    name: str = ""
    source: str = ""


class ReceiptReason(StrEnum):
    """Why the receipt counts from another moment than the hour it was handed in."""

    BEFORE_HOURS = "before_hours"
    BETWEEN_SESSIONS = "between_sessions"
    AFTER_HOURS = "after_hours"
    DAY_OFF = "day_off"


@dataclass(frozen=True, slots=True)
class HandedIn:
    """The dossier is handed in with a term of `value` `unit`; `rules` and `decree` name the rule set."""

    kind: str = field(default="handed_in", init=False)
    at: datetime
    value: int
    unit: TermUnit
    mode: DueMode
    rules: str
    decree: str

    def after(self, stands: datetime | None) -> datetime:
        _require(stands is None, self)
        return self.at


@dataclass(frozen=True, slots=True)
class CountedFrom:
    """The receipt counts from `at`; `skipped` are the days off before it, with the first when it is off."""

    kind: str = field(default="counted_from", init=False)
    at: datetime
    reason: ReceiptReason
    skipped: tuple[MarkedDay, ...]

    def after(self, stands: datetime | None) -> datetime:
        before = _standing(stands, self)
        first = before.date() + (self.reason is ReceiptReason.AFTER_HOURS) * _DAY
        _require(before < self.at and _all_between(self.skipped, first, self.at.date()), self)
        return self.at


@dataclass(frozen=True, slots=True)
class DaysCounted:
    """`count` days, or `working` days with `skipped` besides, after the one that stands, itself not counted.

    `worked` are those among the counted that might seem off.
    """

    kind: str = field(default="days_counted", init=False)
    count: int
    working: bool
    to: date
    skipped: tuple[MarkedDay, ...]
    worked: tuple[MarkedDay, ...]

    def after(self, stands: datetime | None) -> datetime:
        before = _standing(stands, self)
        _require(before.date() + (self.count + len(self.skipped)) * _DAY == self.to, self)
        _require(_within(self.skipped + self.worked, before.date(), self.to), self)
        return _on(before, self.to)


@dataclass(frozen=True, slots=True)
class MonthsCounted:
    """`count` months on, to the day of the same number or, `clamped`, the month's last."""

    kind: str = field(default="months_counted", init=False)
    count: int
    to: date
    clamped: bool

    def after(self, stands: datetime | None) -> datetime:
        before = _standing(stands, self)
        first = before.date().replace(day=1)
        for _ in range(self.count):
            first = (first + 31 * _DAY).replace(day=1)
        last = monthrange(first.year, first.month)[1]
        _require(self.to == first.replace(day=min(before.day, last)), self)
        _require(self.clamped == (before.day > last), self)
        return _on(before, self.to)


@dataclass(frozen=True, slots=True)
class SameDay:
    """A term of 0 days: the day itself, or, past the cut-off, the next working day."""

    kind: str = field(default="same_day", init=False)
    cutoff: time | None
    past: bool
    to: date
    skipped: tuple[MarkedDay, ...]

    def after(self, stands: datetime | None) -> datetime:
        before = _standing(stands, self)
        _require(_all_between(self.skipped, before.date() + self.past * _DAY, self.to), self)
        return _on(before, self.to)


@dataclass(frozen=True, slots=True)
class Rolled:
    """The last day is off, so the end moves to the next working day."""

    kind: str = field(default="rolled", init=False)
    to: date
    skipped: tuple[MarkedDay, ...]

    def after(self, stands: datetime | None) -> datetime:
        before = _standing(stands, self)
        _require(_all_between(self.skipped, before.date(), self.to), self)
        return _on(before, self.to)


@dataclass(frozen=True, slots=True)
class DayEnds:
    """The term ends with the last session of the day."""

    kind: str = field(default="day_ends", init=False)
    at: datetime

    def after(self, stands: datetime | None) -> datetime:
        _require(self.at.date() == _standing(stands, self).date(), self)
        return self.at


@dataclass(frozen=True, slots=True)
class Ran:
    """`minutes` of working time in these sessions, or, `on_clock`, one span day and night.

    `skipped` are the days off between them.
    """

    kind: str = field(default="ran", init=False)
    minutes: int
    spans: tuple[Span, ...]
    skipped: tuple[MarkedDay, ...]
    on_clock: bool = False

    def after(self, stands: datetime | None) -> datetime:
        return _run(self.spans, self.minutes, _standing(stands, self), self)


@dataclass(frozen=True, slots=True)
class Stood:
    """The clock stands from `at`, read to the minute, for `cause`; `how` says what that does to the term.

    `minutes` are left of it, in these `spans`; where the time was up there are none and they are below 0.
    """

    kind: str = field(default="stood", init=False)
    at: datetime
    cause: PauseCause
    how: OnSupplement
    minutes: int
    spans: tuple[Span, ...]

    def after(self, stands: datetime | None) -> datetime:
        due = _standing(stands, self)
        if self.minutes < 0:
            _require(self.at > due and not self.spans, self)
        else:
            _require(self.at <= due, self)
            end = _run(self.spans, self.minutes, _minute(self.at), self)
            _require(end <= minute_up(due) or not self.spans, self)
        return due


class Since(StrEnum):
    """How a clock that stood goes on: with the rest, anew, as if never stopped, with its time up before."""

    REST = "rest"
    ANEW = "anew"
    AS_BEFORE = "as_before"
    UP_BEFORE = "up_before"


@dataclass(frozen=True, slots=True)
class WentOn:
    """The clock goes on at `at`; with the rest or anew the steps of that follow."""

    kind: str = field(default="went_on", init=False)
    at: datetime
    how: Since

    def after(self, stands: datetime | None) -> datetime:
        before = _standing(stands, self)
        if self.how is Since.REST:
            return _minute(self.at)
        return self.at if self.how is Since.ANEW else before


@dataclass(frozen=True, slots=True)
class Promised:
    """An apology of `at` promises `until`; it `counts` when it came by `deadline` and was the first."""

    kind: str = field(default="promised", init=False)
    at: datetime
    until: datetime
    counts: bool
    deadline: datetime

    def after(self, stands: datetime | None) -> datetime:
        return max(_standing(stands, self), self.until)


@dataclass(frozen=True, slots=True)
class Extended:
    """By a decision of `at` the term is longer by `value` `unit`, counted on from the due time."""

    kind: str = field(default="extended", init=False)
    at: datetime
    value: int
    unit: TermUnit

    def after(self, stands: datetime | None) -> datetime:
        return _standing(stands, self)


@dataclass(frozen=True, slots=True)
class KeptLater:
    """What stood before is later than what was counted, and stays."""

    kind: str = field(default="kept_later", init=False)
    at: datetime

    def after(self, stands: datetime | None) -> datetime:
        _require(_standing(stands, self) < self.at, self)
        return self.at


@dataclass(frozen=True, slots=True)
class ChangedDay:
    """A day the amended calendar gives other hours: from `before` to `after` minutes of work."""

    day: date
    before: int
    after: int
    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Amended:
    """The calendar was amended on these `days`: what stands now was `before` then."""

    kind: str = field(default="amended", init=False)
    before: datetime
    days: tuple[ChangedDay, ...]

    def after(self, stands: datetime | None) -> datetime:
        return _standing(stands, self)


Step = (
    HandedIn
    | CountedFrom
    | DaysCounted
    | MonthsCounted
    | SameDay
    | Rolled
    | DayEnds
    | Ran
    | Stood
    | WentOn
    | Promised
    | Extended
    | KeptLater
    | Amended
)


def replay(steps: Sequence[Step]) -> datetime:
    """The due time that the steps add up to. Raises StepsError when they do not."""
    stands: datetime | None = None
    left: int | None = None
    for step in steps:
        stands = step.after(stands)
        if isinstance(step, Stood):
            left = step.minutes
        elif isinstance(step, Ran) and left is not None:
            _require(step.minutes == left, step)
            left = None
        elif isinstance(step, WentOn) and step.how is not Since.REST:
            left = None
    if stands is None:
        raise StepsError("there are no steps")
    return stands


def _require(holds: bool, step: Step) -> None:
    if not holds:
        raise StepsError(f"the steps do not add up at {step}")


def _standing(stands: datetime | None, step: Step) -> datetime:
    if stands is None:
        raise StepsError(f"nothing stands before {step}")
    return stands


def _run(spans: Sequence[Span], minutes: int, since: datetime, step: Step) -> datetime:
    ran = timedelta(0)
    for start, end in spans:
        _require(since <= start < end, step)
        ran += end - start
        since = end
    _require(ran == minutes * _MINUTE, step)
    return since


def _all_between(days: Sequence[MarkedDay], first: date, until: date) -> bool:
    """Whether `days` are exactly those from `first` to before `until`."""
    return [marked.day for marked in days] == [first + n * _DAY for n in range((until - first).days)]


def _within(days: Sequence[MarkedDay], after: date, to: date) -> bool:
    """Whether `days` are different ones after `after` up to `to`."""
    return len({marked.day for marked in days if after < marked.day <= to}) == len(days)


def _on(stands: datetime, day: date) -> datetime:
    return moment(day, stands.time())


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
