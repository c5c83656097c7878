"""Decide: what follows from one command or one reached deadline. Engine version 1.

Pure: the state, the law and the record are all it reads; the time is the record's own. Deciding again
gives the same facts. A decision never fails: what may not be done becomes a refusal with its rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from contracts import commands, facts
from contracts.commands import Command
from contracts.facts import Cause, Fact, FactBody
from contracts.outcomes import ActionName, CommandOutcome, Result
from contracts.roles import may
from contracts.words import AlarmName, Role
from legalclock.moments import local
from legalclock.rulesets import rule_set
from services.workflow.domain import acts, steps
from services.workflow.domain.actions import action_of, allowed_actions, objection
from services.workflow.domain.acts import Desk
from services.workflow.domain.dossier import DUE_TIMER, Dossier, Timer
from services.workflow.domain.draft import Draft, RuleError, required
from services.workflow.domain.law import Law
from services.workflow.domain.rules import Reason, refusal

_OF_THE_HOLDER = frozenset({ActionName.APPRAISE, ActionName.APPROVE, ActionName.STAMP, ActionName.DECLINE})
"""What the agency that holds the step does, and where an officer is named only that officer."""

_OF_THE_RECEIVER = frozenset(
    {ActionName.ACCEPT, ActionName.REFUSE, ActionName.WITHDRAW, ActionName.RETURN, ActionName.RATE}
)
"""What only the agency does that took the dossier in."""

_REASSIGN = frozenset({Role.LEADER, Role.ADMIN, Role.IMPORTER})
"""Who may take a step from the officer who was named for it, and back from another agency."""

_TAKES_BACK = frozenset({ActionName.CORRECT, ActionName.REVOKE_STAMP})
"""What the agency whose seal is on the result may do too, though another one holds it by now."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a command: facts in order, the dossier after them, and the answer."""

    facts: tuple[Fact, ...]
    dossier: Dossier | None
    outcome: CommandOutcome


def decide(dossier: Dossier | None, law: Law, command: Command, cause: Cause) -> Decision:
    """What follows from `command` at its place in the log (`cause.n` is 0)."""
    remembered = dossier.remembers(command.id, command.fingerprint) if dossier else None
    if dossier and remembered:
        reason = Reason(remembered.refused) if remembered.refused else None
        return Decision((), dossier, _answer(command, dossier, reason, repeated=True))
    draft = Draft(cause, command, dossier)
    if dossier:
        # As its facts will have it: the clocks of two doors differ, a dossier's own never runs backwards.
        _fire_earlier(draft, max(command.at, dossier.at))
    stands = len(draft.facts)
    try:
        if dossier and dossier.remembers(command.id):
            raise RuleError(Reason.KEY_REUSED)
        _apply(draft, law, command)
    except RuleError as refused:
        if len(draft.facts) > stands:
            raise AssertionError("a command was refused after a part of it was done") from refused
        reason = refused.reason
        if draft.dossier:
            _refuse(draft, reason)
    else:
        reason = None
    return Decision(tuple(draft.facts), draft.dossier, _answer(command, draft.dossier, reason))


def fire(
    dossier: Dossier, timer: str, version: int, now: datetime, cause: Cause
) -> tuple[Fact, Dossier] | None:
    """What follows from a reached deadline; None when the entry is stale or time has not passed it.

    `cause.n` is the entry's place in its list, which it keeps whether or not anything follows from it.
    """
    standing = dossier.timer(timer)
    if standing is None or standing.version != version or standing.at >= now:
        return None
    draft = Draft(cause, None, dossier)
    _go_off(draft, standing)
    return draft.facts[0], draft.known


def _fire_earlier(draft: Draft, at: datetime) -> None:
    """Deadlines that passed before the command's own time come before the command."""
    passed = [timer for timer in draft.known.timers if timer.at < at]
    if passed:
        command, draft.command = draft.command, None
        for timer in sorted(passed, key=lambda timer: timer.at):
            _go_off(draft, timer)
        draft.command = command


def _go_off(draft: Draft, timer: Timer) -> None:
    dossier = draft.known
    at, due = max(timer.at, dossier.at), timer.at
    step = required(dossier.step)
    body: FactBody
    match AlarmName(timer.name):
        case AlarmName.DUE:
            draft.add(facts.DueDatePassed(due), at, overdue=True)
            return
        case AlarmName.WARN_2:
            body = facts.DueDateNear(2, _judged_by(dossier))
        case AlarmName.WARN_1:
            body = facts.DueDateNear(1, _judged_by(dossier))
        case AlarmName.APOLOGY:
            body = facts.ApologyDeadlinePassed(required(dossier.due))
        case AlarmName.STEP:
            body = facts.StepDuePassed(step, due)
        case AlarmName.ESCALATION:  # pragma: no branch - the last there is
            body = facts.Escalated(step, due)
    draft.add(body, at)


def _judged_by(dossier: Dossier) -> datetime:
    """The due date an outcome is judged by: what was promised last, unless that does not count."""
    standing = dossier.timer(DUE_TIMER)
    return standing.at if standing else required(dossier.due)


