"""Reading at the door: HEAD is GET without its body."""

from __future__ import annotations

import pytest

from tests.fakes.intake_desk import desk, in_loop

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
