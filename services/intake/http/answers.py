"""What success looks like: the bodies of answers, as types the API document is made from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec
from msgspec import Struct
from starlette.responses import Response

from contracts.commands import Evidence, Instant
from contracts.law import AgencyPublished, ProcedurePublished
from contracts.outcomes import ActionName, CommandOutcome
from contracts.words import (
    CertificateKind,
    Clock,
    NationalStatus,
    RevocationSource,
    Sha256,
    SignatureForm,
    Step,
)
from services.intake.application.door import Taken
from services.intake.domain import coverage, inventory
from services.intake.http.problems import Problem


class Links(Struct, frozen=True):
    """Where to ask about the dossier."""

    dossier: str


class TakenAnswer(Struct, frozen=True, kw_only=True):
    """202: the command stands in the log and will be decided."""

    dossier_id: str
    command_id: str
    links: Links


class DecidedAnswer(Struct, frozen=True, kw_only=True):
    """200 or 201: the command was accepted; the dossier as it is now."""

    dossier_id: str
    command_id: str
    seq: int
    overdue: bool
    allowed_actions: tuple[ActionName, ...]
    links: Links
    status: NationalStatus | None = None
    next_step: Step | None = None
    dossier_code: str | None = None
    due: Instant | None = None


class LineAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the answer to a bulk request; `line` counts from 1."""

    line: int
    status: int
    dossier_id: str | None = None
    command_id: str | None = None
    repeated: bool = False
    problem: Problem | None = None


class LawAnswer(Struct, frozen=True, kw_only=True):
    """The version of the law in force, how many changes were new, how many stood already."""

    version: int
    enacted: int
    unchanged: int


class TimeAnswer(Struct, frozen=True, kw_only=True):
    """The time every partition was told."""

    to: Instant
    partitions: int


class ProceduresAnswer(Struct, frozen=True, kw_only=True):
    """Procedures in force at this door."""

    law_version: int
    procedures: list[ProcedurePublished]


class AgenciesAnswer(Struct, frozen=True, kw_only=True):
    """Agencies of the catalogue in force at this door, open or closed."""

    law_version: int
    agencies: list[AgencyPublished]


class SignatureAnswer(Struct, frozen=True, kw_only=True):
    """The signature is good. `evidence` goes into the command it is for; the rest says what it holds.

    `document` is the hash of the whole file, `covers` that of the file this signature was put on: with a
    seal, what was approved. Nobody's name stands here.
    """

    evidence: str
    form: SignatureForm
    document: Sha256
    covers: Sha256
    certificate: Sha256
    issuer: str
    signed_at: Instant
    stamped_at: Instant | None
    not_before: Instant
    not_after: Instant
    revocation: RevocationSource
    revocation_at: Instant


class CoverageAnswer(Struct, frozen=True, kw_only=True):
    """How far the procedures in force are public, on site and online, as of a local day."""

    law_version: int
    day: date
    total: coverage.CoverageCounts
    levels: dict[str, coverage.CoverageCounts]


class CertificatesAnswer(Struct, frozen=True, kw_only=True):
    """Counts of the certificates asked for; the list only when an agency or a time was named."""

    law_version: int
    at: Instant
    total: inventory.CertificateCounts
    kinds: dict[CertificateKind, inventory.CertificateCounts]
    certificates: list[inventory.CertificateShown] | None = None


class SealsAnswer(Struct, frozen=True, kw_only=True):
    """Seals of the register, as of a local day."""

    law_version: int
    day: date
    seals: list[inventory.SealShown]


class AboutAnswer(Struct, frozen=True, kw_only=True):
    """What this is, and where the figures are."""

    service: str
    version: str
    clock: Clock
    law_version: int
    links: dict[str, str]


class HealthAnswer(Struct, frozen=True):
    """The process is alive."""

    status: str


class ReadyAnswer(Struct, frozen=True, kw_only=True):
    """Whether requests are taken and, when not, why; and what is under way."""

    ready: bool
    why: str | None
    in_flight_records: int
    law_version: int


def links(analytics_url: str, dossier_id: str) -> Links:
    """Where to ask about a dossier."""
    return Links(dossier=f"{analytics_url}/v1/dossiers/{dossier_id}")


def taken(result: Taken, analytics_url: str) -> TakenAnswer:
    """The answer to a command that stands in the log."""
    return TakenAnswer(
        dossier_id=result.dossier_id,
        command_id=result.command_id,
        links=links(analytics_url, result.dossier_id),
    )


def decided(outcome: CommandOutcome, analytics_url: str) -> DecidedAnswer:
    """The answer to a command that was accepted."""
    return DecidedAnswer(
        dossier_id=outcome.dossier_id,
        command_id=outcome.command_id,
        seq=outcome.seq,
        status=outcome.status,
        next_step=outcome.next_step,
        dossier_code=outcome.dossier_code,
        due=outcome.due,
        overdue=outcome.overdue,
        allowed_actions=outcome.allowed_actions,
        links=links(analytics_url, outcome.dossier_id),
    )


def evident(evidence: Evidence, token: str) -> SignatureAnswer:
    """The answer to a signed file that is good."""
    return SignatureAnswer(evidence=token, **msgspec.structs.asdict(evidence))


def respond(value: Struct, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(value), status, dict(headers or {}), "application/json")
