"""Lives of dossiers drawn at random: whole ones with detours, and single things asked out of place.

Most of a life is allowed: each step by its usual person, with a seal of who holds the dossier. What is drawn
by :func:`anything` is mostly refused.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from contracts.commands import (
    AcceptDossier,
    Apologise,
    Command,
    CommandBody,
    CompleteStep,
    CorrectResult,
    DeclineDossier,
    Evidence,
    ExtendTerm,
    HandOver,
    RateDossier,
    ReceivePayment,
    ReceiveSupplement,
    RefuseDossier,
    RegisterDossier,
    RequestPayment,
    RequestSupplement,
    ResumeDossier,
    RevokeStamp,
    StopDossier,
    SuspendDossier,
    WithdrawDossier,
)
from contracts.law import CertificateRegistered, LawChange, StepPlan
from contracts.words import (
    CertificateKind,
    Channel,
    Place,
    RevocationSource,
    Role,
    SealKind,
    SignatureForm,
    Step,
)
from tests.fakes.workflow import (
    AGENCY,
    HOURLY,
    OTHER_AGENCY,
    OTHER_SEAL,
    PROCEDURE,
    SEAL,
    START,
    command,
    officer,
    procedure,
    seal,
)

SHARED: Final = "1.000003"
SECOND: Final = "H52.18-2"
ELECTRONIC: Final = "H52.18-E"
ENDED: Final = "H52.18-0"
KEPT: Final = "H52.19-2"
SIGNED_ON: Final = datetime(2024, 6, 3, 3, tzinfo=UTC)
DOCUMENT: Final = "a" * 64
PERSON, ORGANISATION = "b" * 64, "c" * 64


def more_law(second_until: date | None = None) -> tuple[LawChange, ...]:
    """Seals of all sorts, two of which want to be named; the certificates of a signature and of a seal.

    And a procedure whose steps share its term.
    """
    shares = zip(Step, (10, 40, 20, 20, 10), strict=True)
    steps = tuple(StepPlan(step=step, role=Role.OFFICER, share=share) for step, share in shares)
    return (
        replace(procedure(SHARED), steps=steps),
        replace(seal(SECOND, kind=SealKind.SECOND), valid_to=second_until),
        replace(seal(ELECTRONIC), electronic=True),
        replace(seal(ENDED), valid_to=date(2020, 1, 1)),
        replace(seal(KEPT, OTHER_AGENCY), keeper=officer(Step.STAMP)),
        certificate(PERSON, CertificateKind.PERSON),
        certificate(ORGANISATION, CertificateKind.ORGANISATION),
    )


def certificate(fingerprint: str, kind: CertificateKind) -> CertificateRegistered:
    """A certificate of the agency's, good for ten years."""
    begins = datetime(2020, 1, 1, tzinfo=UTC)
    return CertificateRegistered(
        fingerprint=fingerprint,
        kind=kind,
        agency=AGENCY,
        valid_from=begins,
        valid_to=begins.replace(year=2030),
    )


def evidence(certificate: str, document: str, covers: str) -> Evidence:
    """A signature found good at the door."""
    return Evidence(
        form=SignatureForm.PADES,
        document=document,
        covers=covers,
        certificate=certificate,
        issuer="CN=Test",
        signed_at=SIGNED_ON,
        not_before=SIGNED_ON - timedelta(days=300),
        not_after=SIGNED_ON + timedelta(days=700),
        revocation=RevocationSource.CRL,
        revocation_at=SIGNED_ON,
        stamped_at=SIGNED_ON,
    )


_SIGNED: Final = CompleteStep(Step.APPROVE, evidence=evidence(PERSON, DOCUMENT, "d" * 64))
_SEALED: Final = CompleteStep(
    Step.STAMP, seal=ELECTRONIC, evidence=evidence(ORGANISATION, "e" * 64, DOCUMENT)
)


def bodies(chance: random.Random) -> list[CommandBody]:
    """A life in its order, from registration to the end."""
    return list(_life(chance))


def _life(chance: random.Random) -> Iterator[CommandBody]:
    yield RegisterDossier(chance.choice([PROCEDURE, HOURLY, SHARED]), AGENCY, chance.choice(list(Channel)))
    if chance.random() < 0.04:
        yield RefuseDossier("not_competent")
        return
    yield AcceptDossier(f"{AGENCY}-250303-0001")
    yield from _detours(chance, Step.APPRAISE)
    if chance.random() < 0.08:
        yield WithdrawDossier() if chance.random() < 0.5 else StopDossier("no_ground")
        return
    yield CompleteStep(Step.APPRAISE, place=chance.choice([None, *Place]))
    yield from _detours(chance, Step.APPROVE)
    if chance.random() < 0.08:
        yield DeclineDossier("conditions_not_met")
        elsewhere = False
    else:
        elsewhere = yield from _sealed(chance)
    while chance.random() < 0.25:
        if chance.random() < 0.5:
            yield CorrectResult("wrong_name")
            yield CompleteStep(Step.APPRAISE)
            elsewhere = yield from _sealed(chance)
        else:
            yield RevokeStamp("wrong_seal")
            yield _stamp(chance, elsewhere=elsewhere)
    yield CompleteStep(Step.RETURN)
    yield RateDossier(chance.randint(1, 5))


