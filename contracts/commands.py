"""What can stand in ``dossier.commands.v1``: commands, the law, time. Imperative names.

A record is one of :data:`CommandRecord`, told apart by its ``record`` field. Times are aware and UTC on
the wire. Nothing personal: actors and applicants are keyed pseudonyms, reasons are codes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from contracts.law import LawChange
from contracts.words import (
    AgencyCode,
    Channel,
    ClientName,
    CommandId,
    DossierCode,
    DossierId,
    Fingerprint,
    ProcedureCode,
    Pseudonym,
    ReasonCode,
    Role,
    Score,
    Step,
)

Instant = Annotated[datetime, Meta(tz=True)]


class RegisterDossier(Struct, frozen=True, tag="RegisterDossier"):
    """Hand a dossier in (national status 1). The clock does not run yet."""

    procedure: ProcedureCode
    agency: AgencyCode
    channel: Channel
    applicant: Pseudonym | None = None


class AcceptDossier(Struct, frozen=True, tag="AcceptDossier"):
    """Take it in (status 2): completes `receive`, gives the legal code, starts the legal clock."""

    dossier_code: DossierCode


class CompleteStep(Struct, frozen=True, tag="CompleteStep"):
    """Complete the next step in order (appraise, approve, stamp, return)."""

    step: Step


class RequestSupplement(Struct, frozen=True, tag="RequestSupplement"):
    """Ask the applicant for more papers (status 5): the clock pauses."""

    reason: ReasonCode


class ReceiveSupplement(Struct, frozen=True, tag="ReceiveSupplement"):
    """The papers came (status 4): the clock goes on with what remained."""


class RefuseDossier(Struct, frozen=True, tag="RefuseDossier"):
    """Do not take it in (status 3)."""

    reason: ReasonCode


class WithdrawDossier(Struct, frozen=True, tag="WithdrawDossier"):
    """The applicant takes it back (status 7)."""


class RateDossier(Struct, frozen=True, tag="RateDossier"):
    """The applicant's rating at the counter; once a dossier."""

    score: Score


CommandBody = (
    RegisterDossier
    | AcceptDossier
    | CompleteStep
    | RequestSupplement
    | ReceiveSupplement
    | RefuseDossier
    | WithdrawDossier
    | RateDossier
)


class Command(Struct, frozen=True, kw_only=True, tag_field="record", tag="command"):
    """One command to one dossier, as the door let it in.

    `at` is when intake took it, or, from an importer, the command's own time. `agencies` is the scope of
    the key it came with; None means every agency.
    """

    id: CommandId
    dossier_id: DossierId
    at: Instant
    client: ClientName
    role: Role
    fingerprint: Fingerprint
    body: CommandBody
    actor: Pseudonym | None = None
    agencies: tuple[AgencyCode, ...] | None = None


class LawChanged(Struct, frozen=True, kw_only=True, tag_field="record", tag="law"):
    """The law changes for the whole partition. `version` counts from 1 without a gap."""

    version: Annotated[int, Meta(ge=1)]
    changes: Annotated[tuple[LawChange, ...], Meta(min_length=1, max_length=200)]


class TimeAdvanced(Struct, frozen=True, kw_only=True, tag_field="record", tag="time"):
    """The log clock of the partition moves on to `to`; only in a stack whose clock is the log."""

    to: Instant


class Deadline(Struct, frozen=True, array_like=True):
    """One timer of one dossier; stale when the dossier's timer has another version.

    The timer ``calendar`` asks for the due date to be counted again by the amended calendar; its version is
    that of the law.
    """

    dossier_id: DossierId
    timer: str
    version: int


class DeadlinesReached(Struct, frozen=True, kw_only=True, tag_field="record", tag="deadlines"):
    """Time passed these deadlines, or the calendar moved them; appended by the partition's owner."""

    LIMIT: ClassVar[int] = 500

    at: Instant
    entries: Annotated[tuple[Deadline, ...], Meta(min_length=1, max_length=500)]


class Parked(Struct, frozen=True, kw_only=True, tag_field="record", tag="parked"):
    """Deciding the record at `offset` crashed again and again: from there on the dossier stands still.

    Appended by the worker that owns the partition, after the record it names. Who decides the log again
    looks for these records first: the record at `offset` is not decided, whatever the code of the day would
    make of it. `reason` says what went wrong, in one word.
    """

    dossier_id: DossierId
    offset: Annotated[int, Meta(ge=0)]
    reason: ReasonCode


class Unparked(Struct, frozen=True, kw_only=True, tag_field="record", tag="unparked"):
    """From here on the dossier is decided again; what was refused meanwhile may be asked again."""

    dossier_id: DossierId


CommandRecord = Command | LawChanged | TimeAdvanced | DeadlinesReached | Parked | Unparked
