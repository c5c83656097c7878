"""The register of certificates and seals: how many there are, in what state, and which end soon.

It holds no key and nobody's name. Instants are aware; a seal is valid on whole local days, both included, a
certificate from its first instant up to its last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from contracts.commands import Instant
from contracts.law import CertificateRegistered, SealRegistered
from contracts.words import CertificateKind, SealKind

HORIZONS: Final = (30, 60, 90)
"""Days ahead for which expiring certificates are always counted."""


class State(StrEnum):
    """What a certificate is good for at a moment. A revoked one stays revoked when it has expired, too."""

    VALID = "valid"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


class CertificateCounts(Struct, frozen=True, kw_only=True):
    """Certificates by state, and how many of the valid ones expire within so many days, by that number."""

    registered: int
    valid: int
    not_yet_valid: int
    expired: int
    revoked: int
    expiring: dict[int, int]


class Inventory(Struct, frozen=True, kw_only=True):
    """CertificateCounts of all certificates, and of each kind."""

    total: CertificateCounts
    kinds: dict[CertificateKind, CertificateCounts]


class CertificateShown(Struct, frozen=True, kw_only=True):
    """One certificate. `holder`, a pseudonym, is only for who keeps the register."""

    fingerprint: str
    kind: CertificateKind
    agency: str
    state: State
    valid_to: Instant
    holder: str | None = None


class SealShown(Struct, frozen=True, kw_only=True):
    """One seal; `valid` on the day asked for. `keeper`, a pseudonym, is only for who keeps the register."""

    code: str
    agency: str
    kind: SealKind
    electronic: bool
    valid: bool
    valid_from: date
    valid_to: date | None
    kept: bool
    """Whether only a named keeper may use it."""
    keeper: str | None = None


def state(certificate: CertificateRegistered, at: datetime) -> State:
    """The state of a certificate at an instant."""
    if certificate.revoked_at is not None and certificate.revoked_at <= at:
        return State.REVOKED
    if certificate.valid_to < at:
        return State.EXPIRED
    return State.VALID if certificate.valid_from <= at else State.NOT_YET_VALID


def expires_within(certificate: CertificateRegistered, at: datetime, days: int) -> bool:
    """Whether it is valid at `at` and will no longer be `days` times 24 hours later."""
    ends = certificate.valid_to < at + timedelta(days=days)
    return ends and state(certificate, at) is State.VALID


def inventory(certificates: Iterable[CertificateRegistered], at: datetime) -> Inventory:
    """The counts at an instant, in one pass: whoever asks for metrics asks for them."""
    ends = [(days, at + timedelta(days=days)) for days in HORIZONS]
    kinds = {kind: (Counter[State](), Counter[int]()) for kind in CertificateKind}
    for certificate in certificates:
        states, expiring = kinds[certificate.kind]
        found = state(certificate, at)
        states[found] += 1
        if found is State.VALID:
            for days, end in ends:
                expiring[days] += certificate.valid_to < end
    return Inventory(
        total=_counts(
            sum((states for states, _ in kinds.values()), Counter()),
            sum((expiring for _, expiring in kinds.values()), Counter()),
        ),
        kinds={kind: _counts(states, expiring) for kind, (states, expiring) in kinds.items()},
    )


def shown(
    certificates: Iterable[CertificateRegistered], at: datetime, *, within: int | None, holders: bool
) -> list[CertificateShown]:
    """The certificates, those that end first in front; `within` days only, when it is given."""
    chosen = [c for c in certificates if within is None or expires_within(c, at, within)]
    chosen.sort(key=lambda c: (c.valid_to, c.fingerprint))
    return [
        CertificateShown(
            fingerprint=c.fingerprint,
            kind=c.kind,
            agency=c.agency,
            state=state(c, at),
            valid_to=c.valid_to,
            holder=c.holder if holders else None,
        )
        for c in chosen
    ]


def seal_valid(seal: SealRegistered, day: date) -> bool:
    """Whether a seal may be used on the local `day`."""
    return seal.valid_from <= day and (seal.valid_to is None or day <= seal.valid_to)


def shown_seals(seals: Iterable[SealRegistered], day: date, *, keepers: bool) -> list[SealShown]:
    """The seals in the order of their codes."""
    return [
        SealShown(
            code=seal.code,
            agency=seal.agency,
            kind=seal.kind,
            electronic=seal.electronic,
            valid=seal_valid(seal, day),
            valid_from=seal.valid_from,
            valid_to=seal.valid_to,
            kept=seal.keeper is not None,
            keeper=seal.keeper if keepers else None,
        )
        for seal in sorted(seals, key=lambda seal: seal.code)
    ]


def _counts(states: Counter[State], expiring: Counter[int]) -> CertificateCounts:
    return CertificateCounts(
        registered=sum(states.values()),
        valid=states[State.VALID],
        not_yet_valid=states[State.NOT_YET_VALID],
        expired=states[State.EXPIRED],
        revoked=states[State.REVOKED],
        expiring={days: expiring[days] for days in HORIZONS},
    )
