"""`motcua coverage`: the door's own figures, in words or as they are."""

from __future__ import annotations

import argparse
import json
from datetime import date

import httpx
import pytest
from msgspec.structs import replace

from contracts.words import Channel, OnlineLevel
from motcua import client
from motcua.__main__ import main
from tests.fakes.intake_broker import MemoryLog
from tests.fakes.intake_desk import desk, in_loop, law_in, procedure

LAW = (
    replace(procedure(), posted_on=date(2026, 1, 1), online=OnlineLevel.FULL, on_site=True),
    replace(procedure("2.000001"), channels=(Channel.COUNTER,)),
    procedure("2.000003"),
    replace(procedure("2.000002"), level="province|commune", online=OnlineLevel.PARTIAL),
)


def served(*, empty: bool = False) -> bytes:
    """What the door answers under the law above."""
    found: list[bytes] = []

    @in_loop
    async def ask() -> None:
        log = MemoryLog()
        if not empty:
            law_in(log, LAW)
        async with desk(log) as d:
            answer = await d.http.get("/v1/coverage", headers={"Authorization": "Bearer inspector"})
            found.append(answer.content)

    ask()
    return found[0]


def answering(monkeypatch: pytest.MonkeyPatch, status: int, content: bytes) -> None:
    def connect(args: argparse.Namespace, role: str) -> client.Client:
        assert role == "inspector"
        transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
        return client.Client("http://intake", "k", transport=transport)

    monkeypatch.setattr(client, "connect", connect)


def test_the_figures_in_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answering(monkeypatch, 200, served())
    assert main(["coverage"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "law version 1, 2026-03-05"
    assert lines[:7] == [
        "all:",
        "  procedures  4",
        "  public      1 of 4 (25.00%)",
        "  on site     1 of 4 (25.00%); 1 of 4 (25.00%) received at the centre",
        "  online      2 of 4 (50.00%): 1 in part, 1 from end to end",
        "  not online  1; online to not online 200.00%",
        "  unknown     1: taken in online, how far was never said",
    ]
    assert [line for line in lines if line.endswith(":")] == ["all:", "commune:", "province:"]
    assert lines[-3:] == [
        "  not online  0; online to not online -",
        "  unknown     0: taken in online, how far was never said",
        "A procedure of several levels counts in each of them: the levels may add up to more than all.",
    ]


def test_of_nothing_there_is_no_share(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, 200, served(empty=True))
    assert main(["coverage"]) == 0
    assert "  public      0 of 0 (-)" in capsys.readouterr().out


def test_the_figures_as_they_are(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    content = served()
    answering(monkeypatch, 200, content)
    assert main(["coverage", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(content)


def test_a_door_that_refuses_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, 401, b"{}")
    assert main(["coverage"]) == 1
    assert "401" in capsys.readouterr().err
