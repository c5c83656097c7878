"""Re-date: what follows for an open dossier from an amended calendar. Part of engine version 1.

The dates are read once more from the dossier's own history, as a decision reads them: the term from its
acceptance, then each pause, apology and extension. What was promised on the receipt (`due_original`) stays.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from contracts import facts
from contracts.facts import Cause, Fact
from contracts.words import AlarmName
from legalclock import dossier_clock
from legalclock.calendar import YearNotCoveredError
from legalclock.dossier_clock import DossierClock, Reading
from services.workflow.domain import clock as clocks
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.draft import next_fact
from services.workflow.domain.evolve import evolve
from services.workflow.domain.law import Law


def redate(dossier: Dossier, law: Law, at: datetime, cause: Cause) -> tuple[Fact, Dossier] | None:
    """The fact by which the dossier's dates are those of the calendar in force, and the dossier after it.

    None where they are already, for a dossier whose clock has ended, and where the calendar lacks a year.
    """
    calendar = law.calendar_for(dossier.agency)
    # With the outcome the clock has ended; so it has where nobody has anything to do.
    if calendar is None or dossier.accepted_at is None or dossier.outcome is not None or dossier.step is None:
        return None
    procedure = law.history[dossier.procedure, dossier.procedure_version]
    clock = clocks.clock_of(dossier, procedure)
    try:
        reading = dossier_clock.read(calendar, clock)
        due, remaining = reading.due_current.astimezone(UTC), reading.remaining_minutes
        same_dates = (due, remaining) == (dossier.due, dossier.remaining_minutes)

        def dated(when: datetime) -> tuple[bool, facts.Alarms]:
            overdue = dossier.overdue and _past(dossier, clock, reading, when, same_dates=same_dates)
            seen = replace(dossier, overdue=overdue)
            return overdue, clocks.alarms(calendar, clock, reading, procedure, seen, when)

        # Whether anything is to be said must not depend on when it is asked: who recovers asks again. The
        # alarms are asked too: the date that is judged by, a step's own time or the last day for an apology
        # may move where the promised date stays.
        standing = tuple(facts.Alarm(AlarmName(timer.name), timer.at) for timer in dossier.timers)
        if same_dates and dated(dossier.at) == (dossier.overdue, standing):
            return None
        at = max(at, dossier.at)
        overdue, alarms = dated(at)
    except YearNotCoveredError:
        return None
    body = facts.DueDateAmended(due, law.version, remaining, alarms)
    fact = next_fact(dossier, cause, at, body, overdue=overdue, due=due)
    return fact, evolve(dossier, fact)


def _past(
    dossier: Dossier, clock: DossierClock, reading: Reading, when: datetime, *, same_dates: bool
) -> bool:
    """Whether the due date is past at `when`, or was when the clock came to stand.

    A dossier noticed as overdue stays so only while that is true; else its deadline stands again. The notice
    itself bears the time of the due date: where nothing moved, being at it is being past it.
    """
    until = (clocks.stands(clock, reading) and dossier.paused_at) or when
    return reading.due_counted < until or (same_dates and reading.due_counted == until)
