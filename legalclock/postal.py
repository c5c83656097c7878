"""The post's own clock: how long it may take from the hand-over of a result to its delivery.

Nothing here is a dossier's due date or outcome, and the types keep them apart: the post never makes a dossier
late, and a dossier in time says nothing about the post. The term comes from the agreement with the carrier.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from legalclock.calendar import Calendar
from legalclock.moments import local
from legalclock.terms import due
from legalclock.units import TermUnit


@dataclass(frozen=True, slots=True)
class PostalTerm:
    """What the carrier has agreed to."""

    value: int
    unit: TermUnit = TermUnit.WORKING_DAY


@dataclass(frozen=True, slots=True)
class PostalDue:
    """When an item should be delivered, +07:00."""

    at: datetime


class PostalOutcome(StrEnum):
    """How a delivery stands to its term."""

    DELIVERED_IN_TIME = "delivered_in_time"
    DELIVERED_LATE = "delivered_late"
    UNDER_WAY = "under_way"
    OVERDUE = "overdue"


def postal_due(calendar: Calendar, handed_over_at: datetime, term: PostalTerm) -> PostalDue:
    """When an item handed to the post should be delivered; `calendar` is that of the post's working days."""
    return PostalDue(due(calendar, handed_over_at, term.value, term.unit).due)


def postal_outcome(limit: PostalDue, at: datetime, delivered_at: datetime | None) -> PostalOutcome:
    """How an item stands at `at`. Raises ValueError for a naive time."""
    if delivered_at is not None:
        late = local(delivered_at) > limit.at
        return PostalOutcome.DELIVERED_LATE if late else PostalOutcome.DELIVERED_IN_TIME
    return PostalOutcome.OVERDUE if local(at) > limit.at else PostalOutcome.UNDER_WAY
