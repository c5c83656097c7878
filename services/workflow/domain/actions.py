"""What the transition table says of a dossier: which actions are open, and why another one is not.

Both follow from :mod:`contracts.transitions`: what the table permits is what `allowed_actions` lists, and
only for the rest a reason is looked for.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from contracts import commands, transitions
from contracts.commands import CommandBody
from contracts.outcomes import ActionName
from contracts.transitions import ACTION_OF_STEP, MOST_MOVES, TRANSITIONS, Need, Situation
from contracts.words import NationalStatus
from services.workflow.domain.dossier import DUE_TIMER, Dossier, Extended
from services.workflow.domain.rules import Reason

_BY_BODY: Final[dict[type, ActionName]] = {
    commands.RegisterDossier: ActionName.REGISTER,
    commands.AcceptDossier: ActionName.ACCEPT,
    commands.RequestSupplement: ActionName.REQUEST_SUPPLEMENT,
    commands.ReceiveSupplement: ActionName.RECEIVE_SUPPLEMENT,
    commands.RequestPayment: ActionName.REQUEST_PAYMENT,
    commands.ReceivePayment: ActionName.RECEIVE_PAYMENT,
    commands.SuspendDossier: ActionName.SUSPEND,
    commands.ResumeDossier: ActionName.RESUME,
    commands.StopDossier: ActionName.STOP,
    commands.DeclineDossier: ActionName.DECLINE,
    commands.RefuseDossier: ActionName.REFUSE,
    commands.WithdrawDossier: ActionName.WITHDRAW,
    commands.HandOver: ActionName.HAND_OVER,
    commands.Apologise: ActionName.APOLOGISE,
    commands.ExtendTerm: ActionName.EXTEND,
    commands.CorrectResult: ActionName.CORRECT,
    commands.RevokeStamp: ActionName.REVOKE_STAMP,
    commands.RateDossier: ActionName.RATE,
}
_LACKING: Final = {
    Need.STAMPED: Reason.NO_STAMP,
    Need.NOT_RATED: Reason.ALREADY_RATED,
    Need.NOT_OVERDUE: Reason.OVERDUE,
    Need.NOT_EXTENDED: Reason.EXTENDED_ALREADY,
    Need.ROOM: Reason.TOO_MANY_MOVES,
}
_NOTHING_WAITS: Final = {
    ActionName.RECEIVE_SUPPLEMENT: Reason.NO_SUPPLEMENT_REQUESTED,
    ActionName.RECEIVE_PAYMENT: Reason.NO_PAYMENT_REQUESTED,
    ActionName.RESUME: Reason.NOT_SUSPENDED,
    ActionName.CORRECT: Reason.NOT_FINISHED,
    ActionName.REVOKE_STAMP: Reason.NO_STAMP,
}
_IN_THE_WAY: Final = {
    NationalStatus.REGISTERED: Reason.NOT_ACCEPTED_YET,
    NationalStatus.WAITING_SUPPLEMENT: Reason.WAITING_FOR_SUPPLEMENT,
    NationalStatus.WAITING_PAYMENT: Reason.WAITING_FOR_PAYMENT,
    NationalStatus.STOPPED: Reason.SUSPENDED,
    NationalStatus.FINISHED: Reason.ALREADY_FINISHED,
}


def action_of(body: CommandBody) -> ActionName | None:
    """The action a command asks for; None for completing `receive`, which only accepting does."""
    if isinstance(body, commands.CompleteStep):
        return ACTION_OF_STEP.get(body.step)
    return _BY_BODY[type(body)]


def situation(dossier: Dossier) -> Situation:
    """As much of the dossier as the table asks for.

    One that was reopened or re-dated may be overdue before its due date goes off: the next command is told
    of it first, and so is who asks what may be done next.
    """
    due = dossier.timer(DUE_TIMER)
    return Situation(
        status=dossier.status,
        step=dossier.step,
        stamped=dossier.stamp is not None,
        rated=dossier.score is not None,
        overdue=dossier.overdue or (due is not None and due.at < dossier.at),
        full=len(dossier.moves) >= MOST_MOVES,
        extended=any(isinstance(move, Extended) for move in dossier.moves),
    )


def objection(dossier: Dossier, action: ActionName | None) -> Reason | None:
    """Why the table does not permit `action` now; None when it does."""
    now = situation(dossier)
    if action is None:
        registered = now.status is NationalStatus.REGISTERED
        return Reason.NOT_ACCEPTED_YET if registered else Reason.ALREADY_ACCEPTED
    return None if transitions.permits(action, now) else _reason(now, action)


@cache
def _reason(now: Situation, action: ActionName) -> Reason:
    row = TRANSITIONS[action]
    closed = transitions.is_closed(now) and now.status is not NationalStatus.RETURNED
    if now.status in row.before and not closed:
        if row.step not in (None, now.step):
            return Reason.STEP_OUT_OF_ORDER
        return next(_LACKING[need] for need in row.needs if transitions.lacks(need, now))
    if action is ActionName.REGISTER:
        return Reason.ALREADY_REGISTERED
    if action is ActionName.RATE:
        return Reason.NOT_FINISHED
    if transitions.is_closed(now):
        return Reason.CLOSED
    if action in (ActionName.ACCEPT, ActionName.REFUSE):
        return Reason.ALREADY_ACCEPTED
    return _NOTHING_WAITS.get(action) or _IN_THE_WAY.get(now.status, Reason.STEP_OUT_OF_ORDER)


def allowed_actions(dossier: Dossier) -> tuple[ActionName, ...]:
    """Every action the table permits now, in the order of the enumeration."""
    return transitions.allowed(situation(dossier))
