"""What may be asked: the bodies of the API and the one form they all become, :class:`Ask`.

The annotated types of ``contracts.words`` carry the limits; unknown fields are refused, because a
misspelt optional field would otherwise be lost in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta, Struct

from contracts.commands import Instant
from contracts.law import LawChange
from contracts.outcomes import ActionName
from contracts.words import (
    AgencyCode,
    Channel,
    DossierId,
    IdempotencyKey,
    Place,
    ProcedureCode,
    ReasonCode,
    Score,
    SealCode,
    VndToPay,
)
from services.intake.domain.refusals import bad_shape

PERSON_LENGTH: Final = 200

PersonText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=PERSON_LENGTH,
        description="identity text of a person; becomes a keyed pseudonym at the door and is not kept",
    ),
]

EvidenceToken = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]{1,4096}$",
        description="what POST /v1/signatures answered; opaque, passed on as it is",
    ),
]


class RegisterRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/dossiers``."""

    procedure: ProcedureCode
    agency: AgencyCode
    channel: Channel
    applicant: PersonText | None = None
    at: Instant | None = None


class ActionFields(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything an action may say; which action takes what: :data:`REQUIRED` and :data:`OPTIONAL`.

    `value` is a number of units of the dossier's term, `until` the new date of an apology.
    """

    agency: AgencyCode | None = None
    reason: ReasonCode | None = None
    score: Score | None = None
    place: Place | None = None
    seal: SealCode | None = None
    evidence: EvidenceToken | None = None
    to_agency: AgencyCode | None = None
    to_officer: PersonText | None = None
    amount_vnd: VndToPay | None = None
    until: Instant | None = None
    override: bool | None = None
    value: Annotated[int, Meta(ge=1, le=3650)] | None = None
    at: Instant | None = None


class ActionRequest(ActionFields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/dossiers/{dossier_id}/{action}``."""


class BulkLine(ActionFields, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of ``POST /v1/commands``. `dossier_key` is the key the same client registered it under."""

    key: IdempotencyKey
    action: ActionName
    dossier_key: IdempotencyKey | None = None
    dossier_id: DossierId | None = None
    procedure: ProcedureCode | None = None
    channel: Channel | None = None
    applicant: PersonText | None = None
    actor: PersonText | None = None


class LawRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/law``."""

    changes: Annotated[tuple[LawChange, ...], Meta(min_length=1, max_length=20_000)]


class TimeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/time``."""

    to: Instant


class Ask(ActionFields, frozen=True, kw_only=True):
    """One thing asked of one dossier, from whichever route. `dossier_id` is None for a registration."""

    key: str
    action: ActionName
    dossier_id: str | None = None
    procedure: str | None = None
    channel: Channel | None = None
    applicant: str | None = None
    actor: str | None = None


_A = ActionName

REQUIRED: Final[Mapping[ActionName, tuple[str, ...]]] = {
    _A.REGISTER: ("procedure", "agency", "channel"),
    _A.REFUSE: ("reason",),
    _A.DECLINE: ("reason",),
    _A.REQUEST_SUPPLEMENT: ("reason",),
    _A.REQUEST_PAYMENT: ("amount_vnd",),
    _A.SUSPEND: ("reason",),
    _A.STOP: ("reason",),
    _A.APOLOGISE: ("reason", "until"),
    _A.EXTEND: ("reason", "value"),
    _A.CORRECT: ("reason",),
    _A.REVOKE_STAMP: ("reason",),
    _A.RATE: ("score",),
}
OPTIONAL: Final[Mapping[ActionName, tuple[str, ...]]] = {
    _A.REGISTER: ("applicant",),
    _A.ACCEPT: ("agency", "place"),
    _A.APPRAISE: ("place",),
    _A.APPROVE: ("place", "evidence"),
    _A.STAMP: ("seal", "evidence", "place"),
    _A.RETURN: ("place",),
    _A.HAND_OVER: ("to_agency", "to_officer"),
    _A.APOLOGISE: ("override",),
}
"""The fields an action needs, and those it may have besides. `at` is a matter of roles, not of actions."""

ONE_OF: Final[Mapping[ActionName, tuple[str, ...]]] = {_A.HAND_OVER: ("to_agency", "to_officer")}
"""Optional fields of which at least one is needed."""

FIELDS: Final = (
    "procedure",
    "channel",
    "applicant",
    *(name for name in ActionFields.__struct_fields__ if name != "at"),
)
"""What an action may say, by name."""


def check_fields(ask: Ask) -> None:
    """The fields an action needs are there, and those it has no use for are not. Raises Refused."""
    required = REQUIRED.get(ask.action, ())
    allowed = OPTIONAL.get(ask.action, ())
    for name in FIELDS:
        given = getattr(ask, name) is not None
        if given and name not in required and name not in allowed:
            raise bad_shape(name, f"Thao tác {ask.action} không nhận trường {name}")
        if not given and name in required:
            raise bad_shape(name, f"Thao tác {ask.action} cần trường {name}")
    either = ONE_OF.get(ask.action, ())
    if either and all(getattr(ask, name) is None for name in either):
        raise bad_shape(either[0], f"Thao tác {ask.action} cần ít nhất một trong: {', '.join(either)}")
