"""The dossier's legal clock: its history as :mod:`legalclock` reads it, and the alarms that follow from it.

Every date of a dossier is reckoned here, by reading its whole history under the calendar in force, so that
what a decision says and what an amended calendar makes of it can never differ.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from contracts.facts import Alarm, Alarms
from contracts.law import ProcedurePublished
from contracts.words import AlarmName, Outcome, Step
from legalclock import dossier_clock, moves
from legalclock.calendar import Calendar, YearNotCoveredError
from legalclock.dossier_clock import DossierClock, PauseCause, Reading, Term
from legalclock.moments import local, moment
from legalclock.outcome import outcome
from legalclock.rulesets import OnSupplement, named
from legalclock.shares import step_dues
from legalclock.terms import extended
from legalclock.units import DueMode, TermUnit
from services.workflow.domain.dossier import Apologised, Dossier, Extended, GoesOn, Move, Paused

T = TypeVar("T")

STEPS: Final = tuple(Step)


def term_of(procedure: ProcedurePublished) -> Term:
    """The term of a procedure version as the legal clock knows terms."""
    on_supplement = procedure.on_supplement
    return Term(
        procedure.term_value,
        TermUnit(procedure.term_unit),
        DueMode(procedure.due_mode),
        procedure.late_cutoff,
        None if on_supplement is None else OnSupplement(on_supplement),
    )


def clock_of(dossier: Dossier, procedure: ProcedurePublished) -> DossierClock:
    """The clock of an accepted dossier: what happened to it, and nothing that follows from it."""
    if dossier.accepted_at is None or dossier.rules is None or dossier.due_original is None:
        raise AssertionError("only an accepted dossier has a clock")
    return DossierClock(
        received_at=dossier.accepted_at,
        term=term_of(procedure),
        rules=dossier.rules,
        due_original=dossier.due_original,
        moves=tuple(_move(move) for move in dossier.moves),
    )


def _move(move: Move) -> dossier_clock.Move:
    match move:
        case Paused(at=at, cause=cause):
            return dossier_clock.Paused(at, PauseCause(cause))
        case GoesOn(at=at):
            return dossier_clock.GoesOn(at)
        case Apologised(at=at, until=until, counts=counts):
            return dossier_clock.Apology(at, until, counts)
        case Extended(at=at, value=value):  # pragma: no branch - the last there is
            return dossier_clock.Extension(at, value)


def stands(clock: DossierClock, reading: Reading) -> bool:
    """Whether the clock stands: paused, for a cause that lets it stand."""
    return reading.paused is not None and clock.stands_for(reading.paused.cause) is not OnSupplement.CONTINUE


def shares_out(procedure: ProcedurePublished) -> bool:
    """Whether the steps of a procedure have times of their own."""
    return any(plan.share for plan in procedure.steps)


def step_due(
    calendar: Calendar, clock: DossierClock, procedure: ProcedurePublished, step: Step
) -> datetime | None:
    """The own due time of a step, UTC; None where the procedure does not share its term out."""
    if not shares_out(procedure):
        return None
    shares = [plan.share for plan in procedure.steps]
    return step_dues(calendar, clock, shares)[STEPS.index(step)].due.astimezone(UTC)


def step_outcome(procedure: ProcedurePublished, at: datetime, due: datetime | None) -> Outcome | None:
    """How a step done at `at` stands to its own due time, by the unit of the dossier's term."""
    if due is None:
        return None
    return Outcome(outcome(at, due, procedure.term_unit, procedure.due_mode))


def alarms(
    calendar: Calendar,
    clock: DossierClock,
    reading: Reading,
    procedure: ProcedurePublished,
    dossier: Dossier,
    at: datetime,
) -> Alarms:
    """The alarms that stand after `at` for a dossier with that step in hand, in order of their times.

    `reading` is that of `clock` under `calendar`.

    None while the clock stands. What went off for this step, or lies behind `at`, does not come again, unless
    it stands already and has still to go off, or its moment lies ahead again; a due date that nobody has
    noticed as passed goes off at once.
    """
    step = dossier.step
    if stands(clock, reading) or step is None:
        return ()
    own = step_due(calendar, clock, procedure, step)
    due = reading.due_counted
    found: list[tuple[AlarmName, datetime | None]] = []
    if not dossier.overdue:
        found.append((AlarmName.DUE, due))
        stood = {(timer.name, timer.at) for timer in dossier.timers}
        found += [
            (name, when)
            for name, when in _before(calendar, clock, reading)
            if when and (when > at or (name, when) in stood)
        ]
    if own is not None and (own > at or dossier.late_step is not step):
        found.append((AlarmName.STEP, own))
    # Where no step has a time of its own, the head is told once that the dossier is late, not at every step.
    told = dossier.escalated_step is step if own else dossier.escalated_step is not None
    escalation = _known(lambda: _next_day(calendar, own or due))
    if escalation is not None and (escalation > at or not told):
        found.append((AlarmName.ESCALATION, escalation))
    standing = [Alarm(name, when.astimezone(UTC)) for name, when in found if when is not None]
    return tuple(sorted(standing, key=lambda alarm: (alarm.at, alarm.name)))


def _before(
    calendar: Calendar, clock: DossierClock, reading: Reading
) -> list[tuple[AlarmName, datetime | None]]:
    """The warnings, and the last moment of an apology where one may still be given."""
    due, rules = reading.due_counted, named(clock.rules)
    found = [
        (AlarmName.WARN_2, _known(lambda: _morning(calendar, due, 2))),
        (AlarmName.WARN_1, _known(lambda: _morning(calendar, due, 1))),
    ]
    if reading.apologies < rules.apologies:
        last = _known(lambda: moves.apology_deadline(calendar, reading.due_current, rules.apology_days))
        found.append((AlarmName.APOLOGY, last))
    return found


def _morning(calendar: Calendar, due: datetime, days: int) -> datetime:
    """When work begins on the working day so many before the due date."""
    day = calendar.working_day_before(local(due).date(), days)
    return moment(day, calendar.sessions_on(day)[0].start)


def _next_day(calendar: Calendar, due: datetime) -> datetime:
    return extended(calendar, due, 1, TermUnit.WORKING_DAY)


def _known(reckon: Callable[[], T]) -> T | None:
    """A warning the calendar cannot place (its year is not enacted yet) is left out, not a refusal."""
    try:
        return reckon()
    except YearNotCoveredError:
        return None
