"""The commands' client: where it finds the stack, how it asks, and what a failure says."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from deploy.local.home import Home, RunState, StackState, start_time
from deploy.local.ports import free_ports
from motcua.client import Client, ClientError, configure, connect

Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler) -> Client:
    return Client("http://intake.test", "secret", transport=httpx.MockTransport(handler))


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    configure(parser)
    return parser.parse_args(words)


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOTCUA_URL", "MOTCUA_KEY", "MOTCUA_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_sends_the_key_and_leaves_out_empty_queries() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer secret"
        return httpx.Response(200, json={"asked": str(request.url)})

    with client(handler) as session:
        assert session.get("/v1/procedures", code="1.000001", of=None) == {
            "asked": "http://intake.test/v1/procedures?code=1.000001"
        }


def test_finds_analytics_once_through_intake() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if request.url.path == "/v1/about":
            return httpx.Response(200, json={"links": {"analytics": "http://analytics.test/"}})
        return httpx.Response(200, json={})

    with client(handler) as session:
        session.get("/v1/figures", service="analytics")
        session.post("/v1/reconcile", service="analytics")
    assert asked == [
        "http://intake.test/v1/about",
        "http://analytics.test/v1/figures",
        "http://analytics.test/v1/reconcile",
    ]


def test_posts_lines_and_returns_lines_in_order() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        assert request.headers["Content-Type"] == "application/x-ndjson"
        lines = request.content.splitlines()
        return httpx.Response(200, content=b"".join(line.replace(b"n", b"m") + b"\n" for line in lines))

    with client(handler) as session:
        assert list(session.post_ndjson("/v1/commands", [{"n": 1}, b'{"n":2}'])) == [{"m": 1}, {"m": 2}]


def test_a_problem_document_becomes_words() -> None:
    problem = {"title": "Conflict", "detail": "đã đóng dấu", "reason": "already_stamped"}

    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(409, json=problem)

    with client(handler) as session, pytest.raises(ClientError) as caught:
        session.post("/v1/dossiers", {})
    assert str(caught.value) == "POST http://intake.test/v1/dossiers: 409 đã đóng dấu (already_stamped)"
    assert (caught.value.status, caught.value.problem, caught.value.retriable) == (409, problem, False)


def test_a_busy_service_says_how_long_to_wait() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, content=b"later", headers={"Retry-After": "3"})

    with client(handler) as session, pytest.raises(ClientError, match="503 Service Unavailable") as caught:
        session.get("/v1/agencies")
    assert (caught.value.retriable, caught.value.retry_after) == (True, 3.0)


def test_nobody_there_is_said_plainly() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with client(handler) as session, pytest.raises(ClientError, match="Is the stack running") as caught:
        session.get("/v1/about")
    assert caught.value.retriable
    assert caught.value.status is None


def test_without_a_stack_or_a_key_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="start one with `motcua up`"):
        connect(arguments("--home", str(tmp_path)))
    with pytest.raises(ClientError, match="give --key or MOTCUA_KEY"):
        connect(arguments("--home", str(tmp_path), "--url", "http://elsewhere.test"))


def test_a_service_of_a_stack_that_runs_is_asked_after_with_status(tmp_path: Path) -> None:
    running(tmp_path, free_ports(1)[0])
    words = ("--home", str(tmp_path))
    with connect(arguments(*words)) as session, pytest.raises(ClientError) as caught:
        session.post("/v1/rebuild", service="analytics")
    assert "Is the stack running" not in str(caught.value)
    assert str(caught.value).endswith("refused. The stack runs: `motcua status` shows how each process is")
    assert caught.value.retriable


def running(path: Path, analytics: int = 8802) -> None:
    """A stack runs there."""
    home = Home(path)
    home.dev_keys_file.write_bytes(msgspec.json.encode({"admin": "a", "importer": "i"}))
    started = start_time(os.getpid())
    assert started is not None
    home.write_run(
        RunState(
            pid=os.getpid(),
            started=started,
            state=StackState.READY,
            clock="system",
            broker="tansu",
            urls={"intake": "http://127.0.0.1:8801", "analytics": f"http://127.0.0.1:{analytics}"},
            processes=(),
        )
    )


def test_the_running_stack_gives_address_and_key_of_the_role(tmp_path: Path) -> None:
    running(tmp_path)
    with connect(arguments("--home", str(tmp_path)), role="importer") as session:
        assert session.url("intake") == "http://127.0.0.1:8801"
        assert session.url("analytics") == "http://127.0.0.1:8802"
        assert session.key == "i"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8801", "http://127.0.0.1:8801/", "http://localhost:8801"])
def test_an_address_that_is_the_running_stack_s_gets_its_key(tmp_path: Path, url: str) -> None:
    running(tmp_path)
    with connect(arguments("--home", str(tmp_path), "--url", url), role="importer") as session:
        assert session.key == "i"
    with connect(arguments("--home", str(tmp_path), "--url", url, "--key", "given")) as session:
        assert session.key == "given"


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8802", "https://127.0.0.1:8801", "http://elsewhere.test:8801", "http://127.0.0.1"],
)
def test_another_address_gets_no_key_of_the_running_stack(tmp_path: Path, url: str) -> None:
    running(tmp_path)
    with pytest.raises(
        ClientError, match=r"give --key or MOTCUA_KEY \(role importer\), or --home of a stack"
    ):
        connect(arguments("--home", str(tmp_path), "--url", url), role="importer")


def test_arguments_win_over_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTCUA_URL", "http://environment.test")
    monkeypatch.setenv("MOTCUA_KEY", "from-environment")
    with connect(arguments("--home", str(tmp_path))) as session:
        assert (session.url("intake"), session.key) == ("http://environment.test", "from-environment")
    with connect(arguments("--url", "http://argument.test", "--key", "given")) as session:
        assert (session.url("intake"), session.key) == ("http://argument.test", "given")
