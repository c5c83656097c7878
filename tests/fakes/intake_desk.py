"""One intake process in memory with its HTTP in front, and a hand to play the workflow with."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any, Final

import httpx

from contracts.access import KeyRing, hash_key, parse_keys
from contracts.codec import decode_command, decode_law, encode
from contracts.commands import Command, CommandRecord
from contracts.law import (
    AgencyPublished,
    LawChange,
    LawEnacted,
    LawEntry,
    LawForwarded,
    ProcedurePublished,
)
from contracts.outcomes import ActionName, CommandOutcome, Refusal, Result
from contracts.topics import COMMANDS, LAW, OUTCOMES
from contracts.words import Channel, Clock, TermUnit
from services.intake.application.intake import Intake, Terms
from services.intake.application.metrics import Metrics
from services.intake.domain.admission import Gate, Limits
from services.intake.http.app import create_app
from services.intake.ports import Record, Signatures
from tests.fakes.intake_broker import MemoryBroker, MemoryLog, Stored

NOW: Final = datetime(2026, 3, 5, 3, 0, tzinfo=UTC)
PROVINCE_KEY: Final = bytes(range(32))
AGENCY: Final = "H52.18"
PROCEDURE: Final = "2.000635"
ANALYTICS: Final = "https://figures.test"
REGISTER: Final = {"procedure": PROCEDURE, "agency": AGENCY, "channel": "counter"}

_SCOPES: Final = {
    "counter": ("counter", (AGENCY,)),
    "wide": ("counter", None),
    "other": ("counter", ("H52.19",)),
    "two": ("counter", (AGENCY, "H52.19")),
    "officer": ("officer", (AGENCY,)),
    "approver": ("approver", (AGENCY,)),
    "seal-keeper": ("seal_keeper", (AGENCY,)),
    "leader": ("leader", (AGENCY,)),
    "portal": ("portal", None),
    "carrier": ("carrier", None),
    "importer": ("importer", None),
    "admin": ("admin", None),
    "inspector": ("inspector", None),
}


def keys() -> KeyRing:
    """Clients whose key is their name."""
    rows = []
    for name, (role, agencies) in _SCOPES.items():
        scope = f"agencies = {list(agencies)}\n" if agencies else ""
        rows.append(f'[clients.{name}]\nsha256 = "{hash_key(name)}"\nrole = "{role}"\n{scope}')
    return parse_keys("\n".join(rows))


def procedure(code: str = PROCEDURE, version: int = 1, *, name: str = "Trích lục") -> ProcedurePublished:
    """A procedure taken in at the counter and on line."""
    return ProcedurePublished(
        code=code,
        version=version,
        name_vi=name,
        field_vi="Hộ tịch",
        level="commune",
        term_value=3,
        term_unit=TermUnit.WORKING_DAY,
        channels=(Channel.COUNTER, Channel.ONLINE),
    )


LAW_AT_START: Final[tuple[LawChange, ...]] = (
    procedure(),
    AgencyPublished(code=AGENCY, name_vi="Sở Tư pháp"),
    AgencyPublished(code="H52.19", name_vi="Sở Y tế"),
    AgencyPublished(code="H52.20", name_vi="Sở cũ", valid_to=date(2025, 6, 30), successor="H52.18"),
)

Workflow = Callable[[Command], CommandOutcome | None]


def accept_all(command: Command) -> CommandOutcome:
    """The workflow says yes."""
    return CommandOutcome(
        command_id=command.id,
        fingerprint=command.fingerprint,
        dossier_id=command.dossier_id,
        result=Result.ACCEPTED,
        seq=1,
    )


def refuse_for(reason: str) -> Workflow:
    """The workflow says no."""

    def answer(command: Command) -> CommandOutcome:
        return CommandOutcome(
            command_id=command.id,
            fingerprint=command.fingerprint,
            dossier_id=command.dossier_id,
            result=Result.REFUSED,
            allowed_actions=(ActionName.WITHDRAW,),
            refusal=Refusal(reason=reason, rule="Quy tắc", legal_ground="Nghị định 118/2025/NĐ-CP"),
        )

    return answer


class Desk:
    """The process under test and what surrounds it."""

    def __init__(
        self,
        log: MemoryLog,
        clock: Clock,
        limits: Limits,
        patience: float,
        *,
        probe_interval: float = 1.0,
        signatures: Signatures | None = None,
    ) -> None:
        self.log = log
        self.now = NOW
        self.gate = Gate(limits)
        self.broker = MemoryBroker(log, self.gate)
        terms = Terms(
            clock=clock,
            province_key=PROVINCE_KEY,
            claimant=f"desk-{id(self)}",
            analytics_url=ANALYTICS,
            patience=patience,
            probe_interval=probe_interval,
        )
        self.intake = Intake(self.broker, self.gate, Metrics(), terms, lambda: self.now, signatures)
        self.fatal: list[BaseException] = []
        self.workflow: Workflow | None = None
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(self.intake, keys()), raise_app_exceptions=False),
            base_url="http://intake.test",
        )
        log.readers.append((self._play, {COMMANDS}))

    def _play(self, records: Sequence[Record]) -> None:
        for record in records:
            command = decode_command(record.value)
            outcome = self.workflow(command) if self.workflow and isinstance(command, Command) else None
            if outcome is not None:
                self.log.append(OUTCOMES, record.partition, Stored(None, encode(outcome), {}))

    async def post(
        self, path: str, json: Any = None, *, key: str = "counter", **headers: str
    ) -> httpx.Response:
        """POST as the client named `key`; header names with underscores for dashes."""
        sent = {"Authorization": f"Bearer {key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(path, json=json, headers=sent)

    async def bulk(self, body: str | bytes, *, key: str = "importer") -> httpx.Response:
        """POST a bulk body."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
        return await self.http.post("/v1/commands", content=body, headers=headers)

    def records(self) -> list[CommandRecord]:
        """Everything in the topic of commands, partition by partition."""
        return [decode_command(record.value) for record in self.log.all(COMMANDS)]

    def law_entries(self) -> list[LawEntry]:
        """Everything in the topic of law."""
        return [decode_law(record.value) for record in self.log.all(LAW)]

    def commands(self) -> list[Command]:
        """The commands among the records."""
        return [record for record in self.records() if isinstance(record, Command)]

    def metric(self, name: str, **labels: str) -> float:
        """A metric's value; 0 when it was never touched."""
        return self.intake.metrics.registry.get_sample_value(f"motcua_intake_{name}", labels) or 0.0


def law_in(log: MemoryLog, changes: Sequence[LawChange] = LAW_AT_START) -> None:
    """Law that stands and is forwarded before anybody starts."""
    log.append(LAW, 0, Stored(None, encode(LawEnacted(author="seed", changes=tuple(changes))), {}))
    log.append(LAW, 0, Stored(None, encode(LawForwarded(through=1)), {}))


@asynccontextmanager
async def desk(
    log: MemoryLog | None = None,
    *,
    clock: Clock = Clock.SYSTEM,
    limits: Limits | None = None,
    patience: float = 5.0,
    probe_interval: float = 1.0,
    signatures: Signatures | None = None,
) -> AsyncIterator[Desk]:
    """A started process; with a log of its own, law stands in it."""
    if log is None:
        log = MemoryLog()
        law_in(log)
    made = Desk(
        log, clock, limits or Limits(), patience, probe_interval=probe_interval, signatures=signatures
    )
    await made.intake.start(made.fatal.append)
    async with made.http:
        yield made
    await made.intake.close(1.0)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Let the loop run until `condition` holds; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  the state belongs to the code under test, which signals nobody
            await asyncio.sleep(0.001)


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test in an event loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run
