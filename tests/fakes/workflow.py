"""Commands as a test writes them, and a log in memory with the broker's promises."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from contracts import commands
from contracts.codec import decode_command, decode_fact, decode_outcome, encode
from contracts.commands import (
    Command,
    CommandBody,
    CommandRecord,
    DeadlinesReached,
    DrawNumber,
    LawChanged,
    Parked,
    Unparked,
)
from contracts.facts import FactRecord
from contracts.identity import command_id, dossier_id, fingerprint
from contracts.law import CalendarAmended, CalendarDay, DayKind, ProcedurePublished, SealRegistered
from contracts.outcomes import CommandOutcome
from contracts.words import Channel, Role, SealKind, Step, TermUnit
from services.workflow.engine.records import Incoming, Poison

AGENCY: Final = "000.01.18.H52"
OTHER_AGENCY: Final = "000.02.18.H52"
PROCEDURE: Final = "1.000001"
HOURLY: Final = "1.000002"
SEAL: Final = "H52.18-1"
OTHER_SEAL: Final = "H52.19-1"
START: Final = datetime(2025, 3, 3, 8, 0, tzinfo=UTC) - timedelta(hours=7)  # Monday 08:00 local


def procedure(
    code: str = PROCEDURE, term: int = 3, unit: TermUnit = TermUnit.WORKING_DAY
) -> ProcedurePublished:
    """A procedure offered on every channel."""
    return ProcedurePublished(
        code=code,
        version=1,
        name_vi="Chứng thực bản sao từ bản chính",
        field_vi="Chứng thực",
        level="commune",
        term_value=term,
        term_unit=unit,
        channels=tuple(Channel),
        late_cutoff=time(15, 0),
    )


def law_record(version: int = 1) -> LawChanged:
    """A calendar of 2025 with one day off, a day procedure and an hour procedure."""
    off = CalendarDay(date=date(2025, 5, 1), kind=DayKind.OFF, name_vi="Quốc tế Lao động", source="test")
    return LawChanged(
        version=version,
        changes=(
            CalendarAmended(years=(2024, 2025), days=(off,), source="test"),
            procedure(),
            procedure(HOURLY, 4, TermUnit.WORKING_HOUR),
            seal(),
            seal(OTHER_SEAL, OTHER_AGENCY),
        ),
    )


def seal(code: str = SEAL, agency: str = AGENCY, kind: SealKind = SealKind.AGENCY) -> SealRegistered:
    """A seal of ink, in force since long ago."""
    return SealRegistered(code=code, agency=agency, kind=kind, valid_from=date(2000, 1, 1), source="test")


def officer(name: str) -> str:
    """The pseudonym of somebody."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def usual_actor(body: CommandBody) -> str:
    """Who usually does it: no two of appraiser, approver and keeper are one person."""
    if isinstance(body, commands.CompleteStep):
        return officer(body.step)
    return officer(Step.APPROVE if isinstance(body, commands.DeclineDossier) else "counter")


def command(
    body: CommandBody,
    *,
    key: str,
    dossier: str = "d1",
    at: datetime = START,
    agencies: tuple[str, ...] | None = None,
    client: str = "counter",
    role: Role = Role.ADMIN,
    actor: str | None = None,
) -> Command:
    """A command of `client` to the dossier it registered under the key `dossier`, by who usually gives it."""
    target = dossier_id(client, dossier)
    return Command(
        id=command_id(target, client, key),
        dossier_id=target,
        at=at,
        client=client,
        role=role,
        fingerprint=fingerprint(encode(body)),
        body=body,
        actor=actor or usual_actor(body),
        agencies=agencies,
    )


def life(dossier: str = "d1", at: datetime = START, *, procedure: str = PROCEDURE) -> list[Command]:
    """The commands of an ordinary dossier, an hour apart, from registration to rating."""
    bodies: list[tuple[str, CommandBody]] = [
        ("register", commands.RegisterDossier(procedure, AGENCY, Channel.COUNTER)),
        ("accept", commands.AcceptDossier(f"{AGENCY}-250303-0001")),
        ("appraise", commands.CompleteStep(Step.APPRAISE)),
        ("approve", commands.CompleteStep(Step.APPROVE)),
        ("stamp", commands.CompleteStep(Step.STAMP)),
        ("return", commands.CompleteStep(Step.RETURN)),
        ("rate", commands.RateDossier(5)),
    ]
    return [
        command(body, key=key, dossier=dossier, at=at + timedelta(hours=n))
        for n, (key, body) in enumerate(bodies)
    ]


class CrashError(Exception):
    """The process died here."""


def key_of(record: CommandRecord) -> bytes | None:
    """The key a record has in the commands topic; None when it is for the whole partition."""
    match record:
        case Command(dossier_id=key) | Parked(dossier_id=key) | Unparked(dossier_id=key):
            return key.encode()
        case DrawNumber(seal_id=key):
            return key.encode()
        case _:
            return None


@dataclass
class MemoryLog:
    """One partition of every topic. What was appended stays; nothing else survives a crash."""

    commands: list[Incoming] = field(default_factory=list)
    facts: list[FactRecord] = field(default_factory=list)
    outcomes: list[CommandOutcome] = field(default_factory=list)
    letters: list[Poison] = field(default_factory=list)
    states: list[tuple[str, bytes]] = field(default_factory=list)
    committed: int = 0
    tear: int | None = None
    """How many more single records may be written before the writer dies in the middle of a batch."""

    def append(self, record: CommandRecord) -> int:
        """A record at the end of the commands topic."""
        return self.append_raw(key_of(record), encode(record))

    def append_raw(self, key: bytes | None, value: bytes | None) -> int:
        """Any bytes at the end of the commands topic."""
        offset = len(self.commands)
        self.commands.append(Incoming(offset, key, value))
        return offset

    def _written(self) -> None:
        if self.tear is not None:
            if self.tear == 0:
                raise CrashError("torn write")
            self.tear -= 1

    async def write(
        self,
        partition: int,
        facts: Iterable[FactRecord],
        outcomes: Iterable[CommandOutcome],
        poison: Iterable[Poison],
        now: datetime,
    ) -> None:
        """Through bytes, as on the wire."""
        for fact in facts:
            self._written()
            self.facts.append(decode_fact(encode(fact)))
        for outcome in outcomes:
            self._written()
            self.outcomes.append(decode_outcome(encode(outcome)))
        for letter in poison:
            self._written()
            self.letters.append(letter)

    async def forward(self, draws: Iterable[DrawNumber]) -> None:
        """Every seal is kept in this partition too."""
        for draw in draws:
            self._written()
            self.append(draw)

    async def write_states(self, partition: int, states: dict[str, bytes]) -> None:
        """One by one, so that a torn write leaves some."""
        for key, data in states.items():
            self._written()
            self.states.append((key, data))

    async def append_record(self, partition: int, record: DeadlinesReached | Parked) -> int:
        """At the end of the commands."""
        self._written()
        return self.append(record)

    async def read_states(self, partition: int) -> AsyncIterator[tuple[str, bytes]]:
        """Everything that was written."""
        for record in list(self.states):
            yield record

    def message(self, offset: int) -> CommandRecord:
        """The command record at `offset`."""
        return decode_command(self.commands[offset].value)
