"""Where a dossier stands in the compliance figures: one bucket at any moment.

The buckets are disjoint and add up to the dossiers received. "Late" says that the due date went by,
whether the dossier is finished or not.
"""

from __future__ import annotations

from enum import StrEnum

from contracts.facts import (
    DossierAccepted,
    DossierRefused,
    DossierRegistered,
    DossierWithdrawn,
    DueDateAmended,
    DueDatePassed,
    Fact,
    ProcessingFinished,
    SupplementReceived,
    SupplementRequested,
)


class Bucket(StrEnum):
    """The seven places a received dossier can be counted in."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"
    NOT_DUE = "not_due"
    PAUSED = "paused"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


def bucket_after(fact: Fact) -> Bucket | None:
    """The bucket of the dossier after `fact`; None when this fact leaves it where it was."""
    match fact.body:
        case DossierRegistered() | DossierAccepted():
            return Bucket.NOT_DUE
        case SupplementRequested():
            return Bucket.LATE if fact.overdue else Bucket.PAUSED
        case SupplementReceived():
            return Bucket.LATE if fact.overdue else Bucket.NOT_DUE
        case DueDatePassed():
            return Bucket.LATE
        case DueDateAmended(remaining_minutes=left):
            if fact.overdue:
                return Bucket.LATE
            return Bucket.NOT_DUE if left is None else Bucket.PAUSED
        case ProcessingFinished(outcome=outcome):
            return Bucket(outcome.value)
        case DossierRefused():
            return Bucket.REFUSED
        case DossierWithdrawn():
            return Bucket.WITHDRAWN
        case _:
            return None
