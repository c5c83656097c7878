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
    ProcedureCode,
    ReasonCode,
    Score,
)
from services.intake.domain.refusals import bad_shape

PersonText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        description="identity text of a person; becomes a keyed pseudonym at the door and is not kept",
    ),
]


class RegisterRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/dossiers``."""

    procedure: ProcedureCode
    agency: AgencyCode
    channel: Channel
    applicant: PersonText | None = None
    at: Instant | None = None


class ActionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/dossiers/{dossier_id}/{action}``."""

    agency: AgencyCode | None = None
    reason: ReasonCode | None = None
    score: Score | None = None
    at: Instant | None = None


class BulkLine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of ``POST /v1/commands``. `dossier_key` is the key the same client registered it under."""

    key: IdempotencyKey
    action: ActionName
    dossier_key: IdempotencyKey | None = None
    dossier_id: DossierId | None = None
    procedure: ProcedureCode | None = None
    agency: AgencyCode | None = None
    channel: Channel | None = None
    applicant: PersonText | None = None
    reason: ReasonCode | None = None
    score: Score | None = None
    actor: PersonText | None = None
    at: Instant | None = None


class LawRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/law``."""

    changes: Annotated[tuple[LawChange, ...], Meta(min_length=1, max_length=20_000)]


class TimeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Body of ``POST /v1/time``."""

    to: Instant


class Ask(Struct, frozen=True, kw_only=True):
    """One thing asked of one dossier, from whichever route. `dossier_id` is None for a registration."""

    key: str
    action: ActionName
    dossier_id: str | None = None
    procedure: str | None = None
    agency: str | None = None
    channel: Channel | None = None
    applicant: str | None = None
    reason: str | None = None
    score: int | None = None
    actor: str | None = None
    at: Instant | None = None


REQUIRED: Final[Mapping[ActionName, tuple[str, ...]]] = {
    ActionName.REGISTER: ("procedure", "agency", "channel"),
    ActionName.REQUEST_SUPPLEMENT: ("reason",),
    ActionName.REFUSE: ("reason",),
    ActionName.RATE: ("score",),
}
OPTIONAL: Final[Mapping[ActionName, tuple[str, ...]]] = {
    ActionName.REGISTER: ("applicant",),
    ActionName.ACCEPT: ("agency",),
}
"""The fields an action needs, and those it may have besides. `at` is a matter of roles, not of actions."""

_VARIABLE: Final = ("procedure", "agency", "channel", "applicant", "reason", "score")


def check_fields(ask: Ask) -> None:
    """The fields an action needs are there, and those it has no use for are not. Raises Refused."""
    required = REQUIRED.get(ask.action, ())
    allowed = OPTIONAL.get(ask.action, ())
    for name in _VARIABLE:
        given = getattr(ask, name) is not None
        if given and name not in required and name not in allowed:
            raise bad_shape(name, f"Thao tác {ask.action} không nhận trường {name}")
        if not given and name in required:
            raise bad_shape(name, f"Thao tác {ask.action} cần trường {name}")
