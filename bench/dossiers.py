"""What the benches of the engine work on: ordinary dossiers as the door writes their commands to the log.

A dossier has the five steps (receive, appraise, approve, stamp, return), before them its registration and
after them its rating: seven commands, ten facts, and the number the seal's register gives the stamp. Who
appraises, who approves and who seals are three people with the keys of their roles. The order is that of an
office: what is next for one dossier comes when the others have had their turn, so that no batch holds two
commands to the same one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from contracts import commands
from contracts.codec import encode
from contracts.commands import Command, CommandBody, LawChanged
from contracts.headers import Headers, cloud_event
from contracts.identity import command_id, dossier_id, fingerprint
from contracts.law import CalendarAmended, ProcedurePublished, SealRegistered
from contracts.words import Channel, Role, SealKind, Step, TermUnit

AGENCY: Final = "000.01.18.H52"
PROCEDURE: Final = "1.000001"
SEAL: Final = f"{AGENCY}-1"
CLIENT: Final = "counter-000-01"
DESKS: Final = {"appraise": Role.OFFICER, "approve": Role.APPROVER, "stamp": Role.SEAL_KEEPER}
"""Whose step it is; everything else is the counter's."""
ACTORS: Final = {role: f"{place:032x}" for place, role in enumerate(Role, start=1)}
COMMANDS_EACH: Final = 7
FACTS_EACH: Final = 10
DRAWN_EACH: Final = 1
"""Numbers of stamps: facts of the seal, not of the dossier."""

Written = tuple[bytes | None, bytes, Headers]
"""Key, value and headers of one record."""


def bodies(day: datetime, number: int) -> tuple[tuple[str, CommandBody], ...]:
    """Idempotency key and body of each command of dossier `number`, in order."""
    code = f"{AGENCY}-{day:%y%m%d}-{number % 10_000:04d}"
    return (
        ("register", commands.RegisterDossier(PROCEDURE, AGENCY, Channel.COUNTER)),
        ("accept", commands.AcceptDossier(code)),
        ("appraise", commands.CompleteStep(Step.APPRAISE)),
        ("approve", commands.CompleteStep(Step.APPROVE)),
        ("stamp", commands.CompleteStep(Step.STAMP)),
        ("return", commands.CompleteStep(Step.RETURN)),
        ("rate", commands.RateDossier(5)),
    )


def command_records(dossiers: int, begun: datetime, first: int = 0) -> Iterator[Written]:
    """Every dossier's first command, then every dossier's second, and so on, a second apart.

    `first` is the number of the first dossier, so that others can follow.
    """
    local_day = begun + timedelta(hours=7)
    for place in range(COMMANDS_EACH):
        for number in range(first, first + dossiers):
            key, body = bodies(local_day, number)[place]
            yield _written(number, key, body, begun + timedelta(seconds=place))


def _written(number: int, key: str, body: CommandBody, at: datetime) -> Written:
    dossier, role = dossier_id(CLIENT, f"bench-{number}"), DESKS.get(key, Role.COUNTER)
    command = Command(
        id=command_id(dossier, CLIENT, f"{key}-{number}"),
        dossier_id=dossier,
        at=at,
        client=CLIENT,
        role=role,
        fingerprint=fingerprint(encode(body)),
        body=body,
        actor=ACTORS[role],
        agencies=(AGENCY,),
    )
    headers = cloud_event(id=command.id, source="intake", type=type(body).__name__, time=at, subject=dossier)
    return dossier.encode(), encode(command), headers


def law_record(begun: datetime) -> Written:
    """The law the dossiers need, for one partition: a calendar of three years, a seal, a procedure."""
    years = (begun.year - 1, begun.year, begun.year + 1)
    procedure = ProcedurePublished(
        code=PROCEDURE,
        version=1,
        name_vi="Chứng thực bản sao từ bản chính",
        field_vi="Chứng thực",
        level="commune",
        term_value=3,
        term_unit=TermUnit.WORKING_DAY,
        channels=tuple(Channel),
        late_cutoff=time(15, 0),
    )
    seal = SealRegistered(code=SEAL, agency=AGENCY, kind=SealKind.AGENCY, valid_from=date(years[0], 1, 1))
    changes = (CalendarAmended(years=years, days=(), source="bench"), seal, procedure)
    record = LawChanged(version=1, changes=changes)
    headers = cloud_event(
        id="law-1", source="intake", type="LawChanged", time=begun.astimezone(UTC), subject="law"
    )
    return None, encode(record), headers