def _apply(draft: Draft, law: Law, command: Command) -> None:
    """Draw up the facts of a legal command, or raise RuleError."""
    body = command.body
    action = action_of(body)
    if draft.dossier is None:
        if not isinstance(body, commands.RegisterDossier):
            raise RuleError(Reason.UNKNOWN_DOSSIER)
        _check_role(command, action)
        acts.register(draft, law, command, body)
        return
    desk = Desk(draft, law, command)
    _check_scope(desk, action)
    _check_role(command, action)
    against = objection(desk.dossier, action)
    if against is not None:
        raise RuleError(against)
    if action in _OF_THE_HOLDER or (action is ActionName.HAND_OVER and command.role not in _REASSIGN):
        steps.check_holder(desk)
    _act(desk)


def _check_scope(desk: Desk, action: ActionName | None) -> None:
    """A key acts for its agencies: those that took the dossier in, hold the step in hand, or sealed it."""
    agencies, dossier = desk.command.agencies, desk.dossier
    if agencies is None:
        return
    held = dossier.holder is not None and dossier.holder.agency in agencies
    sealed = dossier.stamp is not None and dossier.stamp.agency in agencies
    if not held and dossier.agency not in agencies and not (sealed and action in _TAKES_BACK):
        raise RuleError(Reason.OTHER_AGENCY)
    takes = action is ActionName.HAND_OVER and desk.command.role not in _REASSIGN
    if not held and (takes or action in _OF_THE_HOLDER) and dossier.holder is not None:
        raise RuleError(Reason.HELD_ELSEWHERE)
    if dossier.agency not in agencies and action in _OF_THE_RECEIVER:
        raise RuleError(Reason.HELD_ELSEWHERE)


def _check_role(command: Command, action: ActionName | None) -> None:
    if action is not None and not may(command.role, action):
        raise RuleError(Reason.ROLE_NOT_ALLOWED)


def _act(desk: Desk) -> None:
    match desk.command.body:
        case commands.AcceptDossier() as body:
            acts.accept(desk, body)
        case commands.CompleteStep() as body:
            steps.complete(desk, body)
        case commands.RequestSupplement() as body:
            acts.request_supplement(desk, body)
        case commands.ReceiveSupplement():
            acts.go_on(desk, facts.SupplementReceived)
        case commands.RequestPayment() as body:
            acts.request_payment(desk, body)
        case commands.ReceivePayment():
            acts.go_on(desk, facts.PaymentReceived)
        case commands.SuspendDossier() as body:
            acts.suspend(desk, body)
        case commands.ResumeDossier():
            acts.go_on(desk, facts.DossierResumed)
        case commands.StopDossier() as body:
            acts.stop(desk, body)
        case commands.DeclineDossier() as body:
            acts.decline(desk, body)
        case commands.RefuseDossier() as body:
            acts.refuse(desk, body)
        case commands.WithdrawDossier():
            acts.withdraw(desk)
        case commands.HandOver() as body:
            acts.hand_over(desk, body)
        case commands.Apologise() as body:
            acts.apologise(desk, body)
        case commands.ExtendTerm() as body:
            acts.extend(desk, body)
        case commands.CorrectResult() as body:
            acts.correct(desk, body)
        case commands.RevokeStamp() as body:
            acts.revoke_stamp(desk, body)
        case commands.RateDossier() as body:
            acts.rate(desk, body)
        case commands.RegisterDossier():  # pragma: no cover - refused above: a dossier registers once
            raise AssertionError("a second registration passed the transition table")


def _refuse(draft: Draft, reason: Reason) -> None:
    dossier, command = draft.known, required(draft.command)
    why = refusal(reason, _rules(dossier, command))
    body = facts.CommandRefused(type(command.body).__name__, reason, why.rule, why.legal_ground)
    draft.add(body, max(command.at, dossier.at))


def _answer(
    command: Command, dossier: Dossier | None, reason: Reason | None, *, repeated: bool = False
) -> CommandOutcome:
    why = refusal(reason, _rules(dossier, command)) if reason else None
    result = Result.REFUSED if why else Result.ACCEPTED
    if dossier is None or reason is Reason.OTHER_AGENCY:  # a stranger learns nothing of the dossier
        return CommandOutcome(
            command_id=command.id,
            fingerprint=command.fingerprint,
            dossier_id=command.dossier_id,
            result=result,
            refusal=why,
        )
    return CommandOutcome(
        command_id=command.id,
        fingerprint=command.fingerprint,
        dossier_id=dossier.id,
        result=result,
        repeated=repeated,
        refusal=why,
        seq=dossier.seq,
        status=dossier.status,
        next_step=dossier.step,
        dossier_code=dossier.dossier_code,
        due=dossier.due,
        overdue=dossier.overdue,
        allowed_actions=allowed_actions(dossier),
    )


def _rules(dossier: Dossier | None, command: Command) -> str:
    """The rule set the dossier stands under; before acceptance, the one of the command's day."""
    if dossier and dossier.rules:
        return dossier.rules
    return rule_set(local(command.at).date()).name
