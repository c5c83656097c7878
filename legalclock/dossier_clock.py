"""The clock of one dossier: its history as data, and what the dates are under a calendar.

A :class:`DossierClock` is what happened (receipt, pauses, apologies, extensions), in order, and nothing
that follows from it. :func:`read` reckons the dates from it, so that an amended calendar re-dates an open
dossier by reading its history once more. Only `due_original`, the date that was promised on the receipt, is
recorded: no amendment changes what was promised. Moves are made by :mod:`legalclock.moves`, which refuses
what may not be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum

from legalclock import terms
from legalclock.calendar import Calendar
from legalclock.moments import local
from legalclock.outcome import Outcome, outcome
from legalclock.policy import DEFAULT_POLICY, Policy
from legalclock.rulesets import OnSupplement, named, rule_set
from legalclock.units import DueMode, TermUnit, ends_with_day
from legalclock.working_time import in_session


@dataclass(frozen=True, slots=True)
class Term:
    """The term of a procedure version. `on_supplement` None: as the rule set says."""

    value: int
    unit: TermUnit
    mode: DueMode = DueMode.END_OF_DAY
    late_cutoff: time | None = None
    on_supplement: OnSupplement | None = None

    @property
    def by_date(self) -> bool:
        """Whether it ends with a day."""
        return ends_with_day(self.unit, self.mode)


class PauseCause(StrEnum):
    """Why the clock stands: papers asked for, a payment awaited, the matter suspended."""

    SUPPLEMENT = "supplement"
    PAYMENT = "payment"
    SUSPENSION = "suspension"


@dataclass(frozen=True, slots=True)
class Paused:
    """The clock stands from `at` on."""

    at: datetime
    cause: PauseCause


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The clock goes on at `at`: the supplement, the payment or the decision is there."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Apology:
    """A new date promised with an apology. It `counts`, for judging, when it is the first and in time."""

    at: datetime
    until: datetime
    counts: bool


@dataclass(frozen=True, slots=True)
class Extension:
    """The term itself is longer by `value` of its unit, by a decision the law allows."""

    at: datetime
    value: int


Move = Paused | GoesOn | Apology | Extension


@dataclass(frozen=True, slots=True)
class DossierClock:
    """What happened to a dossier's clock. `received_at` is the hour it was handed in; all instants aware."""

    received_at: datetime
    term: Term
    rules: str
    due_original: datetime
    policy: Policy = DEFAULT_POLICY
    moves: tuple[Move, ...] = ()

    def stands_for(self, cause: PauseCause) -> OnSupplement:
        """What a pause for `cause` does: only a supplement is a matter of policy."""
        if cause is not PauseCause.SUPPLEMENT:
            return OnSupplement.PAUSE
        return self.term.on_supplement or named(self.rules).on_supplement


Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Reading:
    """The dates of a dossier under a calendar, +07:00.

    `due_original`: as promised on the receipt, whatever came later. `due_term`: the term with its pauses and
    extensions, apologies aside. `due_counted`: with the apology that counts; the outcome is judged by it.
    `due_current`: with every apology; what the applicant was told last. While paused they are the dates from
    before, and `remaining_minutes` is what was left of `due_current` (as :func:`legalclock.terms.remaining`).
    `running`: from when to when the clock ran since it began, anew perhaps; the last span to `due_current`.
    """

    received_at: datetime
    due_original: datetime
    due_term: datetime
    due_counted: datetime
    due_current: datetime
    running: tuple[Span, ...]
    paused: Paused | None = None
    remaining_minutes: int | None = None
    apologies: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """The outcome by each of the dates of a reading: as promised first, by the term, as promised since."""

    by_original: Outcome
    by_term: Outcome
    by_current: Outcome


def started(
    calendar: Calendar,
    received_at: datetime,
    term: Term,
    rules: str | None = None,
    policy: Policy = DEFAULT_POLICY,
) -> DossierClock:
    """The clock of a dossier handed in at `received_at`; the rule set is that of its local date unless named.

    Raises as :func:`legalclock.terms.due` does, and ValueError for an unknown rule set.
    """
    chosen = rule_set(local(received_at).date()) if rules is None else named(rules)
    counted = _due(calendar, received_at, term, policy)
    return DossierClock(received_at, term, chosen.name, counted.due, policy)


def read(calendar: Calendar, clock: DossierClock) -> Reading:
    """The dates of `clock` under `calendar`. Raises YearNotCoveredError."""
    return timeline(calendar, clock)[-1]


def timeline(calendar: Calendar, clock: DossierClock) -> Sequence[Reading]:
    """The reading at receipt and after each move, in order."""
    fold = _Fold(calendar, clock)
    readings = [fold.reading()]
    for move in clock.moves:
        fold.apply(move)
        readings.append(fold.reading())
    return readings


