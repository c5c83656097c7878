"""What bad input gets at the door: every row of the delivery contract that intake answers for."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from contracts.words import Clock
from services.intake.domain.admission import Limits
from services.intake.http import reading
from tests.fakes.intake_broker import MemoryLog
from tests.fakes.intake_desk import AGENCY, REGISTER, Desk, desk, in_loop, refuse_for, until


def _raw(desk: Desk, body: bytes, content_type: str = "application/json") -> Any:
    return desk.http.post(
        "/v1/dossiers",
        content=body,
        headers={
            "Authorization": "Bearer counter",
            "Idempotency-Key": "k",
            "Content-Type": content_type,
        },
    )


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"procedure": "2.999999"}, "procedure", "unknown_procedure"),
        ({"agency": "H52.99"}, "agency", "unknown_agency"),
        ({"agency": "H52.20"}, "agency", "agency_closed"),
        ({"channel": "postal"}, "channel", "channel_not_offered"),
        ({"procedure": "two"}, "procedure", "bad_shape"),
        ({"channel": "pigeon"}, "channel", "bad_shape"),
        ({"agency": AGENCY + "\n"}, "agency", "bad_shape"),
        ({"applicant": "a\x00b"}, "applicant", "bad_shape"),
        ({"applicant": "a\x1bb"}, "applicant", "bad_shape"),
        ({"applicant": "a\u0085b"}, "applicant", "bad_shape"),
        ({"applicant": "\u00a0 "}, "applicant", "bad_shape"),
        ({"applicant": "x" * 201}, "applicant", "bad_shape"),
        ({"score": 5}, "score", "bad_shape"),
        ({"agency": None}, "agency", "bad_shape"),
    ],
)
@in_loop
async def test_a_wrong_registration_names_field_rule_and_ground(
    change: dict[str, Any], field: str, reason: str
) -> None:
    async with desk() as d:
        answer = await d.post("/v1/dossiers", {**REGISTER, **change}, key="wide", Idempotency_Key="k")
        problem = answer.json()
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert (problem["reason"], problem["field"]) == (reason, field)
        assert problem["type"] == f"urn:motcua:problem:{reason}"
        assert problem["rule"]
        assert problem["legal_ground"]
        assert d.commands() == []
        assert d.metric("refusals_total", reason=reason) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", None),
        (b"null", None),
        (b"[]", None),
        (b"{", None),
        (b"\xef\xbb\xbf{}", None),
        (b'{"procedure":"\xff"}', None),
        (b'{"procedure":"\\ud800"}', None),
        (
            b'{"procedure":"2.000635","procedure":"2.000635","agency":"H52.18","channel":"counter"}',
            "procedure",
        ),
        (b'{"procedure":' + b"9" * 6000 + b"}", "procedure"),
        (b'{"procedure":' + b"[" * 20_000, "procedure"),
        (b'{"procedure":"2.000635","agency":"H52.18","channel":"counter","at":1e400}', "at"),
        (b'{"procedure":"2.000635","agency":"H52.18","channel":"counter","at":"2026-02-30T00:00:00Z"}', "at"),
        (b'{"procedure":"2.000635","agency":"H52.18","channel":"counter","at":"2026-03-05T10:00:00"}', "at"),
    ],
    ids=range(13),
)
@in_loop
async def test_what_is_no_document_is_refused(body: bytes, field: str | None) -> None:
    async with desk() as d:
        answer = await _raw(d, body)
        assert answer.status_code == 422
        assert answer.json()["reason"] == "bad_shape"
        assert answer.json().get("field") == field
        assert d.commands() == []


@pytest.mark.parametrize(
    ("clock", "at", "reason"),
    [
        (Clock.SYSTEM, "0001-01-01T00:00:00+14:00", "bad_shape"),
        (Clock.SYSTEM, "9999-12-31T23:59:59-10:00", "bad_shape"),
        (Clock.SYSTEM, "2026-03-05T03:00:01Z", "time_out_of_window"),
        (Clock.SYSTEM, "2026-03-04T18:59:59Z", "time_out_of_window"),
        (Clock.LOG, "1999-12-31T23:59:59Z", "bad_shape"),
        (Clock.LOG, None, "time_required"),
    ],
)
@in_loop
async def test_times_that_cannot_be(clock: Clock, at: str | None, reason: str) -> None:
    async with desk(clock=clock) as d:
        answer = await d.post("/v1/dossiers", {**REGISTER, "at": at}, key="importer", Idempotency_Key="k")
        assert answer.status_code == 422
        assert (answer.json()["reason"], answer.json()["field"]) == (reason, "at")
        assert d.commands() == []


@in_loop
async def test_only_an_importer_says_when() -> None:
    async with desk() as d:
        body = {**REGISTER, "at": "2026-03-05T02:00:00Z"}
        for key in ("counter", "admin"):
            refused = await d.post("/v1/dossiers", body, key=key, Idempotency_Key="k")
            assert (refused.status_code, refused.json()["reason"]) == (403, "time_not_allowed")
        assert (await d.post("/v1/dossiers", body, key="importer", Idempotency_Key="k")).status_code == 202


@pytest.mark.parametrize("header", [None, "counter", "Basic counter", "Bearer no", "Bearer", "Bearer \xff"])
@in_loop
async def test_without_a_valid_key_nothing_is_read(header: str | None) -> None:
    async with desk() as d:
        headers = {"Idempotency-Key": "k"} | ({"Authorization": header} if header else {})
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        answer = await d.http.post("/v1/dossiers", json=REGISTER, headers=raw)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert d.commands() == []
        assert d.metric("refusals_total", reason="unauthorized") == 1


@pytest.mark.parametrize("path", ["/v1/procedures", "/v1/agencies", "/v1/nothing"])
@in_loop
async def test_reading_needs_a_key_too(path: str) -> None:
    async with desk() as d:
        assert (await d.http.get(path)).status_code == 401


@pytest.mark.parametrize(
    ("key", "path", "body", "reason"),
    [
        ("officer", "/v1/dossiers", REGISTER, "role_not_allowed"),
        ("inspector", f"/v1/dossiers/{'0' * 32}/withdraw", {}, "role_not_allowed"),
        ("counter", f"/v1/dossiers/{'0' * 32}/stamp", {}, "role_not_allowed"),
        ("counter", "/v1/law", {"changes": [{"type": "EngineVersion", "version": 1}]}, "role_not_allowed"),
        ("counter", "/v1/time", {"to": "2026-01-01T00:00:00Z"}, "role_not_allowed"),
        ("other", "/v1/dossiers", REGISTER, "other_agency"),
        ("other", f"/v1/dossiers/{'0' * 32}/accept", {"agency": AGENCY}, "other_agency"),
    ],
)
@in_loop
async def test_what_a_key_does_not_cover_is_forbidden(
    key: str, path: str, body: dict[str, Any], reason: str
) -> None:
    async with desk() as d:
        answer = await d.post(path, body, key=key, Idempotency_Key="k")
        assert (answer.status_code, answer.json()["reason"]) == (403, reason)
        assert d.commands() == []
        assert d.metric("refusals_total", reason=reason) == 1


@in_loop
async def test_a_command_without_a_key_of_its_own_is_refused() -> None:
    async with desk() as d:
        missing = await d.post("/v1/dossiers", REGISTER)
        assert (missing.status_code, missing.json()["reason"]) == (400, "idempotency_key_missing")
        spaced = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="a b")
        assert (spaced.status_code, spaced.json()["reason"]) == (400, "idempotency_key_malformed")


@in_loop
async def test_the_same_key_with_another_body_is_refused_and_not_published() -> None:
    async with desk() as d:
        assert (await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")).status_code == 202
        answer = await d.post("/v1/dossiers", {**REGISTER, "channel": "online"}, Idempotency_Key="k")
        assert (answer.status_code, answer.json()["reason"]) == (422, "idempotency_key_reused")
        assert len(d.commands()) == 1


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("step_out_of_order", 409),
        ("other_agency", 403),
        ("idempotency_key_reused", 422),
        ("unknown_dossier", 404),
        ("unknown_procedure", 422),
    ],
)
@in_loop
async def test_the_refusal_of_the_workflow_reaches_who_waits(reason: str, status: int) -> None:
    async with desk() as d:
        d.workflow = refuse_for(reason)
        answer = await d.post(f"/v1/dossiers/{'0' * 32}/withdraw", {}, Idempotency_Key="k", Prefer="wait=5")
        problem = answer.json()
        assert answer.status_code == status
        assert (problem["reason"], problem["rule"]) == (reason, "Quy tắc")
        assert problem["legal_ground"] == "Nghị định 118/2025/NĐ-CP"
        # What a dossier would allow is no business of a stranger's.
        assert ("allowed_actions" in problem) == (status != 403)


@in_loop
async def test_bodies_too_large_are_cut_off() -> None:
    async with desk() as d:
        declared = await _raw(d, b" " * (64 * 1024 + 1))
        assert (declared.status_code, declared.json()["reason"]) == (413, "body_too_large")
        assert {"rule", "legal_ground", "detail"} <= declared.json().keys()

        async def endless() -> Any:
            for _ in range(1_000):
                yield b" " * 1024

        streamed = await d.http.post(
            "/v1/dossiers",
            content=endless(),
            headers={
                "Authorization": "Bearer counter",
                "Idempotency-Key": "k",
                "Content-Type": "application/json",
                "Transfer-Encoding": "chunked",
            },
        )
        assert streamed.status_code == 413
        assert streamed.json() == declared.json()
        bulk = await d.bulk(b" " * (8 * 1024 * 1024 + 1))
        assert bulk.status_code == 413
        lines = await d.bulk(b"\n".join([b"{}"] * 5_001))
        assert (lines.status_code, lines.json()["reason"]) == (413, "too_many_lines")
        assert d.gate.reserved_bytes == 0


@in_loop
async def test_a_body_that_does_not_come_gives_its_share_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.01)
    async with desk() as d:
        never = asyncio.Event()

        async def slow() -> Any:
            yield b"{"
            await never.wait()

        headers = {"Authorization": "Bearer counter", "Idempotency-Key": "k"}
        headers |= {"Content-Type": "application/json"}
        answer = await d.http.post("/v1/dossiers", content=slow(), headers=headers)
        assert (answer.status_code, answer.json()["reason"]) == (408, "body_too_slow")
        assert d.gate.reserved_bytes == 0


@in_loop
async def test_other_media_types_are_refused() -> None:
    async with desk() as d:
        body = json.dumps(REGISTER).encode()
        assert (await _raw(d, body, "text/plain")).status_code == 415
        assert (await _raw(d, body, "application/json; charset=utf-8")).status_code == 202
        zipped = await d.http.post(
            "/v1/dossiers",
            content=body,
            headers={
                "Authorization": "Bearer counter",
                "Idempotency-Key": "k",
                "Content-Type": "application/json",
                "Content-Encoding": "gzip",
            },
        )
        assert zipped.status_code == 415


@in_loop
async def test_a_broker_that_is_down_is_never_a_success() -> None:
    async with desk() as d:
        d.broker.down = True
        answer = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        assert (answer.status_code, answer.json()["reason"]) == (503, "not_acked")
        assert answer.headers["retry-after"] == "1"
        assert "cùng Idempotency-Key" in answer.json()["detail"]
        # In doubt, the next request is turned away before its body is looked at.
        assert (await _raw(d, b"\xff")).json()["reason"] == "broker_failing"


@in_loop
async def test_an_ack_that_does_not_come_is_unknown_and_safe_to_repeat() -> None:
    async with desk(patience=0.05) as d:
        d.broker.lose_acks = True
        lost = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        assert (lost.status_code, lost.json()["reason"]) == (503, "not_acked")
        d.broker.lose_acks = False
        again = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        assert again.status_code == 202
        first, second = d.commands()
        assert first == second


@in_loop
async def test_full_buffers_turn_requests_away_before_their_bodies() -> None:
    async with desk(limits=Limits(records=1)) as d:
        d.broker.hold = True
        waiting = asyncio.create_task(d.post("/v1/dossiers", REGISTER, Idempotency_Key="k1"))
        await until(lambda: d.gate.records)
        refused = await _raw(d, b"\xff")
        assert (refused.status_code, refused.json()["reason"]) == (503, "too_many_in_flight")
        assert d.metric("turned_away_total", reason="too_many_in_flight") == 1
        assert d.metric("requests_total", method="POST", route="/v1/dossiers", status="503") == 1
        d.broker.hold = False
        d.broker.release()
        assert (await waiting).status_code == 202


@in_loop
async def test_bodies_under_way_count_against_the_budget() -> None:
    async with desk(limits=Limits(bytes=100)) as d:
        answer = await _raw(d, b" " * 101)
        assert (answer.status_code, answer.json()["reason"]) == (503, "too_much_in_flight")


@in_loop
async def test_before_the_start_and_after_the_end_nothing_is_taken() -> None:
    log = MemoryLog()
    d = Desk(log, Clock.SYSTEM, Limits(), 1.0)
    async with d.http:
        early = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        assert (early.status_code, early.json()["reason"]) == (503, "not_ready")
        assert (await d.http.get("/readyz")).status_code == 503
        assert (await d.http.get("/healthz")).status_code == 200


@in_loop
async def test_a_wait_that_is_over_leaves_the_command_standing() -> None:
    async with desk() as d:
        waiting = asyncio.create_task(d.post("/v1/dossiers", REGISTER, Idempotency_Key="k", Prefer="wait=1"))
        answer = await waiting
        assert answer.status_code == 202
        assert answer.json()["links"]["dossier"] == answer.headers["location"]
        assert len(d.commands()) == 1
        assert d.metric("outcomes_total", result="timed_out") == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nothing", 404),
        ("DELETE", "/v1/procedures", 405),
        ("POST", f"/v1/dossiers/{'0' * 32}/explode", 404),
        ("POST", "/v1/dossiers/ABC/withdraw", 422),
        ("GET", "/docs", 404),
        ("HEAD", "/v1/nothing", 404),
        ("HEAD", "/v1/dossiers", 405),
    ],
)
@in_loop
async def test_wrong_addresses_are_problems_too(method: str, path: str, status: int) -> None:
    async with desk() as d:
        headers = {"Authorization": "Bearer counter", "Idempotency-Key": "k"}
        answer = await d.http.request(method, path, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


@in_loop
async def test_nothing_personal_is_published_measured_or_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = "Nguyễn Thị Định 012345678901"
    with caplog.at_level("DEBUG"):
        async with desk() as d:
            for key in ("counter", "other", "officer"):
                body = {**REGISTER, "applicant": secret}
                await d.post("/v1/dossiers", body, key=key, Idempotency_Key="k", Motcua_Actor="can-bo-17")
            metrics = (await d.http.get("/metrics")).text
            [command] = d.commands()
            assert command.actor is not None
            stored = [record for records in d.log.partitions.values() for record in records]
    everything = metrics + caplog.text + repr(stored)
    for word in (secret, "012345678901", "Định", "can-bo-17"):
        assert word not in everything
