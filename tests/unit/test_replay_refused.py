"""A history that is at fault is refused before a stack is started, and without the words of any stack."""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.home import Home, RunState, StackState
from motcua import own_stack, up
from motcua import replay as command
from motcua.__main__ import main
from motcua.failure import Failure
from motcua.replaying import autopsy
from motcua.replaying.history import HistoryError
from tests.fakes.door import FakeStack

HEADER = '{"history":{"time_to":"2020-12-31T23:59:59+07:00","dossiers":800}}'
LINES = [f'{{"key":"k{number}","action":"register"}}' for number in range(13)]


class Started(Exception):  # noqa: N818  what happened, not what went wrong
    """A stack was started."""


@pytest.fixture
def no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting a stack is an error."""

    def start(*_: object, **__: object) -> None:
        raise Started

    monkeypatch.setattr(own_stack, "LocalStack", start)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([HEADER, *LINES], "the header says 800 dossiers, the history holds 13"),
        (["<!doctype html>", *LINES], "line 1 is not JSON: "),
        ([*LINES, '{"key":"k13","act'], "line 14 is not JSON: "),
        (["[]"], "line 1 is not a JSON object"),
        ([], "the history is empty"),
    ],
)
@pytest.mark.usefixtures("no_stack")
def test_a_file_at_fault_is_refused_before_a_stack_is_started(
    lines: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "history.ndjson"
    file.write_text("\n".join(lines))
    assert main(["replay", str(file)]) == 1
    told = capsys.readouterr()
    assert told.err.startswith(f"motcua replay: {message}")
    assert told.err.count("\n") == 1
    assert told.out == ""


@pytest.mark.usefixtures("no_stack")
def test_a_whole_file_starts_one(tmp_path: Path) -> None:
    file = tmp_path / "history.ndjson"
    file.write_text("\n".join([HEADER.replace("800", "13"), *LINES]))
    with pytest.raises(Started):
        main(["replay", str(file)])


class _Pipe(io.BytesIO):
    """Standard input that can be read once."""

    def seekable(self) -> bool:
        return False


def _piped(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", argparse.Namespace(buffer=_Pipe(text.encode())))


@pytest.mark.usefixtures("no_stack")
def test_garbage_from_a_pipe_is_refused_at_its_first_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _piped(monkeypatch, "garbage\n" + "\n".join(LINES))
    assert main(["replay", "-"]) == 1
    assert "line 1 is not JSON" in capsys.readouterr().err


def test_a_pipe_that_was_cut_off_fails_after_its_last_line_and_before_the_clock(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = FakeStack()
    monkeypatch.setattr(command, "Client", lambda *_, **__: fake.client())
    _piped(monkeypatch, "\n".join([HEADER, *LINES]))
    assert main(["replay", "-", "--url", "http://intake.test", "--key", "key"]) == 1
    assert "the header says 800 dossiers, the history holds 13" in capsys.readouterr().err
    assert len(fake.taken) == 13
    assert fake.time_to is None


class _OwnStack:
    """A stack of the replay's own whose log is that of a real one."""

    intake_url = analytics_url = "http://intake.test"

    def __init__(self, home: Path) -> None:
        self.home = Home(home)
        self.home.logs.mkdir(parents=True)
        run = RunState(
            pid=1,
            started=0.0,
            state=StackState.READY,
            clock="log",
            broker="tansu",
            urls={"intake": "http://127.0.0.1:1", "analytics": "http://127.0.0.1:2"},
            processes=(),
        )
        greeting = up._welcome(self.home, run, {"admin": "secret-key"}, up._law("sample"))
        log = f"Stack in {home}.\n{greeting}\nworkflow ended with 70; restarting in 1 s\n"
        (self.home.logs / "up.log").write_text(log)

    def processes(self) -> list[object]:
        return []


def test_the_last_words_of_a_stack_hold_no_greeting(tmp_path: Path) -> None:
    stack = _OwnStack(tmp_path)
    assert "secret-key" in (stack.home.logs / "up.log").read_text()
    words = autopsy.last_words(stack)  # type: ignore[arg-type]  # the two members it asks for
    assert words == f"up| Stack in {tmp_path}.\nup| \nup| workflow ended with 70; restarting in 1 s\n"


@pytest.mark.parametrize(("error", "words"), [("history", 0), ("stack", 1)])
def test_only_a_failing_stack_has_last_words(
    error: str, words: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[object] = []

    def last_words(of: object) -> str:
        said.append(of)
        return ""

    @contextmanager
    def stack(*_: object, **__: object) -> Iterator[argparse.Namespace]:
        yield argparse.Namespace(intake_url="", analytics_url="", keys={"importer": "key"})

    def fail(*_: object, **__: object) -> None:
        raise HistoryError("at fault") if error == "history" else Failure("gave up")

    monkeypatch.setattr(own_stack, "LocalStack", stack)
    monkeypatch.setattr(command, "last_words", last_words)
    monkeypatch.setattr(command, "replay", fail)
    file = tmp_path / "history.ndjson"
    file.write_text(json.dumps({"key": "k", "at": "2020-01-01T08:00:00+07:00"}))
    assert main(["replay", str(file)]) == 1
    assert len(said) == words