def _sealed(chance: random.Random) -> Generator[CommandBody, None, bool]:
    """Approval and stamp; whether another agency gave both."""
    if chance.random() < 0.2:
        yield _SIGNED
        yield _SEALED
        return False
    elsewhere = chance.random() < 0.3
    if elsewhere:
        yield HandOver(agency=OTHER_AGENCY)
    yield CompleteStep(Step.APPROVE)
    yield _stamp(chance, elsewhere=elsewhere)
    return elsewhere


def _stamp(chance: random.Random, *, elsewhere: bool) -> CommandBody:
    """By the only seal, or a named one; now and then not by one that may be used."""
    named = [OTHER_SEAL, KEPT] if elsewhere else [None, SEAL, SECOND]
    rare = [ENDED, ELECTRONIC, SEAL, KEPT, "H52.99-9", None]
    name = chance.choice(rare if chance.random() < 0.1 else named)
    return CompleteStep(Step.STAMP, place=chance.choice([None, *Place]), seal=name)


def _detours(chance: random.Random, ahead: Step) -> Iterator[CommandBody]:
    while chance.random() < 0.4:
        ways: list[list[CommandBody]] = [
            [RequestSupplement("missing_document"), ReceiveSupplement()],
            [RequestPayment(50_000), ReceivePayment()],
            [SuspendDossier("court_case"), ResumeDossier()],
            [HandOver(officer=officer(ahead))],
            [HandOver(agency=OTHER_AGENCY), HandOver(agency=AGENCY, officer=officer(ahead))],
            [Apologise("backlog", START + timedelta(days=chance.randint(1, 20)))],
            [ExtendTerm("complex_matter", chance.randint(1, 3))],
        ]
        yield from chance.choice(ways)


def anything(chance: random.Random) -> CommandBody:
    """One thing that can be asked, whether or not this is the moment."""
    steps: list[CommandBody] = [CompleteStep(step) for step in Step]
    others: list[CommandBody] = [
        RegisterDossier(PROCEDURE, AGENCY, Channel.ONLINE),
        AcceptDossier(f"{AGENCY}-250304-0002"),
        RequestSupplement("missing_document"),
        ReceiveSupplement(),
        RequestPayment(50_000),
        ReceivePayment(),
        SuspendDossier("court_case"),
        ResumeDossier(),
        StopDossier("no_ground"),
        DeclineDossier("conditions_not_met"),
        RefuseDossier("not_competent"),
        WithdrawDossier(),
        HandOver(agency=chance.choice([AGENCY, OTHER_AGENCY])),
        HandOver(officer=officer(chance.choice(list(Step)))),
        Apologise("backlog", START + timedelta(days=3), override=chance.random() < 0.5),
        ExtendTerm("complex_matter", 1),
        CorrectResult("wrong_name"),
        RevokeStamp("wrong_seal"),
        RateDossier(chance.randint(1, 5)),
        _SIGNED,
        _SEALED,
    ]
    return chance.choice([*others, _stamp(chance, elsewhere=False), *steps, *steps])


def whole_life(chance: random.Random, dossier: str, at: datetime) -> list[Command]:
    """A life as commands, an hour apart, now and then by somebody else than usual."""
    return [
        _by_anybody(chance, _asked(body, f"life-{n}", dossier, at + timedelta(hours=n)))
        for n, body in enumerate(bodies(chance))
    ]


def stray(chance: random.Random, dossier: str, key: str, at: datetime) -> Command:
    """Anything, by anybody."""
    agencies = (OTHER_AGENCY,) if chance.random() < 0.1 else None
    asked = replace(_asked(anything(chance), key, dossier, at), agencies=agencies)
    return _by_anybody(chance, asked)


def _asked(body: CommandBody, key: str, dossier: str, at: datetime) -> Command:
    """The command; a digital signature in it is of that very moment."""
    if isinstance(body, CompleteStep) and body.evidence is not None:
        body = replace(body, evidence=replace(body.evidence, signed_at=at, stamped_at=at))
    return command(body, key=key, dossier=dossier, at=at)


def _by_anybody(chance: random.Random, asked: Command) -> Command:
    if chance.random() < 0.95:
        return asked
    actor = chance.choice([None, *map(officer, Step), officer("stranger")])
    return replace(asked, actor=actor, role=chance.choice([Role.ADMIN, *Role]))
