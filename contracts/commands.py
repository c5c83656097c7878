"""What can stand in ``dossier.commands.v1``: commands, what seals are asked, the law, time. Imperative names.

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
    Place,
    ProcedureCode,
    Pseudonym,
    ReasonCode,
    RevocationSource,
    Role,
    Score,
    SealCode,
    Sha256,
    SignatureForm,
    Step,
    VndToPay,
)

Instant = Annotated[datetime, Meta(tz=True)]


class Cause(Struct, frozen=True, array_like=True):
    """The command record something follows from, and its place among that record's facts, from 0."""

    partition: Annotated[int, Meta(ge=0)]
    offset: Annotated[int, Meta(ge=0)]
    n: Annotated[int, Meta(ge=0)]


class Evidence(Struct, frozen=True, kw_only=True):
    """What the verification of one digital signature found; it holds no key and nobody's name.

    `document` is the hash of the whole signed file (of the document, when the signature stands apart from
    it), `covers` that of what the signature was put on: the revision before it, or the document.
    `signed_at` is the time the signer claims, `stamped_at` that of the RFC 3161 time stamp. The certificate,
    by the hash of its DER form, was valid from `not_before` to `not_after`, led to a trusted root at the
    time of the stamp, and `revocation` of `revocation_at` showed that it had not been revoked.
    """

    form: SignatureForm
    document: Sha256
    covers: Sha256
    certificate: Sha256
    issuer: Annotated[str, Meta(max_length=300)]
    signed_at: Instant
    not_before: Instant
    not_after: Instant
    revocation: RevocationSource
    revocation_at: Instant
    stamped_at: Instant | None = None


class RegisterDossier(Struct, frozen=True, tag="RegisterDossier"):
    """Hand a dossier in (national status 1). The clock does not run yet."""

    procedure: ProcedureCode
    agency: AgencyCode
    channel: Channel
    applicant: Pseudonym | None = None


class AcceptDossier(Struct, frozen=True, tag="AcceptDossier"):
    """Take it in (status 2): completes `receive`, gives the legal code, starts the legal clock."""

    dossier_code: DossierCode
    place: Place | None = None


class CompleteStep(Struct, frozen=True, tag="CompleteStep"):
    """Complete the next step in order (appraise, approve, stamp, return).

    To approve is to sign: on paper, or, with `evidence`, on the electronic result. A stamp is put with a
    `seal` of the register (without one, with the only one the agency has), an electronic one with the
    `evidence` of its signature. `place` says where, when not where the procedure has it done.
    """

    step: Step
    place: Place | None = None
    seal: SealCode | None = None
    evidence: Evidence | None = None


class HandOver(Struct, frozen=True, tag="HandOver"):
    """Give the step in hand to another agency (liên thông), to an officer, or both.

    Each is an entry of the control slip. Without `agency` the step stays with the agency that has it; without
    `officer` whoever works there may do it.
    """

    agency: AgencyCode | None = None
    officer: Pseudonym | None = None


class RequestSupplement(Struct, frozen=True, tag="RequestSupplement"):
    """Ask the applicant for more papers (status 5): the clock pauses."""

    reason: ReasonCode


class ReceiveSupplement(Struct, frozen=True, tag="ReceiveSupplement"):
    """The papers came (status 4): the clock goes on with what remained."""


class RequestPayment(Struct, frozen=True, tag="RequestPayment"):
    """Ask the applicant to pay (status 6): the clock pauses."""

    amount_vnd: VndToPay


class ReceivePayment(Struct, frozen=True, tag="ReceivePayment"):
    """It was paid (status 4): the clock goes on with what remained."""


class SuspendDossier(Struct, frozen=True, tag="SuspendDossier"):
    """The matter cannot go on for now (status 8): the clock pauses."""

    reason: ReasonCode


class ResumeDossier(Struct, frozen=True, tag="ResumeDossier"):
    """A suspended matter goes on (status 4), by the word of who may approve."""


class StopDossier(Struct, frozen=True, tag="StopDossier"):
    """End it without a result (status 8), for good."""

    reason: ReasonCode


class DeclineDossier(Struct, frozen=True, tag="DeclineDossier"):
    """Refuse to solve what was appraised (status 9): the written refusal is the result, and needs no seal."""

    reason: ReasonCode


class Apologise(Struct, frozen=True, tag="Apologise"):
    """Apologise for a result that will be late and promise a new date, once and in time.

    `override` lets it come late or again; the dossier is late all the same.
    """

    reason: ReasonCode
    until: Instant
    override: bool = False


class ExtendTerm(Struct, frozen=True, tag="ExtendTerm"):
    """Make the term longer by `value` of its unit, by a decision the law allows."""

    reason: ReasonCode
    value: Annotated[int, Meta(ge=1, le=3650)]


class CorrectResult(Struct, frozen=True, tag="CorrectResult"):
    """The authority found its result wrong (status 4 again): it is appraised anew, at its own cost."""

    reason: ReasonCode


class RevokeStamp(Struct, frozen=True, tag="RevokeStamp"):
    """The stamp is void (status 4 again): the result wants another one before it is returned."""

    reason: ReasonCode


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
    | HandOver
    | RequestPayment
    | ReceivePayment
    | SuspendDossier
    | ResumeDossier
    | StopDossier
    | DeclineDossier
    | Apologise
    | ExtendTerm
    | CorrectResult
    | RevokeStamp
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


class DrawNumber(Struct, frozen=True, kw_only=True, tag_field="record", tag="draw"):
    """A stamp was put: the seal's register gives it the next number of its year.

    Forwarded by the worker that decided the stamp, to the aggregate of the seal (`seal_id` is the key).
    `source` is the place of the fact it follows from, and makes the id; the register drops what it has
    drawn for before. `stamp` is that fact's number in its dossier, `at` its time.
    """

    id: CommandId
    seal_id: DossierId
    seal: SealCode
    agency: AgencyCode
    source: Cause
    at: Instant
    dossier_id: DossierId
    stamp: Annotated[int, Meta(ge=1)]


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


CommandRecord = Command | DrawNumber | LawChanged | TimeAdvanced | DeadlinesReached | Parked | Unparked
