"""The answer to a command: the records of ``dossier.outcomes.v1``.

One per command; after a crash it may be published twice, never not at all.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from contracts.commands import Instant
from contracts.words import CommandId, DossierCode, DossierId, Fingerprint, NationalStatus, ReasonCode, Step


class Result(StrEnum):
    """What became of the command."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class Refusal(Struct, frozen=True, kw_only=True):
    """Why not: a code, the rule in words, and the legal ground."""

    reason: ReasonCode
    rule: str
    legal_ground: str


class ActionName(StrEnum):
    """The actions of the API, as `allowed_actions` names them."""

    REGISTER = "register"
    ACCEPT = "accept"
    APPRAISE = "appraise"
    APPROVE = "approve"
    STAMP = "stamp"
    RETURN = "return"
    REQUEST_SUPPLEMENT = "request_supplement"
    RECEIVE_SUPPLEMENT = "receive_supplement"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"
    RATE = "rate"
    HAND_OVER = "hand_over"
    REQUEST_PAYMENT = "request_payment"
    RECEIVE_PAYMENT = "receive_payment"
    SUSPEND = "suspend"
    RESUME = "resume"
    STOP = "stop"
    DECLINE = "decline"
    APOLOGISE = "apologise"
    EXTEND = "extend"
    CORRECT = "correct"
    REVOKE_STAMP = "revoke_stamp"


class CommandOutcome(Struct, frozen=True, kw_only=True):
    """The answer to the command with that id and fingerprint.

    `repeated` says the command had been decided before, and `result` is what it was then. The rest
    describes the dossier as it is now: `seq` of its last fact, status, step to do next, legal code, due
    date, and the actions the workflow would accept next. For a dossier nobody registered they are empty.
    """

    command_id: CommandId
    fingerprint: Fingerprint
    dossier_id: DossierId
    result: Result
    repeated: bool = False
    refusal: Refusal | None = None
    seq: Annotated[int, Meta(ge=0)] = 0
    status: NationalStatus | None = None
    next_step: Step | None = None
    dossier_code: DossierCode | None = None
    due: Instant | None = None
    overdue: bool = False
    allowed_actions: tuple[ActionName, ...] = ()
