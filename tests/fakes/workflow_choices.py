"""What a random life draws from: the law it meets, the people, and how each action may be asked."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Final

from hypothesis import strategies as st
from msgspec.structs import replace

from contracts import commands
from contracts.commands import CommandBody, CompleteStep
from contracts.law import CertificateRegistered, DayKind, SealRegistered
from contracts.outcomes import ActionName
from contracts.roles import GRANTS
from contracts.words import (
    CertificateKind,
    Channel,
    DueMode,
    NationalStatus,
    OnSupplement,
    Place,
    Role,
    SealKind,
    Step,
    TermUnit,
)
from tests.fakes.workflow import AGENCY, OTHER_AGENCY, START, officer, procedure, seal
from tests.fakes.workflow_desk import (
    LAW,
    ORGANISATION,
    PAPER,
    PERSONAL,
    body_of,
    certificate,
    enact,
    of_days,
    sealing,
    shared,
    signature,
)

PEOPLE: Final = tuple(officer(name) for name in ("an", "bình", "chi", "dung"))
INK, SECOND, KEPT, OTHERS = "H52.18-1", "H52.18-2", "H52.18-K", "H52.19-1"
ELECTRONIC, EXPIRED, COPY = "H52.18-E", "H52.18-X", "H52.18-C"
SEALS: Final[tuple[SealRegistered, ...]] = (
    seal(SECOND, AGENCY, SealKind.SECOND),
    replace(seal(KEPT), keeper=PEOPLE[2]),
    replace(seal(ELECTRONIC), electronic=True),
    replace(seal(EXPIRED), valid_to=date(2024, 12, 31)),
    seal(COPY, AGENCY, SealKind.COPY),
)
CERTIFICATES: Final[tuple[CertificateRegistered, ...]] = (
    replace(certificate(), valid_to=START + timedelta(days=900)),
    replace(certificate(PERSONAL, CertificateKind.PERSON), valid_to=START + timedelta(days=900)),
)
PROCEDURES: Final = (
    procedure("1.100001"),
    procedure("1.100002", 4, TermUnit.WORKING_HOUR),
    procedure("1.100003", 10, TermUnit.CALENDAR_DAY),
    replace(procedure("1.100004"), on_supplement=OnSupplement.RESTART, on_site=True),
    replace(procedure("1.100005"), on_supplement=OnSupplement.CONTINUE),
    replace(procedure("1.100006", 5), steps=shared(5, 40, 30, 20, 5)),
    replace(procedure("1.100007", 2), due_mode=DueMode.WORKING_HOURS),
    procedure("1.100008", 48, TermUnit.CLOCK_HOUR),
)
STRANGER: Final = ("000.03.18.H52",)
HOURS: Final = {"1.100002": 4 * 60, "1.100007": 2 * 450}
"""Working minutes of the terms that run by the minute."""
YEARS: Final = replace(of_days(DayKind.OFF), years=(2026, 2027))
BASE: Final = enact(LAW, YEARS, *SEALS, *CERTIFICATES, *PROCEDURES)
FREE: Final = {date(2025, 5, 1)}
ROLES: Final = {action: [role for role in Role if action in GRANTS[role]] for action in ActionName}


DICE: Final = st.integers(0, 2**32).map(random.Random)
"""What happens is thrown, not drawn: drawn lives are the simplest ones, which end soon."""
ENDS: Final = (ActionName.STOP, ActionName.WITHDRAW, ActionName.REFUSE)
GO_ON: Final[dict[NationalStatus, CommandBody]] = {
    NationalStatus.WAITING_SUPPLEMENT: commands.ReceiveSupplement(),
    NationalStatus.WAITING_PAYMENT: commands.ReceivePayment(),
    NationalStatus.STOPPED: commands.ResumeDossier(),
}


def stamps(at: datetime) -> list[CompleteStep]:
    """Ways to stamp: seals by name and without, signed as it should be, in other ways, and not at all."""
    evidence = [None, sealing(at), sealing(at, covers=PAPER), sealing(at, stamped=False)]
    seals = [None, INK, SECOND, KEPT, OTHERS, ELECTRONIC, EXPIRED, COPY, "H52.18-Z"]
    return [
        CompleteStep(Step.STAMP, place, code, shown)
        for place in (None, Place.CENTRE)
        for code in seals
        for shown in evidence
    ]


def variants(action: ActionName, at: datetime) -> list[CommandBody]:
    """Well-formed bodies of an action, good ones among them whenever there are any."""
    match action:
        case ActionName.STAMP:
            return [*stamps(at)]
        case ActionName.APPROVE:
            shown = (None, signature(at), signature(at, by=ORGANISATION), signature(at + timedelta(hours=1)))
            return [CompleteStep(Step.APPROVE, evidence=one) for one in shown]
        case ActionName.HAND_OVER:
            officers = (None, *PEOPLE)
            return [commands.HandOver(a, o) for a in (None, AGENCY, OTHER_AGENCY) for o in officers]
        case ActionName.APOLOGISE:
            days = (1, 3, 9, 200)
            return [
                commands.Apologise("staff_shortage", at + timedelta(days=day), override)
                for day in days
                for override in (False, True)
            ]
        case ActionName.REGISTER:
            return [commands.RegisterDossier(PROCEDURES[0].code, AGENCY, Channel.ONLINE)]
        case _:
            return [body_of(action, at)]
