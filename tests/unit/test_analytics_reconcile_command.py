"""`motcua reconcile` and `motcua rebuild`: what they ask and print, and when they fail."""

from __future__ import annotations

import argparse
import json
from typing import Any

import httpx
import msgspec
import pytest

from motcua import client, rebuild, reconcile
from motcua.client import Client
from motcua.failure import Failure
from services.analytics.web.problems import Problem, document


def proof(**changes: object) -> dict[str, Any]:
    part = {
        "partition": 0,
        "until": 9,
        "facts": 9,
        "dossiers": 3,
        "missing": 0,
        "duplicated": 0,
        "mismatched": 0,
        "gaps": 0,
        "unsaid": 0,
    }
    whole = {name: value for name, value in part.items() if name not in ("partition", "until")}
    return {**whole, "complete": True, "partitions": [part], **changes}


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    reconcile.configure(parser)
    return parser.parse_args(["--url", "http://intake", "--key", "k", *words])


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What analytics will answer; a test changes it."""
    said: dict[str, Any] = proof()

    def handle(request: httpx.Request) -> httpx.Response:
        assert request.method == "POST"
        assert request.url.path == said.pop("path", "/v1/reconcile")
        return httpx.Response(409 if "detail" in said else 200, json=said)

    def connect(args: argparse.Namespace, **options: object) -> Client:
        return Client(
            "http://intake", "k", analytics_url="http://board", transport=httpx.MockTransport(handle)
        )

    monkeypatch.setattr(client, "connect", connect)
    return said


def test_zero_is_the_only_good_answer(answer: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert reconcile.run(arguments()) == 0
    assert "agree" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["missing", "duplicated", "mismatched"])
def test_any_difference_fails(answer: dict[str, Any], kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer[kind] = 1
    assert reconcile.run(arguments()) == 1
    assert "DIFFER" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("also", "told"),
    [
        ({}, "motcua reconcile --repair --url http://intake --key …` puts it right"),
        ({"repaired": 4}, "docs/operations.md"),
        (
            {"partitions": [{**proof()["partitions"][0], "unsaid": 2}]},
            "start analytics once with MOTCUA_REPAIR=1",
        ),
    ],
)
def test_a_difference_names_the_next_step(
    answer: dict[str, Any], also: dict[str, Any], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer |= {"missing": 2, **also}
    assert reconcile.run(arguments()) == 1
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("own", "repaired", "told"),
    [
        (
            2,
            False,
            "--key …` puts it right, but for rows of partitions the log does not have (32, 40): no repair",
        ),
        (
            0,
            False,
            "trust no figure. Rows of partitions the log does not have (32, 40): no repair touches them",
        ),
        (
            0,
            True,
            "trust no figure. Rows of partitions the log does not have (32, 40): no repair touches them",
        ),
    ],
)
def test_what_no_repair_touches_is_promised_to_none(
    answer: dict[str, Any], own: int, repaired: bool, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    part = proof()["partitions"][0]
    strays = [{**part, "partition": number, "duplicated": 3} for number in (32, 40)]
    answer |= {"missing": own, "duplicated": 6, "partitions": [{**part, "missing": own}, *strays]}
    words = ["--repair"] if repaired else []
    answer |= {"path": "/v1/reconcile/repair", "repaired": 0} if repaired else {}
    assert reconcile.run(arguments(*words)) == 1
    said = capsys.readouterr().out
    assert told in said
    assert ("--repair" in said) == (own > 0)


def test_json_is_the_answer_itself(answer: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert reconcile.run(arguments("--json")) == 0
    assert json.loads(capsys.readouterr().out) == answer


def test_a_part_of_the_partitions_is_no_proof(answer: dict[str, Any]) -> None:
    answer["complete"] = False
    with pytest.raises(Failure, match="part of the partitions"):
        reconcile.run(arguments())


def test_a_repair_is_asked_for_and_told(answer: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    answer |= {"path": "/v1/reconcile/repair", "repaired": 4}
    assert reconcile.run(arguments("--repair")) == 0
    assert "Repaired: 4 differences.\nLog and warehouse agree." in capsys.readouterr().out


def test_a_repair_after_which_something_differs_fails(answer: dict[str, Any]) -> None:
    answer |= {"path": "/v1/reconcile/repair", "repaired": 4, "mismatched": 1}
    assert reconcile.run(arguments("--repair")) == 1


def rebuilding(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    rebuild.configure(parser)
    return parser.parse_args(["--url", "http://intake", "--key", "k", *words])


def test_a_rebuild_says_what_was_rebuilt(answer: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    took = {"seconds": 1.25, "held_seconds": 0.5}
    done = {"roll_ups": ["figures"], "complete": True, "partitions": [{"partition": 0}], **took}
    answer |= {"path": "/v1/rebuild", **done}
    assert rebuild.run(rebuilding()) == 0
    assert (
        capsys.readouterr().out
        == "Rebuilt figures of 1 partitions in 1.2 s; the sink stood still for 0.5 s.\n"
    )
    answer |= {"path": "/v1/rebuild"}
    assert rebuild.run(rebuilding("--json")) == 0
    assert json.loads(capsys.readouterr().out)["seconds"] == 1.25
    answer |= {"path": "/v1/rebuild", "complete": False}
    with pytest.raises(Failure, match="part of the partitions"):
        rebuild.run(rebuilding())


def test_a_rebuild_that_is_refused_says_what_helps(answer: dict[str, Any]) -> None:
    answer |= {"path": "/v1/rebuild", **msgspec.to_builtins(document(Problem("rows_differ")))}
    with pytest.raises(Failure, match=r"motcua reconcile --repair.*\(rows_differ\)"):
        rebuild.run(rebuilding())
