"""The HTTP application of analytics over a small finished world, in this process."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
from fastapi import FastAPI

from contracts.access import hash_key, parse_keys
from contracts.law import AgencyPublished, CalendarAmended, LawEnacted, SealRegistered
from contracts.topics import DOSSIER_PARTITIONS
from contracts.words import Clock as ClockKind
from contracts.words import Role, SealKind
from services.analytics.domain.batch import translate
from services.analytics.domain.lawbook import LawBook
from services.analytics.domain.rows import FactRow
from services.analytics.metrics import Metrics
from services.analytics.rebuild import Hold, Rebuilder
from services.analytics.reconcile import Reconciler
from services.analytics.sink.gate import Gate
from services.analytics.sink.status import Status
from services.analytics.web.app import create_app
from services.analytics.web.parts import Parts
from tests.fakes.analytics import FakeClock, MemoryFactLog, MemoryFacts, MemoryWarehouse
from tests.fakes.analytics_beside import MemoryBeside
from tests.fakes.analytics_facts import fill
from tests.fakes.analytics_lives import SEAL
from tests.fakes.analytics_tables import MemoryTables

BUCKETS = ("early", "on_time", "late", "not_due", "paused", "refused", "withdrawn", "stopped")
KEYS = "\n".join(
    f'[clients.{role.value.replace("_", "-")}]\nsha256 = "{hash_key(role.value)}"\nrole = "{role.value}"'
    for role in Role
)
KEYS += f'\n[clients.one-agency]\nsha256 = "{hash_key("scoped")}"\nrole = "counter"\nagencies = ["H52.18"]\n'
KEYS += (
    f'\n[clients.the-keeper]\nsha256 = "{hash_key("keeper")}"\nrole = "seal_keeper"\nagencies = ["H52.21"]\n'
)
KEYS += (
    f'\n[clients.own-inspector]\nsha256 = "{hash_key("scoped-inspector")}"\nrole = "inspector"\n'
    'agencies = ["H52.18"]\n'
)
KEYS += f'\n[clients.head]\nsha256 = "{hash_key("head")}"\nrole = "leader"\nagencies = ["H52.21"]\n'

LAW = (
    CalendarAmended(years=(2020, 2021), days=(), source="test"),
    SealRegistered(code=SEAL, agency="H52.18", kind=SealKind.SECOND, valid_from=date(2020, 1, 1)),
)


class Caller:
    """Requests to an application in this process."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def request(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://board") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(go())

    def get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        return self.request("GET", path, headers or {})

    def post(self, path: str, headers: dict[str, str] | None = None) -> Any:
        return self.request("POST", path, headers or {})


@dataclass
class Desk:
    """The application over a small finished world."""

    client: Caller
    tables: MemoryTables
    status: Status
    clock: FakeClock
    gate: Gate
    facts: MemoryFacts
    reconciler: Reconciler

    def get(self, path: str, key: str = "inspector") -> Any:
        return self.client.get(path, headers={"Authorization": f"Bearer {key}"})

    def post(self, path: str, key: str = "inspector") -> Any:
        return self.client.post(path, headers={"Authorization": f"Bearer {key}"})


def a_desk(*, calendar: bool = False) -> Desk:
    """Sixty dossiers, every partition read to its end, three seconds ago; at will with the law of it."""
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, 60, random.Random(3))
    house = MemoryWarehouse()
    rows: list[FactRow] = []
    clock, status, gate = FakeClock(), Status(facts.records), Gate()
    for records in facts.records.values():
        rows += translate(records, {}).rows
    for row in rows:
        house.dossiers[(row.log_partition, row.dossier_id)].append(row)
    tables = MemoryTables(house.merged(), rows)
    ends = {partition: len(records) for partition, records in facts.records.items()}
    status.moved(ends)
    status.measured(dict.fromkeys(ends, 0), clock.now() - 3)
    metrics = Metrics()

    def open_log() -> MemoryFactLog:
        return MemoryFactLog(facts, lambda point: None, lambda: None)

    tables.clocks = {
        partition: clock_at
        for records in facts.records.values()
        for partition, clock_at in translate(records, {}).clocks.items()
    }
    book = LawBook()
    named = AgencyPublished(code="H52.18", name_vi="Ủy ban nhân dân phường Đông Triều")
    book.apply(LawEnacted(author="admin", changes=(named, *(LAW if calendar else ()))))
    hold = Hold(status, gate, lambda: None, patience=0.05)
    beside = MemoryBeside(tables)
    reconciler = Reconciler(open_log, tables, hold, Rebuilder(beside.of, hold), patience=0.05)
    parts = Parts(parse_keys(KEYS), tables, status, reconciler, metrics, clock, ClockKind.LOG, book)
    return Desk(Caller(create_app(parts)), tables, status, clock, gate, facts, reconciler)


def assert_problem(answer: Any, status: int, reason: str) -> dict[str, Any]:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"urn:motcua:problem:{reason}"
    assert (document["status"], document["reason"]) == (status, reason)
    assert document["title"]
    assert document["detail"]
    return document
