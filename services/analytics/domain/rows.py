"""A fact as a row of the table ``facts``: pure, total, the same for the sink and for the proof.

Instants are whole microseconds since 1970-01-01 UTC. What is absent is ``None`` for instants, an empty
text for texts and 0 for the score: none of these can be a value of a real fact.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

import msgspec

from contracts.facts import (
    CommandRefused,
    DossierAccepted,
    DossierRated,
    DossierRefused,
    Fact,
    FactBody,
    ProcessingFinished,
    StepCompleted,
    SupplementRequested,
)
from services.analytics.domain.buckets import bucket_after

# The version of this mapping. It stands in every intent: a batch is only ever mapped by the version that
# cut it, because a repeated insert is recognised by its token, never by its content.
MAPPING: Final = 1

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS: Final = range(1990, 2200)
_MAX_NUMBER: Final = 2**31 - 1
_encoder: Final = msgspec.json.Encoder()


class FactRow(NamedTuple):
    """One row; the field names are the column names, in their order."""

    log_partition: int
    log_offset: int
    cause_offset: int
    cause_n: int
    dossier_id: str
    seq: int
    at: int
    type: str
    agency: str
    procedure: str
    procedure_version: int
    channel: str
    status: int
    overdue: int
    due: int | None
    bucket: str
    step: str
    outcome: str
    reason: str
    score: int
    dossier_code: str
    received_at: int | None
    actor: str
    command_id: str
    fingerprint: str
    body: str
    mapping: int


class UnusableFactError(ValueError):
    """A well-formed fact the tables cannot hold: dead-letter it, never retry it."""


class _Detail(NamedTuple):
    """What a body gives to columns of its own."""

    step: str = ""
    outcome: str = ""
    reason: str = ""
    score: int = 0
    dossier_code: str = ""
    received_at: datetime | None = None


def micros(instant: datetime) -> int:
    """Whole microseconds since 1970 UTC of an aware instant, without going through a float."""
    delta = instant - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def _instant(value: datetime) -> int:
    if value.year not in _YEARS:
        raise UnusableFactError(f"an instant outside the years {_YEARS.start} to {_YEARS.stop - 1}")
    return micros(value)


def _detail(body: FactBody) -> _Detail:
    match body:
        case DossierAccepted(dossier_code=code, received_at=received):
            return _Detail(dossier_code=code, received_at=received)
        case StepCompleted(step=step):
            return _Detail(step=step.value)
        case SupplementRequested() | DossierRefused() | CommandRefused():
            return _Detail(reason=body.reason)
        case ProcessingFinished(outcome=outcome):
            return _Detail(outcome=outcome.value)
        case DossierRated(score=score):
            return _Detail(score=score)
        case _:
            return _Detail()


def to_row(fact: Fact, partition: int, offset: int) -> FactRow:
    """The row of `fact` as it stands at `offset` of `partition`. Raises UnusableFactError."""
    if max(fact.seq, fact.cause.n, fact.procedure_version) > _MAX_NUMBER or fact.cause.offset >= 2**63:
        raise UnusableFactError("a number larger than its column")
    detail = _detail(fact.body)
    bucket = bucket_after(fact)
    return FactRow(
        log_partition=partition,
        log_offset=offset,
        cause_offset=fact.cause.offset,
        cause_n=fact.cause.n,
        dossier_id=fact.dossier_id,
        seq=fact.seq,
        at=_instant(fact.at),
        type=type(fact.body).__name__,
        agency=fact.agency,
        procedure=fact.procedure,
        procedure_version=fact.procedure_version,
        channel=fact.channel.value,
        status=fact.status.value,
        overdue=int(fact.overdue),
        due=None if fact.due is None else _instant(fact.due),
        bucket=bucket.value if bucket is not None else "",
        step=detail.step,
        outcome=detail.outcome,
        reason=detail.reason,
        score=detail.score,
        dossier_code=detail.dossier_code,
        received_at=None if detail.received_at is None else _instant(detail.received_at),
        actor=fact.actor or "",
        command_id=fact.command_id or "",
        fingerprint=fact.fingerprint or "",
        body=_encoder.encode(fact.body).decode(),
        mapping=MAPPING,
    )
