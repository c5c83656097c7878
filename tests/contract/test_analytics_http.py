"""The HTTP interface of analytics: what each question gets, and what bad input gets."""

from __future__ import annotations

import asyncio
import random
import threading
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from contracts.access import hash_key, parse_keys
from contracts.topics import DOSSIER_PARTITIONS
from contracts.words import Clock as ClockKind
from contracts.words import Role
from services.analytics.domain.batch import translate
from services.analytics.domain.rows import FactRow, micros
from services.analytics.errors import RetryLaterError, WarehouseRejectedError
from services.analytics.metrics import Metrics
from services.analytics.reconcile import Reconciler
from services.analytics.sink.status import Status
from services.analytics.web.access import RIGHTS, Right
from services.analytics.web.app import create_app
from services.analytics.web.parts import Parts
from tests.fakes.analytics import FakeClock, MemoryFactLog, MemoryFacts, MemoryWarehouse
from tests.fakes.analytics_facts import START, fill
from tests.fakes.analytics_tables import MemoryTables

BUCKETS = ("early", "on_time", "late", "not_due", "paused", "refused", "withdrawn")
KEYS = "\n".join(
    f'[clients.{role.value.replace("_", "-")}]\nsha256 = "{hash_key(role.value)}"\nrole = "{role.value}"'
    for role in Role
)
KEYS += f'\n[clients.one-agency]\nsha256 = "{hash_key("scoped")}"\nrole = "counter"\nagencies = ["H52.18"]\n'


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
    gate: threading.Lock
    facts: MemoryFacts
    reconciler: Reconciler

    def get(self, path: str, key: str = "inspector") -> Any:
        return self.client.get(path, headers={"Authorization": f"Bearer {key}"})

    def post(self, path: str, key: str = "inspector") -> Any:
        return self.client.post(path, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def desk() -> Desk:
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, 60, random.Random(3))
    house = MemoryWarehouse()
    rows: list[FactRow] = []
    clock, status, gate = FakeClock(), Status(facts.records), threading.Lock()
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

    reconciler = Reconciler(open_log, tables, status, gate, patience=0.05)
    parts = Parts(parse_keys(KEYS), tables, status, reconciler, metrics, clock, ClockKind.LOG)
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


def test_figures_add_up_and_say_how_old_they_are(desk: Desk) -> None:
    figures = desk.get("/v1/figures").json()
    assert figures["received"] == sum(figures[name] for name in BUCKETS) == 60
    assert figures["supplement_requested"] <= figures["paused"]
    assert set(figures["rates"]) == {"on_time_of_received", "on_time_of_decided", "on_time_of_solved"}
    assert 2.9 < figures["age_seconds"] < 5
    assert figures["as_of"].endswith("Z")


def test_figures_of_a_local_period(desk: Desk) -> None:
    assert desk.get("/v1/figures?from=2020-02-02&to=2020-02-02").json()["received"] == 60
    assert desk.get("/v1/figures?from=2020-02-03").json()["received"] == 0
    assert desk.get("/v1/figures?to=2020-02-01").json()["received"] == 0


def test_compliance_splits_the_same_counts(desk: Desk) -> None:
    whole = desk.get("/v1/figures").json()
    for query in ("", "?by=agency", "?by=agency,channel,procedure&period=day", "?period=all&by=agency"):
        table = desk.get(f"/v1/compliance{query}").json()
        for name in ("received", *BUCKETS):
            assert sum(row[name] for row in table["rows"]) == whole[name]
    agencies = desk.get("/v1/compliance?period=all&by=agency").json()["rows"]
    assert [row["agency"] for row in agencies] == ["H52.18", "H52.19", "H52.20"]
    assert "period" not in agencies[0]
    assert desk.get("/v1/compliance").json()["rows"][0]["period"] == "2020-02-01"


def test_a_key_for_one_agency_sees_that_agency(desk: Desk) -> None:
    own = desk.get("/v1/figures", "scoped").json()["received"]
    assert own == next(
        row["received"]
        for row in desk.get("/v1/compliance?period=all&by=agency").json()["rows"]
        if row["agency"] == "H52.18"
    )
    mine = next(row for row in desk.tables.dossiers.values() if row.agency == "H52.18")
    other = next(row for row in desk.tables.dossiers.values() if row.agency == "H52.19")
    assert desk.get(f"/v1/dossiers/{mine.dossier_id}", "scoped").status_code == 200
    assert_problem(desk.get(f"/v1/dossiers/{other.dossier_id}", "scoped"), 403, "other_agency")


