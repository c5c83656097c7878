"""Where a dossier stands in the compliance figures: one bucket at any moment.

The buckets are disjoint and add up to the dossiers received. "Late" says that the due date went by,
whether the dossier is finished or not.
"""

from __future__ import annotations

from enum import StrEnum

from contracts.facts import (
    ApologyGiven,
    DossierAccepted,
    DossierRated,
    DossierRefused,
    DossierRegistered,
    DossierResumed,
    DossierStopped,
    DossierSuspended,
    DossierWithdrawn,
    DueDateAmended,
    DueDatePassed,
    Fact,
    PaymentReceived,
    PaymentRequested,
    ProcessingFinished,
    ResultCorrected,
    ResultReturned,
    StampApplied,
    StampRevoked,
    StepCompleted,
    SupplementReceived,
    SupplementRequested,
    TermExtended,
)


class Bucket(StrEnum):
    """The eight places a received dossier can be counted in."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"
    NOT_DUE = "not_due"
    PAUSED = "paused"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"


_Pauses = SupplementRequested | PaymentRequested | DossierSuspended
# The clock runs on, or anew: also when a result was found wrong or its stamp void. What the dossier had been
# counted as before no longer counts.
_Runs = (
    SupplementReceived
    | PaymentReceived
    | DossierResumed
    | ApologyGiven
    | TermExtended
    | ResultCorrected
    | StampRevoked
)


def bucket_after(fact: Fact) -> Bucket | None:
    """The bucket of the dossier after `fact`; None when this fact leaves it where it was."""
    match fact.body:  # the most common first
        case StepCompleted() | StampApplied() | ResultReturned() | DossierRated():
            return None
        case DossierRegistered() | DossierAccepted():
            return Bucket.NOT_DUE
        case DueDatePassed():
            return Bucket.LATE
        case DueDateAmended(remaining_minutes=left):
            return _open(fact, paused=left is not None)
        case ProcessingFinished(outcome=outcome):
            return Bucket(outcome.value)
        case DossierRefused():
            return Bucket.REFUSED
        case DossierWithdrawn():
            return Bucket.WITHDRAWN
        case DossierStopped():
            return Bucket.STOPPED
    if isinstance(fact.body, _Pauses | _Runs):
        return _open(fact, paused=isinstance(fact.body, _Pauses))
    return None


def _open(fact: Fact, *, paused: bool) -> Bucket:
    if fact.overdue:
        return Bucket.LATE
    return Bucket.PAUSED if paused else Bucket.NOT_DUE
