"""A record of the log as a row of the table ``facts``: pure, total, the same for the sink and for the proof.

Instants are whole microseconds since 1970-01-01 UTC. What is absent is ``None`` for instants, an empty
text for texts and 0 for the numbers: none of these can be a value of a real fact.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

import msgspec

from contracts.facts import Cause, Fact, FactBody, Holder, NumberDrawn
from contracts.words import Channel, NationalStatus, Step
from services.analytics.domain.buckets import bucket_after
from services.analytics.domain.details import detail_of, hands_on, step_time

# The version of this mapping. It stands in every intent: a batch is only ever mapped by the version that
# cut it, because a repeated insert is recognised by its token, never by its content.
MAPPING: Final = 2

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
# A day is a Date, which ends on 6 June 2149 and then starts again at 1970.
_YEARS: Final = range(1990, 2149)
_MAX_NUMBER: Final = 2**31 - 1
_encoder: Final = msgspec.json.Encoder()
_bodies: Final[msgspec.json.Decoder[FactBody]] = msgspec.json.Decoder(FactBody)

NUMBER_DRAWN: Final = NumberDrawn.__name__
"""The type of a row that no dossier has: a seal's register gave a number. Its `dossier_id` is the seal's."""


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
    in_hand: str = ""
    holder_agency: str = ""
    holder_officer: str = ""
    handed: int = 0
    step_clock: str = ""
    step_due: int | None = None
    place: str = ""
    by_original: str = ""
    seal: str = ""
    stamp: int = 0
    stamped_dossier: str = ""
    year: int = 0
    number: int = 0


class UnusableFactError(ValueError):
    """A well-formed fact the tables cannot hold: dead-letter it, never retry it."""


def micros(instant: datetime) -> int:
    """Whole microseconds since 1970 UTC of an aware instant, without going through a float."""
    return (instant - _EPOCH) // _MICROSECOND


def _instant(value: datetime) -> int:
    if value.year not in _YEARS:
        raise UnusableFactError(f"an instant outside the years {_YEARS.start} to {_YEARS.stop - 1}")
    return micros(value)


def _instant_or_none(value: datetime | None) -> int | None:
    return None if value is None else _instant(value)


def instant(at: int) -> datetime:
    """The instant (UTC) of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at)


def to_row(fact: Fact, partition: int, offset: int) -> FactRow:
    """The row of `fact` as it stands at `offset` of `partition`. Raises UnusableFactError."""
    body, cause, holder = fact.body, fact.cause, fact.holder
    step, place, outcome, by_original, reason, score, code, received_at, seal, stamp = detail_of(
        body, fact.seq
    )
    clock, step_due = step_time(body)
    if max(fact.seq, cause.n, fact.procedure_version, stamp) > _MAX_NUMBER or cause.offset >= 2**63:
        raise UnusableFactError("a number larger than its column")
    # By position and with the words as they are (each is its own text): this is done for every fact there is.
    return FactRow(
        partition,
        offset,
        cause.offset,
        cause.n,
        fact.dossier_id,
        fact.seq,
        _instant(fact.at),
        type(body).__name__,
        fact.agency,
        fact.procedure,
        fact.procedure_version,
        fact.channel,
        fact.status,
        fact.overdue,
        _instant_or_none(fact.due),
        bucket_after(fact) or "",
        step,
        outcome,
        reason,
        score,
        code,
        _instant_or_none(received_at),
        fact.actor or "",
        fact.command_id or "",
        fact.fingerprint or "",
        _encoder.encode(body).decode(),
        MAPPING,
        fact.step or "",
        holder.agency if holder else "",
        (holder.officer or "") if holder else "",
        hands_on(body),
        clock,
        _instant_or_none(step_due),
        place,
        by_original,
        seal,
        stamp,
    )


def to_fact(row: FactRow) -> Fact:
    """The fact a row was made of: the way back."""
    holder = Holder(row.holder_agency, row.holder_officer or None) if row.holder_agency else None
    return Fact(
        dossier_id=row.dossier_id,
        seq=row.seq,
        cause=Cause(row.log_partition, row.cause_offset, row.cause_n),
        at=instant(row.at),
        agency=row.agency,
        procedure=row.procedure,
        procedure_version=row.procedure_version,
        channel=Channel(row.channel),
        status=NationalStatus(row.status),
        body=_bodies.decode(row.body),
        overdue=bool(row.overdue),
        due=None if row.due is None else instant(row.due),
        step=Step(row.in_hand) if row.in_hand else None,
        holder=holder,
        actor=row.actor or None,
        command_id=row.command_id or None,
        fingerprint=row.fingerprint or None,
    )


def to_number_row(drawn: NumberDrawn, partition: int, offset: int) -> FactRow:
    """The row of a number that a seal's register gave. Raises UnusableFactError.

    `dossier_id` is the register's key; the dossier that got the number is `stamped_dossier`.
    """
    largest = max(drawn.seq, drawn.cause.n, drawn.number, drawn.stamp)
    if largest > _MAX_NUMBER or drawn.cause.offset >= 2**63 or drawn.year not in _YEARS:
        raise UnusableFactError("a number larger than its column, or a year out of reach")
    return FactRow(
        log_partition=partition,
        log_offset=offset,
        cause_offset=drawn.cause.offset,
        cause_n=drawn.cause.n,
        dossier_id=drawn.seal_id,
        seq=drawn.seq,
        at=_instant(drawn.at),
        type=NUMBER_DRAWN,
        agency=drawn.agency,
        procedure="",
        procedure_version=0,
        channel="",
        status=0,
        overdue=0,
        due=None,
        bucket="",
        step="",
        outcome="",
        reason="",
        score=0,
        dossier_code="",
        received_at=None,
        actor="",
        command_id="",
        fingerprint="",
        body=_encoder.encode(drawn).decode(),
        mapping=MAPPING,
        seal=drawn.seal,
        stamp=drawn.stamp,
        stamped_dossier=drawn.dossier_id,
        year=drawn.year,
        number=drawn.number,
    )
