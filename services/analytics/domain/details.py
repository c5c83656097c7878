"""What a fact's body gives to columns of its own: step, seal, reason, and what it says of the step's time."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from contracts.facts import (
    ApologyGiven,
    CommandRefused,
    DossierAccepted,
    DossierDeclined,
    DossierRated,
    DossierRefused,
    DossierRegistered,
    DossierResumed,
    DossierStopped,
    DossierSuspended,
    DueDateAmended,
    Escalated,
    FactBody,
    HandedOver,
    PaymentReceived,
    ProcessingFinished,
    ResultCorrected,
    ResultReturned,
    StampApplied,
    StampRevoked,
    StepCompleted,
    StepDuePassed,
    SupplementReceived,
    SupplementRequested,
    TermExtended,
)
from contracts.words import AlarmName, Step

RUNNING: Final = "running"
PASSED: Final = "passed"

_Reasoned = (
    SupplementRequested
    | DossierRefused
    | CommandRefused
    | StampRevoked
    | DossierSuspended
    | DossierStopped
    | DossierDeclined
    | ApologyGiven
    | TermExtended
    | ResultCorrected
)
_Alarming = (
    DossierAccepted
    | StepCompleted
    | StampRevoked
    | SupplementRequested
    | SupplementReceived
    | PaymentReceived
    | DossierResumed
    | ApologyGiven
    | TermExtended
    | ResultCorrected
    | DueDateAmended
)
_BEGINS_STEP: Final = frozenset(
    {DossierRegistered, DossierAccepted, StepCompleted, StampRevoked, ResultCorrected, DossierDeclined}
)
_HANDS_ON: Final = _BEGINS_STEP | {HandedOver}


class StepTime(NamedTuple):
    """Of the step in hand: `state` is RUNNING, PASSED, or empty where a fact says nothing; `due` if any."""

    state: str = ""
    due: datetime | None = None


class Detail(NamedTuple):
    """The columns; what a body does not have is empty, None or 0. A word of a list is its own text."""

    step: str = ""
    place: str = ""
    outcome: str = ""
    by_original: str = ""
    reason: str = ""
    score: int = 0
    dossier_code: str = ""
    received_at: datetime | None = None
    seal: str = ""
    stamp: int = 0


_NO_DETAIL: Final = Detail()
_NO_TIME: Final = StepTime()
_BEGINS: Final = StepTime(RUNNING)


def detail_of(body: FactBody, seq: int) -> Detail:
    """The columns of the body of fact number `seq`. A stamp is known by the number of its fact."""
    match body:  # the most common first
        case StepCompleted(step=step, place=place, outcome=outcome):
            return Detail(step, place, outcome or "")
        case DossierRegistered() | ResultReturned():
            return _NO_DETAIL
        case DossierAccepted(dossier_code=code, received_at=received, place=place):
            # To accept is to complete the first step.
            return Detail(Step.RECEIVE, place, dossier_code=code, received_at=received)
        case ProcessingFinished(outcome=outcome, by_original=original):
            return Detail(outcome=outcome, by_original=original or outcome)
        case HandedOver(step=step, outcome=outcome):
            return Detail(step, outcome=outcome or "")
        case StepDuePassed(step=step) | Escalated(step=step):
            return Detail(step)
        case DossierRated(score=score):
            return Detail(score=score)
        case StampApplied(seal=seal):
            return Detail(seal=seal, stamp=seq)
        case StampRevoked(seal=seal, stamp=stamp, reason=reason):
            return Detail(reason=reason, seal=seal, stamp=stamp)
        case _:
            return Detail(reason=body.reason) if isinstance(body, _Reasoned) else _NO_DETAIL


def step_time(body: FactBody) -> StepTime:
    """What is known of the time of the step in hand after `body`.

    Alarms list what still stands: one for the step says when its time is up, none says that there is no
    such time, or, where the same step goes on, that it was up before.
    """
    if isinstance(body, StepDuePassed):
        return StepTime(PASSED, body.due)
    if isinstance(body, _Alarming):
        for alarm in body.alarms or ():
            if alarm.name is AlarmName.STEP:
                return StepTime(RUNNING, alarm.at)
    return _BEGINS if type(body) in _BEGINS_STEP else _NO_TIME


def hands_on(body: FactBody) -> bool:
    """Whether another step or another holder begins with it."""
    return type(body) in _HANDS_ON
