"""What happened: the records of ``dossier.events.v1``. Past tense.

A fact is ``(dossier_id, seq)``, seq gapless from 1; its cause is the place of the command record it
follows from, which lets a reader drop repeats with one number a partition. Every fact carries the
dimensions of its dossier after the fact, so that a reader needs no join.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from contracts.commands import Instant
from contracts.words import (
    AgencyCode,
    Channel,
    CommandId,
    DossierCode,
    DossierId,
    Fingerprint,
    NationalStatus,
    Outcome,
    ProcedureCode,
    Pseudonym,
    ReasonCode,
    Score,
    Step,
)


class Cause(Struct, frozen=True, array_like=True):
    """The command record a fact follows from, and the fact's place among that record's facts, from 0."""

    partition: Annotated[int, Meta(ge=0)]
    offset: Annotated[int, Meta(ge=0)]
    n: Annotated[int, Meta(ge=0)]


class DossierRegistered(Struct, frozen=True, tag="DossierRegistered"):
    """It was handed in."""

    applicant: Pseudonym | None = None


class DossierAccepted(Struct, frozen=True, tag="DossierAccepted"):
    """It was taken in; the clock runs. `received_at` is the receipt as the law counts it."""

    dossier_code: DossierCode
    received_at: Instant
    due: Instant
    rules: str


class StepCompleted(Struct, frozen=True, tag="StepCompleted"):
    """One of the five steps is done."""

    step: Step


class SupplementRequested(Struct, frozen=True, tag="SupplementRequested"):
    """The clock pauses with this much working time left (negative when already overdue)."""

    reason: ReasonCode
    remaining_minutes: int


class SupplementReceived(Struct, frozen=True, tag="SupplementReceived"):
    """The clock goes on; `due` is the new due date."""

    due: Instant
    paused_minutes: int


class DossierRefused(Struct, frozen=True, tag="DossierRefused"):
    """It was not taken in."""

    reason: ReasonCode


class DossierWithdrawn(Struct, frozen=True, tag="DossierWithdrawn"):
    """The applicant took it back."""


class ProcessingFinished(Struct, frozen=True, tag="ProcessingFinished"):
    """The result is under seal; the legal clock ends."""

    outcome: Outcome
    due: Instant


class ResultReturned(Struct, frozen=True, tag="ResultReturned"):
    """The applicant has the result."""


class DossierRated(Struct, frozen=True, tag="DossierRated"):
    """The applicant's rating at the counter."""

    score: Score


class DueDatePassed(Struct, frozen=True, tag="DueDatePassed"):
    """The due date went by with the dossier unfinished."""

    due: Instant


class DueDateAmended(Struct, frozen=True, tag="DueDateAmended"):
    """The calendar was amended: `due` is the due date by it, `law_version` the law it rests on.

    `remaining_minutes` is what is left by it of a dossier whose clock stands.
    """

    due: Instant
    law_version: Annotated[int, Meta(ge=1)]
    remaining_minutes: int | None = None


class CommandRefused(Struct, frozen=True, tag="CommandRefused"):
    """A command to a known dossier was refused; nothing changed but this record of it."""

    command: str
    reason: ReasonCode
    rule: str
    legal_ground: str


FactBody = (
    DossierRegistered
    | DossierAccepted
    | StepCompleted
    | SupplementRequested
    | SupplementReceived
    | DossierRefused
    | DossierWithdrawn
    | ProcessingFinished
    | ResultReturned
    | DossierRated
    | DueDatePassed
    | DueDateAmended
    | CommandRefused
)


class Fact(Struct, frozen=True, kw_only=True, tag_field="record", tag="fact"):
    """One fact with the dossier's dimensions after it.

    `at` is the fact's own time (UTC on the wire). `status`, `overdue` and `due` are the dossier's after
    the fact. `command_id` and `fingerprint` name the command behind it; None for a deadline.
    """

    dossier_id: DossierId
    seq: Annotated[int, Meta(ge=1)]
    cause: Cause
    at: Instant
    agency: AgencyCode
    procedure: ProcedureCode
    procedure_version: Annotated[int, Meta(ge=1)]
    channel: Channel
    status: NationalStatus
    body: FactBody
    overdue: bool = False
    due: Instant | None = None
    actor: Pseudonym | None = None
    command_id: CommandId | None = None
    fingerprint: Fingerprint | None = None


class ClockMoved(Struct, frozen=True, kw_only=True, tag_field="record", tag="clock"):
    """Under the log clock: the partition's time is `to`, and every deadline before it has fired.

    Every fact of a command that stands before the time record in the partition precedes this one, so a
    reader that has seen `to` in all partitions knows all that had happened by then.
    """

    cause: Cause
    to: Instant


FactRecord = Fact | ClockMoved
