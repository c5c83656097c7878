"""Completing a step: its place, its own due time, who did it; for two of them signature and seal."""

from __future__ import annotations

from msgspec.structs import replace

from contracts import facts
from contracts.commands import CompleteStep
from contracts.facts import Holder
from contracts.words import NationalStatus, Place, SealKind, Step
from services.workflow.domain import clock as clocks
from services.workflow.domain.acts import Desk, ending, finish
from services.workflow.domain.draft import RuleError, required
from services.workflow.domain.rules import Reason
from services.workflow.domain.sealing import check_approval, check_stamp, check_still_sealed

_NEXT = {Step.APPRAISE: Step.APPROVE, Step.APPROVE: Step.STAMP}


def complete(desk: Desk, body: CompleteStep) -> None:
    """Draw up the facts of a completed step. Raises RuleError."""
    match body.step:
        case Step.STAMP:
            _stamp(desk, body)
        case Step.RETURN:
            check_still_sealed(desk.law, desk.dossier)
            fact = _completed(desk, body, None)
            desk.draft.add(fact, desk.at, NationalStatus.RETURNED, step=None, holder=None)
            desk.draft.add(facts.ResultReturned(), desk.at)
        case _:
            _work(desk, body)


def check_holder(desk: Desk) -> None:
    """Where an officer was named for the step, only that officer completes it. Raises RuleError."""
    officer = desk.holder.officer
    if officer is not None and officer != desk.command.actor:
        raise RuleError(Reason.NOT_THE_HOLDER)


def _work(desk: Desk, body: CompleteStep) -> None:
    if body.step is Step.APPRAISE:
        if desk.command.actor is None:
            raise RuleError(Reason.ACTOR_UNKNOWN)
    else:
        check_approval(desk.law, desk.holder, desk.dossier, desk.command, body.evidence, desk.at)
    following = _NEXT[body.step]
    # Only where steps have times of their own does another step mean other alarms.
    alarms = desk.alarms(replace(desk.dossier, step=following)) if clocks.shares_out(desk.procedure) else None
    fact = _completed(desk, body, alarms)
    holder = Holder(desk.holder.agency)
    desk.draft.add(fact, desk.at, NationalStatus.IN_PROGRESS, step=following, holder=holder)


def _stamp(desk: Desk, body: CompleteStep) -> None:
    seal = desk.law.seals.get(body.seal or "")
    if body.place is None and seal is not None and seal.kind is SealKind.SECOND:
        body = replace(body, place=Place.CENTRE)  # that is where it is kept
    place = desk.place(Step.STAMP, body.place)
    seal = check_stamp(desk.law, desk.holder, desk.dossier, desk.command, body, place, desk.at)
    completed = _completed(desk, body, None)
    end = ending(desk)
    document = body.evidence.document if body.evidence else None
    desk.draft.add(facts.StampApplied(seal.code, body.evidence, document), desk.at)
    desk.draft.add(completed, desk.at, step=Step.RETURN, holder=Holder(desk.dossier.agency))
    finish(desk, end)


def _completed(desk: Desk, body: CompleteStep, alarms: facts.Alarms | None) -> facts.StepCompleted:
    finished = body.step is Step.RETURN  # the legal clock has ended: the hand-out has no due time of its own
    due = None if finished else desk.step_due(body.step)
    return facts.StepCompleted(
        step=body.step,
        place=desk.place(body.step, body.place),
        holder=desk.holder,
        since=required(desk.dossier.since),
        due=due,
        outcome=clocks.step_outcome(desk.procedure, desk.at, due),
        evidence=body.evidence if body.step is Step.APPROVE else None,
        alarms=alarms,
    )
