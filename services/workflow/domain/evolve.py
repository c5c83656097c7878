"""Fold: a dossier's state after one more fact.

Total over the facts of :mod:`contracts.facts`: it never refuses, looks nothing up and reads no clock, so
folding the facts of ``dossier.events.v1`` gives back every state.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from contracts import facts
from contracts.facts import Fact
from contracts.words import Step
from services.workflow.domain.dossier import DUE_TIMER, MEMORY, Dossier, Pause, Remembered, Timer
from services.workflow.domain.rules import Reason


def evolve(before: Dossier | None, fact: Fact) -> Dossier:
    """The dossier after `fact`; `before` is None exactly for its first fact."""
    if before is None:
        before = Dossier(
            id=fact.dossier_id,
            seq=0,
            at=fact.at,
            agency=fact.agency,
            procedure=fact.procedure,
            procedure_version=fact.procedure_version,
            channel=fact.channel,
            status=fact.status,
        )
    return replace(
        before,
        seq=fact.seq,
        at=fact.at,
        status=fact.status,
        overdue=fact.overdue,
        memory=_remember(before, fact),
        **_changes(before, fact),
    )


def _remember(before: Dossier, fact: Fact) -> tuple[Remembered, ...]:
    if fact.command_id is None or fact.fingerprint is None:
        return before.memory
    refused = fact.body.reason if isinstance(fact.body, facts.CommandRefused) else None
    # Strangers must not be able to make a dossier forget what its own agency asked.
    if refused == Reason.OTHER_AGENCY or before.remembers(fact.command_id, fact.fingerprint):
        return before.memory
    entry = Remembered(fact.command_id, fact.fingerprint, refused)
    return (*before.memory, entry)[-MEMORY:]


def _changes(before: Dossier, fact: Fact) -> dict[str, Any]:
    match fact.body:
        case facts.DossierRegistered(applicant=applicant):
            return {"applicant": applicant}
        case facts.DossierAccepted() as accepted:
            return {
                "done": Step.RECEIVE,
                "dossier_code": accepted.dossier_code,
                "accepted_at": fact.at,
                "received_at": accepted.received_at,
                "rules": accepted.rules,
                "due_original": accepted.due,
                **_due(before, accepted.due, running=True),
            }
        case facts.StepCompleted(step=step):
            return {"done": step}
        case facts.SupplementRequested(remaining_minutes=remaining):
            return {"paused_at": fact.at, "remaining_minutes": remaining, **_stopped(before)}
        case facts.SupplementReceived(due=due):
            # An overdue dossier has fired its deadline for good; a pause gives it no new one.
            return {
                "paused_at": None,
                "remaining_minutes": None,
                "pauses": (*before.pauses, *_ended(before, fact.at)),
                **_due(before, due, running=not fact.overdue),
            }
        case facts.DueDateAmended(due=due, remaining_minutes=remaining):
            running = before.paused_at is None and not fact.overdue
            return {"remaining_minutes": remaining, **_due(before, due, running=running)}
        case facts.ProcessingFinished(outcome=outcome):
            return {"outcome": outcome, **_stopped(before)}
        case facts.DossierRefused() | facts.DossierWithdrawn() | facts.DueDatePassed():
            return _stopped(before)
        case facts.DossierRated(score=score):
            return {"score": score}
        case facts.ResultReturned() | facts.CommandRefused():
            return {}


def _ended(before: Dossier, at: datetime) -> tuple[Pause, ...]:
    return () if before.paused_at is None else (Pause(before.paused_at, at),)


def _stopped(before: Dossier) -> dict[str, Any]:
    return {"timers": tuple(t for t in before.timers if t.name != DUE_TIMER)}


def _due(before: Dossier, due: datetime, *, running: bool) -> dict[str, Any]:
    version = before.timer_version + 1
    others = tuple(t for t in before.timers if t.name != DUE_TIMER)
    timers = (*others, Timer(DUE_TIMER, due, version)) if running else others
    return {"due": due, "timers": timers, "timer_version": version}