def judge(calendar: Calendar, clock: DossierClock, finished_at: datetime) -> Judged:
    """How a dossier finished at `finished_at` stands to its dates.

    One finished while its clock stands is judged by the moment it stopped. An apology that does not count
    (a second one, or one given late) leaves the date that is judged by: the dossier is late still.
    """
    return judged(clock, read(calendar, clock), finished_at)


def judged(clock: DossierClock, reading: Reading, finished_at: datetime) -> Judged:
    """The same by a reading of `clock` that is at hand."""
    finish = finished_at
    if reading.paused and clock.stands_for(reading.paused.cause) is not OnSupplement.CONTINUE:
        finish = min(finished_at, reading.paused.at)
    unit, mode = clock.term.unit, clock.term.mode
    return Judged(
        outcome(finish, reading.due_original, unit, mode),
        outcome(finish, reading.due_term, unit, mode),
        outcome(finish, reading.due_counted, unit, mode),
    )


def promised(calendar: Calendar, term: Term, until: datetime) -> datetime:
    """A promised date as a due time: the end of that day or of the next working day, or a working moment."""
    if term.by_date:
        table, number = calendar.locate(local(until).date(), False, 0)
        return table.ends[number]
    return local(until) if term.unit is TermUnit.CLOCK_HOUR else in_session(calendar, until)


def _due(calendar: Calendar, received_at: datetime, term: Term, policy: Policy) -> terms.Due:
    return terms.due(
        calendar, received_at, term.value, term.unit, term.late_cutoff, mode=term.mode, policy=policy
    )


@dataclass(slots=True)
class _Fold:
    """A history being read, move by move."""

    calendar: Calendar
    clock: DossierClock
    lines: tuple[datetime, datetime, datetime] = field(init=False)
    """The due date by the term, with the apology that counts, and with every apology."""
    received_at: datetime = field(init=False)
    since: datetime = field(init=False)
    ran: tuple[Span, ...] = ()
    paused: Paused | None = None
    left: tuple[int, int, int] = (0, 0, 0)
    apologies: int = 0

    def __post_init__(self) -> None:
        first = _due(self.calendar, self.clock.received_at, self.clock.term, self.clock.policy)
        self.received_at = self.since = first.received_at
        self.lines = first.due, first.due, first.due

    def reading(self) -> Reading:
        by_term, counted, current = self.lines
        return Reading(
            received_at=self.received_at,
            due_original=local(self.clock.due_original),
            due_term=by_term,
            due_counted=counted,
            due_current=current,
            running=(*self.ran, (self.since, max(self.since, current))),
            paused=self.paused,
            remaining_minutes=self.left[2] if self.paused else None,
            apologies=self.apologies,
        )

    def apply(self, move: Move) -> None:
        if isinstance(move, Paused):
            unit = self.clock.term.unit
            x, y, z = (terms.remaining(self.calendar, move.at, line, unit) for line in self.lines)
            self.paused, self.left = move, (x, y, z)
        elif isinstance(move, GoesOn):
            self._go_on(move.at)
        elif isinstance(move, Apology):
            self._promise(move)
        else:
            term = self.clock.term
            a, b, c = (
                terms.extended(self.calendar, line, move.value, term.unit, term.mode) for line in self.lines
            )
            self.lines = (a, b, c)

    def _promise(self, apology: Apology) -> None:
        date = promised(self.calendar, self.clock.term, apology.until)
        by_term, counted, current = self.lines
        # An amended calendar can move the term beyond what was promised; nobody is late before it is up.
        self.lines = by_term, max(counted, date) if apology.counts else counted, max(current, date)
        self.apologies += 1

    def _go_on(self, at: datetime) -> None:
        paused, self.paused = self.paused, None
        if paused is None:
            raise ValueError("the clock goes on without having stood")
        how, term = self.clock.stands_for(paused.cause), self.clock.term
        # Where the time was up before the pause nothing remains to go on with, and nothing begins anew. The
        # last of the three lines is the latest, so it has the most left.
        if how is OnSupplement.CONTINUE or self.left[2] <= 0:
            return
        again = _due(self.calendar, at, term, self.clock.policy) if how is OnSupplement.RESTART else None
        before = zip(self.lines, self.left, strict=True)
        a, b, c = (self._moved(line, left, at, again) if left > 0 else line for line, left in before)
        self.lines = (a, b, c)
        if again:
            self.ran, self.since = (), again.received_at
        else:
            self.ran, self.since = (*self.ran, (self.since, max(self.since, local(paused.at)))), local(at)

    def _moved(self, line: datetime, left: int, at: datetime, again: terms.Due | None) -> datetime:
        if again:
            return max(line, again.due)
        term = self.clock.term
        return max(line, terms.resumed(self.calendar, at, left, term.unit, term.mode))