def test_a_dossier_has_its_state_its_history_and_its_link(desk: Desk) -> None:
    state = max(desk.tables.dossiers.values(), key=lambda row: row.seq)
    answer = desk.get(f"/v1/dossiers/{state.dossier_id}").json()
    assert (answer["seq"], answer["status"], answer["bucket"]) == (state.seq, state.status, state.bucket)
    assert [fact["seq"] for fact in answer["history"]] == list(range(1, state.seq + 1))
    assert answer["history"][0]["body"]["type"] == "DossierRegistered"
    assert answer["history"][0]["at"].startswith("2020-02-01T23:")
    assert answer["links"]["self"] == f"/v1/dossiers/{state.dossier_id}"


def test_dossiers_are_found_by_their_legal_code(desk: Desk) -> None:
    found = desk.get("/v1/dossiers?code=H52.18-200201-0001").json()["dossiers"]
    assert found
    assert {one["dossier_code"] for one in found} == {"H52.18-200201-0001"}
    assert desk.get("/v1/dossiers?code=H52.18-200201-9999").json()["dossiers"] == []


def test_a_dossier_not_seen_yet_says_when_to_ask_again(desk: Desk) -> None:
    answer = desk.get("/v1/dossiers/" + "f" * 32)
    assert_problem(answer, 404, "unknown_dossier")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/figures?from=yesterday", "from"),
        ("/v1/figures?from=0001-01-01", "from"),
        ("/v1/figures?to=2200-01-01", "to"),
        ("/v1/figures?from=2020-02-02&to=2020-02-01", "to"),
        ("/v1/compliance?period=week", "period"),
        ("/v1/compliance?by=colour", "by"),
        ("/v1/dossiers/XYZ", "dossier_id"),
        ("/v1/dossiers", "code"),
        ("/v1/dossiers?code=%27;DROP", "code"),
    ],
)
def test_wrong_parameters_are_named(desk: Desk, path: str, field: str) -> None:
    assert assert_problem(desk.get(path), 422, "bad_shape")["field"] == field


def test_no_key_or_a_wrong_one_is_401_everywhere_but_at_the_public_door(desk: Desk) -> None:
    for path in ("/v1/figures", "/v1/compliance", "/v1/dossiers/" + "a" * 32, "/v1/freshness"):
        answer = desk.client.get(path)
        assert_problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert_problem(desk.get(path, "nonsense"), 401, "unauthorized")
    assert_problem(desk.client.post("/v1/reconcile"), 401, "unauthorized")
    basic = desk.client.get("/v1/figures", headers={"Authorization": "Basic aW5zcGVjdG9y"})
    assert_problem(basic, 401, "unauthorized")


PATHS = {
    Right.FIGURES: "/v1/figures",
    Right.DOSSIERS: "/v1/dossiers?code=H52.18-200201-0001",
    Right.FRESHNESS: "/v1/freshness",
}


@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_what_the_table_says(desk: Desk, role: Role) -> None:
    for right, path in PATHS.items():
        answer = desk.get(path, role.value)
        assert answer.status_code == (200 if right in RIGHTS[role] else 403)
    proof = desk.post("/v1/reconcile", role.value)
    assert proof.status_code == (200 if Right.RECONCILE in RIGHTS[role] else 403)


def test_the_public_sees_no_count_below_ten(desk: Desk) -> None:
    public = desk.client.get("/v1/public/figures").json()
    assert public["received"] == 60
    for name in BUCKETS:
        assert public[name] in ("<10", None) or public[name] >= 10
    assert "supplement_requested" not in public


def test_a_thousand_open_boards_ask_the_warehouse_once(desk: Desk) -> None:
    before = desk.tables.asked
    for _ in range(20):
        assert desk.client.get("/v1/public/figures").status_code == 200
    assert desk.tables.asked == before + 1
    desk.clock.at += 2
    desk.client.get("/v1/public/figures")
    assert desk.tables.asked == before + 2


def test_freshness_shows_a_clock_only_when_every_partition_has_one(desk: Desk) -> None:
    fresh = desk.get("/v1/freshness").json()
    assert (fresh["clock"], fresh["lag_records"], fresh["clock_kind"]) == (None, 0, "log")
    assert len(fresh["partitions"]) == DOSSIER_PARTITIONS
    desk.tables.clocks = {p: micros(START) + 1_000_000 * p for p in range(DOSSIER_PARTITIONS)}
    assert desk.get("/v1/freshness").json()["clock"] == "2020-01-31T23:30:00.123456Z"
    del desk.tables.clocks[3]
    assert desk.get("/v1/freshness").json()["clock"] is None


