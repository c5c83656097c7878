"""A profile: what one office reported for a period, and what we assume where it reported nothing.

Published figures and assumptions stand apart in the file (``motcua/profiles/*.toml``); `parse_profile`
refuses by name what does not fit together.
"""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from contracts.words import AgencyCode, Channel, ReasonCode

Count = Annotated[int, Meta(ge=0)]
Share = Decimal
"""From 0 to 1, checked by `parse_profile`; decimal, so that rounding is that of the published figures."""
Weight = Annotated[float, Meta(ge=0)]


class ProfileError(ValueError):
    """The profile cannot be used; the text names the field."""


class Period(Struct, frozen=True, kw_only=True, rename={"first": "from", "last": "to"}):
    """Local days, both inclusive."""

    first: date
    last: date


class Published(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Dossiers by what became of them, as reported; `online` counts them across all of these."""

    finished: Count
    not_due: Count = 0
    not_solved: Count = 0
    online: Count | None = None
    early_of_finished: Share | None = None


class Assumed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the report does not say. Shares are of the bucket or of all dossiers as named."""

    early_of_finished: Share | None = None
    refused_of_not_solved: Share = Decimal(0)
    online: Share | None = None
    postal: Share
    supplement_of_finished: Share
    waiting_days: Annotated[int, Meta(ge=1)] = 60
    rated_of_returned: Share
    scores: Annotated[tuple[Weight, ...], Meta(min_length=5, max_length=5)]
    levels: Annotated[tuple[str, ...], Meta(min_length=1)]
    terms: dict[str, Weight]
    refuse_reasons: Annotated[tuple[ReasonCode, ...], Meta(min_length=1)]
    supplement_reasons: Annotated[tuple[ReasonCode, ...], Meta(min_length=1)]


class Office(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One agency and its weight among the agencies of the profile."""

    code: AgencyCode
    weight: Weight


class Receipts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When dossiers come in: weights by weekday (Monday first) and by local hour (0 to 23)."""

    counter_weekday: Annotated[tuple[Weight, ...], Meta(min_length=7, max_length=7)]
    counter_hour: Annotated[tuple[Weight, ...], Meta(min_length=24, max_length=24)]
    online_weekday: Annotated[tuple[Weight, ...], Meta(min_length=7, max_length=7)]
    online_hour: Annotated[tuple[Weight, ...], Meta(min_length=24, max_length=24)]

    def weekday(self, channel: Channel) -> tuple[Weight, ...]:
        """Post is opened at the counter, so it follows the counter's week."""
        return self.online_weekday if channel is Channel.ONLINE else self.counter_weekday


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One office and period."""

    name: Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,39}$")]
    title_vi: str
    source: str
    period: Period
    published: Published
    assumed: Assumed
    agencies: Annotated[tuple[Office, ...], Meta(min_length=1)]
    receipts: Receipts

    @property
    def early_of_finished(self) -> Decimal:
        """The published share where there is one, else the assumed one."""
        share = self.published.early_of_finished
        return (share if share is not None else self.assumed.early_of_finished) or Decimal(0)


def parse_profile(text: str) -> Profile:
    """The profile in `text` (TOML). Raises ProfileError naming what is wrong."""
    try:
        profile = msgspec.convert(tomllib.loads(text, parse_float=Decimal), Profile, strict=False)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ProfileError(f"profile: {error}") from error
    if profile.period.last < profile.period.first:
        raise ProfileError("profile: period.to is before period.from")
    for group in (profile.published, profile.assumed):
        for field, value in msgspec.structs.asdict(group).items():
            if isinstance(value, Decimal) and not 0 <= value <= 1:
                raise ProfileError(f"profile: {field}: expected a share from 0 to 1, got {value}")
    _one_of(profile, "early_of_finished")
    _one_of(profile, "online")
    for term in profile.assumed.terms:
        if not term.isdigit():
            raise ProfileError(f"profile: assumed.terms: {term!r} is no number of working days")
    return profile


def _one_of(profile: Profile, field: str) -> None:
    """A figure is either published or assumed."""
    given = [
        group for group in ("published", "assumed") if getattr(getattr(profile, group), field) is not None
    ]
    if len(given) != 1:
        raise ProfileError(f"profile: {field} must stand in exactly one of published and assumed")
