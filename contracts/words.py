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
ProcedureCode = Annotated[str, Meta(pattern=r"^\d\.\d{6}(\.\d{3}\.\d{2}\.\d{2}\.[A-Z]\d{2})?$")]
DossierCode = Annotated[str, Meta(pattern=r"^[0-9A-Z][0-9A-Z.]{2,34}-\d{6}-\d{4,6}$")]
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
