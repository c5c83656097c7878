"""Reading at the door: HEAD is GET without its body; nobody is told the law before it is read."""

from __future__ import annotations

import pytest

from contracts.words import Clock
from services.intake.domain.admission import Limits
from tests.fakes.intake_broker import MemoryLog
from tests.fakes.intake_desk import Desk, desk, in_loop, law_in

HEADERS = {"Authorization": "Bearer inspector"}


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/v1/about", "/v1/procedures", "/v1/agencies?code=H52.18"]
)
@in_loop
async def test_head_is_get_without_its_body(path: str) -> None:
    async with desk() as d:
        whole = await d.http.get(path, headers=HEADERS)
        head = await d.http.head(path, headers=HEADERS)
        assert (whole.status_code, head.status_code) == (200, 200)
        assert head.content == b""
        assert head.headers["content-type"] == whole.headers["content-type"]
        if path != "/metrics":  # which counts the request itself
            assert head.headers["content-length"] == whole.headers["content-length"]
        route = path.partition("?")[0]
        assert d.metric("requests_total", method="HEAD", route=route, status="200") == 1


@in_loop
async def test_head_needs_the_key_that_get_needs() -> None:
    async with desk() as d:
        assert (await d.http.head("/v1/procedures")).status_code == 401


@in_loop
async def test_before_the_law_is_read_nobody_is_told_what_it_says() -> None:
    log = MemoryLog()
    law_in(log)
    d = Desk(log, Clock.SYSTEM, Limits(), 1.0)
    admin = {"Authorization": "Bearer admin"}
    told = ("/v1/procedures?code=1.000001", "/v1/agencies", "/v1/coverage", "/v1/certificates", "/v1/seals")
    async with d.http:
        for path in told:
            early = await d.http.get(path, headers=admin)
            assert (early.status_code, early.json()["reason"]) == (503, "not_ready"), path
            assert early.headers["retry-after"] == "1"
            assert (await d.http.get(path)).status_code == 401
        for path in ("/v1/about", "/healthz", "/metrics", "/openapi.json"):
            assert (await d.http.get(path)).status_code == 200, path
        assert (await d.http.get("/v1/nothing", headers=admin)).status_code == 404
        await d.intake.start(d.fatal.append)
        for path in told:
            assert (await d.http.get(path, headers=admin)).status_code == 200, path
        d.intake.stop_waiting()
        assert (await d.http.get("/v1/coverage", headers=admin)).json()["law_version"] == 1
    await d.intake.close(1.0)
