"""Fold: a dossier's state after one more fact.

Total over the facts of :mod:`contracts.facts`: it never refuses, looks nothing up and reads no clock, so
folding the facts of ``dossier.events.v1`` gives back every state.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from contracts import facts
from contracts.facts import Fact
from contracts.words import AlarmName, Step
from legalclock.dossier_clock import PauseCause
from services.workflow.domain.dossier import (
    MEMORY,
    Apologised,
    Dossier,
    Extended,
    GoesOn,
    Move,
    Paused,
    Remembered,
    Stamp,
    Timer,
)
from services.workflow.domain.rules import Reason

_ENDS: Final = (
    facts.ProcessingFinished,
    facts.DossierRefused,
    facts.DossierWithdrawn,
    facts.DossierStopped,
    facts.PaymentRequested,
    facts.DossierSuspended,
)
"""What stops every timer; other facts that move the clock list the alarms that stand from then on."""

_GOES_OFF: Final = {
    facts.DueDatePassed: AlarmName.DUE,
    facts.ApologyDeadlinePassed: AlarmName.APOLOGY,
    facts.StepDuePassed: AlarmName.STEP,
    facts.Escalated: AlarmName.ESCALATION,
}


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
    moved_on = fact.step is not before.step or fact.holder != before.holder
    return replace(
        before,
        seq=fact.seq,
        at=fact.at,
        status=fact.status,
        step=fact.step,
        holder=fact.holder,
        since=fact.at if moved_on else before.since,
        due=fact.due,
        overdue=fact.overdue,
        memory=_remember(before, fact),
        **_timers(before, fact),
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


def _timers(before: Dossier, fact: Fact) -> dict[str, Any]:
    body = fact.body
    alarms: facts.Alarms | None = getattr(body, "alarms", () if isinstance(body, _ENDS) else None)
    if alarms is not None:
        version = before.timer_version + 1
        timers = tuple(Timer(alarm.name.value, alarm.at, version) for alarm in alarms)
        return {"timers": timers, "timer_version": version}
    gone = _gone_off(body)
    if gone is None:
        return {}
    return {"timers": tuple(timer for timer in before.timers if timer.name != gone)}


def _gone_off(body: facts.FactBody) -> AlarmName | None:
    if isinstance(body, facts.DueDateNear):
        return AlarmName.WARN_1 if body.working_days == 1 else AlarmName.WARN_2
    return _GOES_OFF.get(type(body))


def _changes(before: Dossier, fact: Fact) -> dict[str, Any]:
    match fact.body:
        case facts.DossierRegistered(applicant=applicant):
            return {"applicant": applicant}
        case facts.DossierAccepted() as accepted:
            return {
                "dossier_code": accepted.dossier_code,
                "accepted_at": fact.at,
                "rules": accepted.rules,
                "due_original": accepted.due,
            }
        case facts.StepCompleted() as completed:
            return _signed(fact, completed)
        case facts.StampApplied() as applied:
            agency = before.holder.agency if before.holder else before.agency
            evidence = applied.evidence
            proof = (evidence.certificate, evidence.stamped_at) if evidence else (None, None)
            return {"stamp": Stamp(applied.seal, fact.seq, agency, *proof)}
        case facts.StampRevoked():
            return {"stamp": None, "outcome": None, "reopened_at": fact.at}
        case facts.ResultCorrected():
            told, signed = ("late_step", "escalated_step"), ("appraiser", "approver", "document")
            return dict.fromkeys(("outcome", *told, *signed)) | {"reopened_at": fact.at}
        case facts.ProcessingFinished(outcome=outcome):
            return {"outcome": outcome}
        case facts.DossierRated(score=score):
            return {"score": score}
        case facts.StepDuePassed(step=step):
            return {"late_step": step}
        case facts.Escalated(step=step):
            return {"escalated_step": step}
        case facts.DueDateAmended(remaining_minutes=remaining):
            return {"remaining_minutes": remaining}
        case _:
            return _moved(before, fact)


def _signed(fact: Fact, completed: facts.StepCompleted) -> dict[str, Any]:
    if completed.step is Step.APPRAISE:
        return {"appraiser": fact.actor}
    if completed.step is Step.APPROVE:
        evidence = completed.evidence
        return {"approver": fact.actor, "document": evidence.document if evidence else None}
    return {}


def _moved(before: Dossier, fact: Fact) -> dict[str, Any]:
    """What the fact means to the dossier's clock."""
    move: Move
    remaining: int | None = None
    match fact.body:
        case facts.SupplementRequested(remaining_minutes=remaining):
            move = Paused(fact.at, PauseCause.SUPPLEMENT)
        case facts.PaymentRequested(remaining_minutes=remaining):
            move = Paused(fact.at, PauseCause.PAYMENT)
        case facts.DossierSuspended(remaining_minutes=remaining):
            move = Paused(fact.at, PauseCause.SUSPENSION)
        case facts.SupplementReceived() | facts.PaymentReceived() | facts.DossierResumed():
            move = GoesOn(fact.at)
        case facts.ApologyGiven(due=until, counts=counts):
            move = Apologised(fact.at, until, counts)
        case facts.TermExtended(value=value):
            move = Extended(fact.at, value)
        case _:
            return {}
    return {"moves": (*before.moves, move), "remaining_minutes": remaining}
