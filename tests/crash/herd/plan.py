"""What the herd is made of: the law, the dossiers that all fall due at once, and the commands beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from contracts import commands
from contracts.codec import encode
from contracts.commands import Command, CommandBody, LawChanged
from contracts.identity import command_id, dossier_id, fingerprint, pseudonym
from contracts.law import CalendarAmended, ProcedurePublished, SealRegistered
from contracts.words import Channel, Role, SealKind, Step, TermUnit

AGENCY: Final = "000.01.18.H52"
HOURLY: Final = "1.000001"
"""Due an hour by the clock after receipt, day and night: so the second it falls due can be chosen."""
DAILY: Final = "1.000002"
TERM: Final = timedelta(hours=1)
CLIENT: Final = "herd"
DESKS: Final = {"appraise": Role.OFFICER, "approve": Role.APPROVER, "stamp": Role.SEAL_KEEPER}
"""Whose step it is; everything else is the counter's."""
ACTORS: Final = {role: pseudonym(b"herd", "officer", role) for role in Role}
RATE: Final = 50
"""Commands a second beside the herd."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`dossiers` open ones, all due at `due`."""

    dossiers: int
    due: datetime

    def commands(self, number: int) -> tuple[Command, Command]:
        """Registration and acceptance of dossier `number`, both an hour before the herd."""
        at = self.due - TERM
        name = f"{number:08d}"
        code = f"{AGENCY}-{at:%y%m%d}-{number % 9999 + 1:04d}"
        return (
            _command(commands.RegisterDossier(HOURLY, AGENCY, Channel.ONLINE), "register", name, at),
            _command(commands.AcceptDossier(code), "accept", name, at),
        )


def law(due: datetime) -> LawChanged:
    """A calendar of the years around, a seal, the herd's procedure and that of the commands beside."""
    years = (due.year - 1, due.year, due.year + 1)
    return LawChanged(
        version=1,
        changes=(
            CalendarAmended(years=years, days=(), source="herd"),
            SealRegistered(
                code=f"{AGENCY}-1", agency=AGENCY, kind=SealKind.AGENCY, valid_from=date(years[0], 1, 1)
            ),
            _procedure(HOURLY, 1, TermUnit.CLOCK_HOUR),
            _procedure(DAILY, 3, TermUnit.WORKING_DAY),
        ),
    )


def beside(at: datetime) -> Iterator[Command]:
    """Lives of other dossiers without end, the steps of one a second apart at the wanted rate."""
    bodies: tuple[tuple[str, CommandBody], ...] = (
        ("register", commands.RegisterDossier(DAILY, AGENCY, Channel.COUNTER)),
        ("accept", commands.AcceptDossier(f"{AGENCY}-{at:%y%m%d}-0001")),
        ("appraise", commands.CompleteStep(Step.APPRAISE)),
        ("approve", commands.CompleteStep(Step.APPROVE)),
        ("stamp", commands.CompleteStep(Step.STAMP)),
        ("return", commands.CompleteStep(Step.RETURN)),
        ("rate", commands.RateDossier(5)),
    )
    first = 0
    while True:
        for key, body in bodies:
            for number in range(first, first + RATE):
                yield _command(body, key, f"beside-{number}", at)
        first += RATE


def _procedure(code: str, term: int, unit: TermUnit) -> ProcedurePublished:
    return ProcedurePublished(
        code=code,
        version=1,
        name_vi="Chứng thực bản sao từ bản chính",
        field_vi="Chứng thực",
        level="commune",
        term_value=term,
        term_unit=unit,
        channels=tuple(Channel),
    )


def _command(body: CommandBody, key: str, name: str, at: datetime) -> Command:
    target, role = dossier_id(CLIENT, name), DESKS.get(key, Role.COUNTER)
    return Command(
        id=command_id(target, CLIENT, key),
        dossier_id=target,
        at=at,
        client=CLIENT,
        role=role,
        fingerprint=fingerprint(encode(body)),
        body=body,
        actor=ACTORS[role],
    )
