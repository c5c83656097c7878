"""The vocabulary of messages: constrained text types and closed lists of words.

Enumerations are the closed lists of the domain (channels, steps, national statuses); the annotated
types carry the limits that the generated JSON Schemas state.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated

from msgspec import Meta

DossierId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="hash of client and key")]
CommandId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="hash of dossier, client and key")]
Fingerprint = Annotated[str, Meta(pattern="^[0-9a-f]{16}$", description="hash of what was asked")]
Pseudonym = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", description="HMAC under the province's key")]
ClientName = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
AgencyCode = Annotated[str, Meta(pattern=r"^[0-9A-Z][0-9A-Z.]{2,34}$")]
ProcedureCode = Annotated[
    str, Meta(pattern=r"^[0-9]\.[0-9]{6}(\.[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2})?$")
]
DossierCode = Annotated[str, Meta(pattern=r"^[0-9A-Z][0-9A-Z.]{2,34}-[0-9]{6}-[0-9]{4,6}$")]
SealCode = Annotated[str, Meta(pattern="^[0-9A-Z][0-9A-Z.-]{2,62}$", description="a seal in the register")]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="SHA-256 in lower-case hex")]
Vnd = Annotated[int, Meta(ge=0, le=1_000_000_000_000, description="Vietnamese đồng, whole")]
VndToPay = Annotated[int, Meta(ge=1, le=1_000_000_000_000, description="Vietnamese đồng, whole, some")]
ReasonCode = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{1,62}$", description="a code, never free text")]
IdempotencyKey = Annotated[str, Meta(pattern=r"^[!-~]{1,128}$", description="printable ASCII, no spaces")]
Score = Annotated[int, Meta(ge=1, le=5, description="1 very dissatisfied … 5 very satisfied")]


class Channel(StrEnum):
    """How a dossier was handed in."""

    COUNTER = "counter"
    ONLINE = "online"
    POSTAL = "postal"


class Step(StrEnum):
    """The five steps, in their order."""

    RECEIVE = "receive"
    APPRAISE = "appraise"
    APPROVE = "approve"
    STAMP = "stamp"
    RETURN = "return"


class Place(StrEnum):
    """Where a step was done: at the public administration service centre, or at the agency's own office."""

    CENTRE = "centre"
    OFFICE = "office"


class NationalStatus(IntEnum):
    """Dossier status of the national public service portal (1 to 10)."""

    REGISTERED = 1
    ACCEPTED = 2
    NOT_ACCEPTED = 3
    IN_PROGRESS = 4
    WAITING_SUPPLEMENT = 5
    WAITING_PAYMENT = 6
    WITHDRAWN = 7
    STOPPED = 8
    FINISHED = 9
    RETURNED = 10


class Outcome(StrEnum):
    """How a finished dossier stands to its due date."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"


class TermUnit(StrEnum):
    """Units of a legal term."""

    MINUTE = "minute"
    WORKING_HOUR = "working_hour"
    CLOCK_HOUR = "clock_hour"
    WORKING_DAY = "working_day"
    CALENDAR_DAY = "calendar_day"
    MONTH = "month"


class DueMode(StrEnum):
    """How a term in working days ends: with the last session of its last day, or after so many hours."""

    END_OF_DAY = "end_of_day"
    WORKING_HOURS = "working_hours"


class OnSupplement(StrEnum):
    """What a supplement request does to the term: it stands, begins anew with the papers, or runs on."""

    PAUSE = "pause"
    RESTART = "restart"
    CONTINUE = "continue"


class OnlineLevel(StrEnum):
    """How far a procedure is offered online (Nghị định 42/2022/NĐ-CP): not, in part, or from end to end."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


class SealKind(StrEnum):
    """What a seal is. Only the agency's seal and its second seal, kept at the centre, finish a result."""

    AGENCY = "agency"
    SECOND = "second"
    RECEIVED = "received"
    COPY = "copy"
    CROSS_PAGE = "cross_page"


class CertificateKind(StrEnum):
    """Whose certificate it is: an organisation's, for its seal, or a person's, for a signature."""

    ORGANISATION = "organisation"
    PERSON = "person"


class SignatureForm(StrEnum):
    """Inside the PDF (PAdES), or apart from the document it signs (CAdES)."""

    PADES = "pades"
    DETACHED = "detached"


class RevocationSource(StrEnum):
    """What showed that a certificate had not been revoked."""

    CRL = "crl"
    OCSP = "ocsp"


class AlarmName(StrEnum):
    """What may go off while the clock of a dossier runs, each at its own moment.

    `warn2` and `warn1`: the morning of the second and of the last working day before the due date.
    `apology`: from here on an apology comes too late. `step`: the time of the step in hand is up. `due`: the
    dossier's is. `escalation`: the step in hand is a working day beyond its time, and the head has to know.
    """

    WARN_2 = "warn2"
    WARN_1 = "warn1"
    APOLOGY = "apology"
    STEP = "step"
    DUE = "due"
    ESCALATION = "escalation"


class Role(StrEnum):
    """What the holder of an API key may do."""

    COUNTER = "counter"
    OFFICER = "officer"
    APPROVER = "approver"
    SEAL_KEEPER = "seal_keeper"
    LEADER = "leader"
    INSPECTOR = "inspector"
    PORTAL = "portal"
    IMPORTER = "importer"
    CARRIER = "carrier"
    ADMIN = "admin"


class Clock(StrEnum):
    """The one clock of a stack: the wall clock, or the log for replays."""

    SYSTEM = "system"
    LOG = "log"
