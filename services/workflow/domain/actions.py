"""The transition table: which action is legal in which situation of a dossier.

One function answers for both sides: what a decision refuses and what `allowed_actions` lists, so that
the two can never disagree.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from contracts import commands
from contracts.commands import CommandBody
from contracts.outcomes import ActionName
from contracts.words import NationalStatus, Step
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.rules import Reason

_STEPS: Final = tuple(Step)
_STEP_ACTIONS: Final = {
    ActionName.APPRAISE: Step.APPRAISE,
    ActionName.APPROVE: Step.APPROVE,
    ActionName.STAMP: Step.STAMP,
    ActionName.RETURN: Step.RETURN,
}
_BY_STEP: Final = {step: action for action, step in _STEP_ACTIONS.items()}
_IN_HAND: Final = frozenset({NationalStatus.ACCEPTED, NationalStatus.IN_PROGRESS})
_CLOSED: Final = frozenset({NationalStatus.NOT_ACCEPTED, NationalStatus.WITHDRAWN, NationalStatus.RETURNED})


def action_of(body: CommandBody) -> ActionName | None:
    """The action a command asks for; None for completing `receive`, which only accepting does."""
    match body:
        case commands.RegisterDossier():
            return ActionName.REGISTER
        case commands.AcceptDossier():
            return ActionName.ACCEPT
        case commands.CompleteStep(step=step):
            return _BY_STEP.get(step)
        case commands.RequestSupplement():
            return ActionName.REQUEST_SUPPLEMENT
        case commands.ReceiveSupplement():
            return ActionName.RECEIVE_SUPPLEMENT
        case commands.RefuseDossier():
            return ActionName.REFUSE
        case commands.WithdrawDossier():
            return ActionName.WITHDRAW
        case commands.RateDossier():
            return ActionName.RATE


class Situation(NamedTuple):
    """All of a dossier that the table asks for; there are few of them, so answers are kept."""

    status: NationalStatus
    done: Step | None
    judged: bool
    rated: bool


def _situation(dossier: Dossier) -> Situation:
    return Situation(dossier.status, dossier.done, dossier.outcome is not None, dossier.score is not None)


def next_step(dossier: Dossier) -> Step | None:
    """The step to be done next; None when none is left or the dossier is closed."""
    return _next_step(_situation(dossier))


def _next_step(now: Situation) -> Step | None:
    if now.status in _CLOSED:
        return None
    if now.done is None:
        return Step.RECEIVE
    return _STEPS[_STEPS.index(now.done) + 1]


def objection(dossier: Dossier, action: ActionName | None) -> Reason | None:
    """Why `action` is not legal for `dossier` now; None when it is."""
    return _objection(_situation(dossier), action)


@cache
def _objection(now: Situation, action: ActionName | None) -> Reason | None:
    status = now.status
    match action:
        case None:
            registered = status is NationalStatus.REGISTERED
            return Reason.NOT_ACCEPTED_YET if registered else Reason.ALREADY_ACCEPTED
        case ActionName.REGISTER:
            return Reason.ALREADY_REGISTERED
        case ActionName.RATE:
            return _objection_to_rating(now)
        case _ if status in _CLOSED:
            return Reason.CLOSED
        case ActionName.ACCEPT | ActionName.REFUSE:
            return None if status is NationalStatus.REGISTERED else Reason.ALREADY_ACCEPTED
        case ActionName.RECEIVE_SUPPLEMENT:
            waiting = status is NationalStatus.WAITING_SUPPLEMENT
            return None if waiting else Reason.NO_SUPPLEMENT_REQUESTED
        case ActionName.WITHDRAW:
            return Reason.ALREADY_FINISHED if status is NationalStatus.FINISHED else None
        case ActionName.REQUEST_SUPPLEMENT:
            return _objection_to_work(now)
        case _:
            return _objection_to_step(now, _STEP_ACTIONS[action])


def _objection_to_rating(now: Situation) -> Reason | None:
    if not now.judged:
        return Reason.NOT_FINISHED
    return Reason.ALREADY_RATED if now.rated else None


def _objection_to_work(now: Situation) -> Reason | None:
    """Work on the dossier needs it to be in hand: accepted, not waiting, not finished."""
    match now.status:
        case NationalStatus.REGISTERED:
            return Reason.NOT_ACCEPTED_YET
        case NationalStatus.WAITING_SUPPLEMENT:
            return Reason.WAITING_FOR_SUPPLEMENT
        case NationalStatus.FINISHED:
            return Reason.ALREADY_FINISHED
        case _:
            return None


def _objection_to_step(now: Situation, step: Step) -> Reason | None:
    if step is Step.RETURN and now.status is NationalStatus.FINISHED:
        return None
    return _objection_to_work(now) or (None if step is _next_step(now) else Reason.STEP_OUT_OF_ORDER)


def allowed_actions(dossier: Dossier) -> tuple[ActionName, ...]:
    """Every action the workflow would accept now, in the order of the enumeration."""
    return _allowed(_situation(dossier))


@cache
def _allowed(now: Situation) -> tuple[ActionName, ...]:
    return tuple(action for action in ActionName if _objection(now, action) is None)
