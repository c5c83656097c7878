"""Re-date: what follows for an open dossier from an amended calendar. Part of engine version 1.

The due date is counted once more from the dossier's own history, by the same steps as when it was counted
first: the term from its acceptance, then each pause. What was promised on the receipt (`due_original`) stays.
"""

from __future__ import annotations

from datetime import UTC, datetime

from contracts import facts
from contracts.facts import Cause, Fact
from contracts.words import NationalStatus
from legalclock.calendar import Calendar, YearNotCoveredError
from legalclock.terms import due as due_of
from legalclock.terms import remaining as remaining_of
from legalclock.terms import resumed
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.evolve import evolve
from services.workflow.domain.law import Law

_RUNNING = frozenset({NationalStatus.ACCEPTED, NationalStatus.IN_PROGRESS, NationalStatus.WAITING_SUPPLEMENT})


def redate(dossier: Dossier, law: Law, at: datetime, cause: Cause) -> tuple[Fact, Dossier] | None:
    """The fact by which the dossier's dates are those of the calendar in force, and the dossier after it.

    None where they are already, for a dossier whose clock has ended, and where the calendar lacks a year.
    """
    dates = _dates(dossier, law)
    if dates is None or dates == (dossier.due, dossier.remaining_minutes):
        return None
    due, remaining = dates
    when = max(at, dossier.at)
    fact = Fact(
        dossier_id=dossier.id,
        seq=dossier.seq + 1,
        cause=cause,
        at=when.astimezone(UTC),
        agency=dossier.agency,
        procedure=dossier.procedure,
        procedure_version=dossier.procedure_version,
        channel=dossier.channel,
        status=dossier.status,
        body=facts.DueDateAmended(due, law.version, remaining),
        # Noticed as overdue it stays so only while that is still true; else its deadline stands again.
        overdue=dossier.overdue and due < (dossier.paused_at or when),
        due=due,
    )
    return fact, evolve(dossier, fact)


def _dates(dossier: Dossier, law: Law) -> tuple[datetime, int | None] | None:
    calendar = law.calendar_for(dossier.agency)
    if calendar is None or dossier.accepted_at is None or dossier.status not in _RUNNING:
        return None
    try:
        return _counted(dossier, law, calendar, dossier.accepted_at)
    except YearNotCoveredError:
        return None


def _counted(
    dossier: Dossier, law: Law, calendar: Calendar, accepted_at: datetime
) -> tuple[datetime, int | None]:
    procedure = law.history[dossier.procedure, dossier.procedure_version]
    unit = procedure.term_unit
    due = due_of(calendar, accepted_at, procedure.term_value, unit, procedure.late_cutoff).due
    for pause in dossier.pauses:
        left = remaining_of(calendar, pause.since, due, unit)
        if left > 0:
            due = resumed(calendar, pause.until, left, unit)
    now_left = remaining_of(calendar, dossier.paused_at, due, unit) if dossier.paused_at else None
    return due.astimezone(UTC), now_left
