"""Lives of dossiers as a reader sees them: what happened, moment by moment, and how it stood after it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from contracts.facts import (
    Alarm,
    ApologyGiven,
    DossierAccepted,
    DossierDeclined,
    DossierRated,
    DossierRefused,
    DossierRegistered,
    DossierResumed,
    DossierStopped,
    DossierSuspended,
    DossierWithdrawn,
    DueDatePassed,
    FactBody,
    HandedOver,
    Holder,
    PaymentReceived,
    PaymentRequested,
    ProcessingFinished,
    ResultCorrected,
    ResultReturned,
    StampApplied,
    StampRevoked,
    StepCompleted,
    StepDuePassed,
    SupplementReceived,
    SupplementRequested,
)
from contracts.words import AlarmName, NationalStatus, Outcome, Place, Step

START: Final = datetime(2020, 1, 31, 23, 30, 0, 123456, tzinfo=UTC)
DUE: Final = datetime(2020, 2, 14, 10, 0, tzinfo=UTC)
STEP_DUE: Final = datetime(2020, 2, 5, 10, 0, tzinfo=UTC)
SEAL: Final = "H52.18-D1"

COUNTER: Final = Holder("H52.18")
OFFICE: Final = Holder("H52.21")
OFFICER: Final = Holder("H52.21", "e" * 32)


class Moment(NamedTuple):
    """A fact's body with the dossier after it."""

    body: FactBody
    status: NationalStatus
    step: Step | None
    holder: Holder | None
    overdue: bool = False


_S = NationalStatus
_STEP_ALARM: Final = (Alarm(AlarmName.STEP, STEP_DUE), Alarm(AlarmName.DUE, DUE))


def _done(step: Step, place: Place = Place.CENTRE) -> StepCompleted:
    return StepCompleted(step, place, OFFICE, START, STEP_DUE, Outcome.EARLY, alarms=_STEP_ALARM)


def _taken_in(code: str = "H52.18-200201-0001") -> tuple[Moment, Moment]:
    accepted = DossierAccepted(code, START, DUE, "nd61", alarms=_STEP_ALARM)
    return (
        Moment(DossierRegistered(applicant="a" * 32), _S.REGISTERED, Step.RECEIVE, COUNTER),
        Moment(accepted, _S.ACCEPTED, Step.APPRAISE, OFFICE),
    )


def _sealed(outcome: Outcome, original: Outcome, *, overdue: bool = False) -> Sequence[Moment]:
    """From the approval to the result under seal."""
    late = overdue
    return (
        Moment(_done(Step.APPROVE), _S.IN_PROGRESS, Step.STAMP, OFFICE, late),
        Moment(StampApplied(SEAL), _S.IN_PROGRESS, Step.STAMP, OFFICE, late),
        Moment(_done(Step.STAMP), _S.IN_PROGRESS, Step.RETURN, COUNTER, late),
        Moment(ProcessingFinished(outcome, DUE, original), _S.FINISHED, Step.RETURN, COUNTER, late),
    )


_RETURNED: Final = (
    Moment(_done(Step.RETURN), _S.RETURNED, None, None),
    Moment(ResultReturned(), _S.RETURNED, None, None),
)
_APPRAISED: Final = Moment(_done(Step.APPRAISE), _S.IN_PROGRESS, Step.APPROVE, OFFICE)
_GIVEN: Final = Moment(
    HandedOver(Step.APPRAISE, OFFICE, OFFICER, START, STEP_DUE, Outcome.EARLY),
    _S.ACCEPTED,
    Step.APPRAISE,
    OFFICER,
)

ORDINARY: Final = (
    *_taken_in(),
    Moment(SupplementRequested("missing_paper", 600), _S.WAITING_SUPPLEMENT, Step.APPRAISE, OFFICE),
    Moment(SupplementReceived(DUE, 90, _STEP_ALARM), _S.IN_PROGRESS, Step.APPRAISE, OFFICE),
    _APPRAISED,
    *_sealed(Outcome.EARLY, Outcome.EARLY),
    *_RETURNED,
    Moment(DossierRated(5), _S.RETURNED, None, None),
)
LATE: Final = (
    *_taken_in(),
    _GIVEN,
    Moment(StepDuePassed(Step.APPRAISE, STEP_DUE), _S.ACCEPTED, Step.APPRAISE, OFFICER),
    Moment(ApologyGiven("workload", DUE, True, ()), _S.ACCEPTED, Step.APPRAISE, OFFICER),
    Moment(DueDatePassed(DUE), _S.ACCEPTED, Step.APPRAISE, OFFICER, True),
    Moment(_done(Step.APPRAISE, Place.OFFICE), _S.IN_PROGRESS, Step.APPROVE, OFFICE, True),
    *_sealed(Outcome.LATE, Outcome.LATE, overdue=True),
    *_RETURNED,
)
CORRECTED: Final = (
    *_taken_in(),
    _APPRAISED,
    *_sealed(Outcome.ON_TIME, Outcome.LATE),
    *_RETURNED,
    Moment(ResultCorrected("wrong_name"), _S.IN_PROGRESS, Step.APPRAISE, OFFICE),
    Moment(_done(Step.APPRAISE, Place.OFFICE), _S.IN_PROGRESS, Step.APPROVE, OFFICE),
    *_sealed(Outcome.LATE, Outcome.LATE),
    *_RETURNED,
)
REVOKED: Final = (
    *_taken_in(),
    _APPRAISED,
    *_sealed(Outcome.EARLY, Outcome.EARLY),
    Moment(StampRevoked(SEAL, 5, "wrong_document"), _S.IN_PROGRESS, Step.STAMP, OFFICE),
    *_sealed(Outcome.ON_TIME, Outcome.ON_TIME)[1:],
    *_RETURNED,
)
DECLINED: Final = (
    *_taken_in(),
    _APPRAISED,
    Moment(DossierDeclined("not_eligible"), _S.FINISHED, Step.RETURN, COUNTER),
    Moment(ProcessingFinished(Outcome.ON_TIME, DUE), _S.FINISHED, Step.RETURN, COUNTER),
    *_RETURNED,
)
STOPPED: Final = (
    *_taken_in(),
    Moment(PaymentRequested(120_000, 500), _S.WAITING_PAYMENT, Step.APPRAISE, OFFICE),
    Moment(PaymentReceived(DUE, 60, _STEP_ALARM), _S.IN_PROGRESS, Step.APPRAISE, OFFICE),
    Moment(DossierSuspended("in_court", 300), _S.STOPPED, Step.APPRAISE, OFFICE),
    Moment(DossierResumed(DUE, 30, _STEP_ALARM), _S.IN_PROGRESS, Step.APPRAISE, OFFICE),
    Moment(DossierSuspended("in_court", 300), _S.STOPPED, Step.APPRAISE, OFFICE),
    Moment(DossierStopped("applicant_died"), _S.STOPPED, None, None),
)
REFUSED: Final = (_taken_in()[0], Moment(DossierRefused("not_competent"), _S.NOT_ACCEPTED, None, None))
WITHDRAWN: Final = (*_taken_in(), Moment(DossierWithdrawn(), _S.WITHDRAWN, None, None))

LIVES: Final = (ORDINARY, LATE, CORRECTED, REVOKED, DECLINED, STOPPED, ORDINARY, REFUSED, WITHDRAWN)