def test_a_warehouse_that_is_away_is_a_503_and_the_age_goes_on(desk: Desk) -> None:
    desk.tables.failure = RetryLaterError("the warehouse is not reachable")
    answer = desk.get("/v1/figures")
    assert_problem(answer, 503, "warehouse_down")
    assert answer.headers["Retry-After"] == "1"
    assert_problem(desk.client.get("/v1/public/figures"), 503, "warehouse_down")
    desk.clock.at += 100
    assert desk.get("/v1/freshness").json()["age_seconds"] > 100
    desk.tables.failure = WarehouseRejectedError("code 60")
    assert_problem(desk.get("/v1/figures"), 500, "internal")


def test_reconcile_is_zero_when_nothing_is_wrong_and_counts_what_is(desk: Desk) -> None:
    proof = desk.post("/v1/reconcile").json()
    assert [proof[kind] for kind in ("missing", "duplicated", "mismatched")] == [0, 0, 0]
    assert (proof["facts"], proof["dossiers"], proof["complete"]) == (len(desk.tables.facts), 60, True)
    assert len(proof["partitions"]) == DOSSIER_PARTITIONS
    lost = desk.tables.facts.pop()
    desk.tables.facts.append(desk.tables.facts[0])
    proof = desk.post("/v1/reconcile").json()
    assert (proof["missing"], proof["duplicated"]) == (1, 1)
    assert proof["partitions"][lost.log_partition]["missing"] == 1
    metrics = desk.client.get("/metrics").text
    assert 'motcua_analytics_reconcile_differences{kind="missing"} 1.0' in metrics


def test_reconcile_waits_for_the_sink_and_says_when_it_does_not_come(desk: Desk) -> None:
    desk.facts.append(0, b"more")
    assert_problem(desk.post("/v1/reconcile"), 503, "behind")
    desk.facts.records[0].pop()
    with desk.gate:
        assert_problem(desk.post("/v1/reconcile"), 503, "behind")


def test_one_proof_at_a_time(desk: Desk) -> None:
    answers: list[Any] = []

    def ask_meanwhile() -> MemoryFactLog:
        if not answers:
            answers.append(None)
            answers.append(desk.post("/v1/reconcile"))
        return MemoryFactLog(desk.facts, lambda point: None, lambda: None)

    desk.reconciler._open_log = ask_meanwhile
    assert desk.post("/v1/reconcile").status_code == 200
    assert_problem(answers[1], 409, "reconcile_running")


def test_readiness_says_why_not(desk: Desk) -> None:
    desk.status.beat(desk.clock.monotonic())
    assert desk.client.get("/readyz").json() == {"ready": True, "why": []}
    desk.status.beat(desk.clock.monotonic(), "insert: away")
    answer = desk.client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "why": ["insert: away"]})
    desk.status.beat(desk.clock.monotonic())
    desk.clock.at += 120
    assert desk.client.get("/readyz").json()["why"] == ["the sink does not move"]
    assert desk.client.get("/healthz").json() == {"status": "ok"}


def test_metrics_are_labelled_by_template_and_never_by_path(desk: Desk) -> None:
    desk.get("/v1/dossiers/" + "f" * 32)
    assert_problem(desk.get("/v1/nowhere"), 404, "not_found")
    assert_problem(desk.post("/v1/figures"), 405, "method_not_allowed")
    text = desk.client.get("/metrics").text
    assert 'route="/v1/dossiers/{dossier_id}"' in text
    assert "ffff" not in text
    assert "nowhere" not in text


def test_the_board_is_served_whole_and_loads_nothing_from_elsewhere(desk: Desk) -> None:
    page = desk.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert 'lang="vi"' in page.text
    for path in ("board.css", "board.js"):
        assert path in page.text
        part = desk.client.get(f"/{path}")
        assert part.status_code == 200
        assert "http://" not in part.text
        assert "https://" not in part.text
    assert "//" not in page.text.replace("<!doctype html>", "")
    script = desk.client.get("/board.js").text
    assert "Số liệu cách đây" in script
    for name in (*BUCKETS, "on_time_of_received", "on_time_of_decided", "on_time_of_solved"):
        assert name in script


def test_the_interface_describes_itself(desk: Desk) -> None:
    paths = desk.client.get("/openapi.json").json()["paths"]
    assert {"/v1/figures", "/v1/compliance", "/v1/freshness", "/v1/reconcile"} <= set(paths)
    assert desk.client.get("/docs").status_code == 404
