"""What may happen to a dossier's clock: pause, go on, apology, extension. Each gives the clock after it.

Every function raises MoveRefusedError when a rule stands against it, YearNotCoveredError when the calendar
lacks a year, ValueError for a naive time. The rules of apologies are those of the dossier's rule set.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from legalclock.calendar import Calendar
from legalclock.dossier_clock import (
    Apology,
    DossierClock,
    Extension,
    GoesOn,
    Move,
    PauseCause,
    Paused,
    Reading,
    promised,
    read,
)
from legalclock.moments import local, moment
from legalclock.rulesets import named
from legalclock.terms import extended


class Refusal(StrEnum):
    """Why a move is refused."""

    BEFORE_THE_LAST = "before_the_last"
    STANDS = "stands"
    RUNS = "runs"
    NOT_LATER = "not_later"
    APOLOGY_TOO_LATE = "apology_too_late"
    APOLOGY_AGAIN = "apology_again"
    OVERDUE = "overdue"


class MoveRefusedError(ValueError):
    """A rule stands against the move: refuse the command with the reason, nothing was changed."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(f"the clock refuses: {reason}")
        self.reason = reason


def pause(calendar: Calendar, clock: DossierClock, at: datetime, cause: PauseCause) -> DossierClock:
    """The clock stands from `at` on, also when it is overdue already (it stays so)."""
    _running(calendar, clock, at)
    return _moved(clock, Paused(at, cause))


def resume(calendar: Calendar, clock: DossierClock, at: datetime) -> DossierClock:
    """The clock goes on at `at`: with what remained, anew or as if nothing had been, by policy."""
    _in_order(clock, at)
    if read(calendar, clock).paused is None:
        raise MoveRefusedError(Refusal.RUNS)
    return _moved(clock, GoesOn(at))


def apology_deadline(calendar: Calendar, due: datetime, working_days: int = 1) -> datetime:
    """Until when an apology is in time: the end of the working day that many before the due date."""
    day = calendar.working_day_before(local(due).date(), working_days)
    return moment(day, calendar.sessions_on(day)[-1].end)


def apologise(
    calendar: Calendar, clock: DossierClock, at: datetime, until: datetime, *, override: bool = False
) -> DossierClock:
    """An apology given at `at` with a new date, which must be later than the one promised so far.

    It must come by the apology deadline, and once. `override` lets one come late or again; such a one moves
    what is promised but not what is judged by, so that the dossier is late still.
    """
    reading = _running(calendar, clock, at)
    date = promised(calendar, clock.term, until)
    if date <= reading.due_current:
        raise MoveRefusedError(Refusal.NOT_LATER)
    rules = named(clock.rules)
    late = local(at) > apology_deadline(calendar, reading.due_current, rules.apology_days)
    again = reading.apologies >= rules.apologies
    if not override and (late or again):
        raise MoveRefusedError(Refusal.APOLOGY_AGAIN if again else Refusal.APOLOGY_TOO_LATE)
    return _moved(clock, Apology(at, date, counts=not (late or again)))


def extend(calendar: Calendar, clock: DossierClock, at: datetime, value: int) -> DossierClock:
    """The term grows by `value` of its unit, from 1, decided before it was up."""
    reading = _running(calendar, clock, at)
    if local(at) > reading.due_current:
        raise MoveRefusedError(Refusal.OVERDUE)
    extended(calendar, reading.due_current, value, clock.term.unit, clock.term.mode)  # raises what it must
    return _moved(clock, Extension(at, value))


def _running(calendar: Calendar, clock: DossierClock, at: datetime) -> Reading:
    _in_order(clock, at)
    reading = read(calendar, clock)
    if reading.paused:
        raise MoveRefusedError(Refusal.STANDS)
    return reading


def _in_order(clock: DossierClock, at: datetime) -> None:
    last = clock.moves[-1].at if clock.moves else clock.received_at
    if local(at) < local(last):
        raise MoveRefusedError(Refusal.BEFORE_THE_LAST)


def _moved(clock: DossierClock, move: Move) -> DossierClock:
    return replace(clock, moves=(*clock.moves, move))
