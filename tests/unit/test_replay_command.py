"""The whole command against a fake stack: figures, exit code, and what it says."""

from __future__ import annotations

import argparse
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from deploy.local.home import Home, RunState, StackState, start_time
from motcua import replay as command
from motcua.client import Client
from motcua.failure import Failure
from motcua.replaying.history import Recording
from motcua.replaying.report import Figures, Reconciliation, Report, read_figures, read_reconciliation
from tests.fakes.door import FakeStack

HEADER = (
    '{"history":{"time_to":"2020-12-31T23:59:59+07:00","period":{"from":"2020-01-01","to":"2020-12-31"},'
    '"dossiers":3}}'
)
HISTORY = "\n".join([HEADER, *(f'{{"key":"k{n}","action":"register"}}' for n in range(3)), ""])


def _args(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return parser.parse_args(words)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "history.ndjson"
    path.write_text(HISTORY)
    return path


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    """Clients made by the command talk to this stack."""
    fake = FakeStack()

    def client(intake_url: str, key: str | None, **_: object) -> Client:
        assert (intake_url, key) == ("http://intake.test", "key")
        return fake.client()

    monkeypatch.setattr(command, "Client", client)
    return fake


def _run(file: Path, *words: str) -> int:
    return command.run(_args(str(file), "--url", "http://intake.test", "--key", "key", *words))


def test_all_is_sent_the_clock_moved_and_the_figures_printed(
    stack: FakeStack, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(file, "--json") == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    seconds = printed.pop("seconds")
    assert printed.pop("commands_per_second") > 0
    assert seconds > 0
    assert printed == {
        "commands": 3,
        "received": 3,
        "early": 0,
        "on_time": 0,
        "late": 0,
        "not_due": 0,
        "paused": 0,
        "supplement_requested": 0,
        "refused": 0,
        "withdrawn": 0,
        "stopped": 0,
        "declined": 0,
        "late_by_original": 0,
        "reconciliation": {"missing": 0, "duplicated": 0, "mismatched": 0},
        "facts": 9,
        "refused_lines": 0,
        "repeated_lines": 0,
        "peak_rss_bytes": None,
    }
    assert stack.taken == ["k0", "k1", "k2"]
    assert stack.time_to == "2020-12-31T23:59:59+07:00"
    assert stack.figures_query == {"from": "2020-01-01", "to": "2020-12-31"}
    assert stack.asked.index("POST /v1/time") > stack.asked.index("POST /v1/commands")


@pytest.mark.parametrize("wrong", ["missing", "duplicated", "mismatched"])
def test_a_reconciliation_that_is_not_zero_fails(
    stack: FakeStack, file: Path, wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.reconciliation[wrong] = 1
    assert _run(file) == 1
    assert "Reconciliation" in capsys.readouterr().out


def test_a_line_refused_for_good_fails_and_is_named(
    stack: FakeStack, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.refused = frozenset({"k1"})
    assert _run(file) == 1
    assert "refused for good: 422 unknown procedure (unknown_procedure): k1" in capsys.readouterr().err


def test_a_stack_on_the_wall_clock_is_refused_before_anything_is_sent(stack: FakeStack, file: Path) -> None:
    stack.clock = "system"
    with pytest.raises(Failure, match="'system'; a replay needs one that runs on `log`"):
        _run(file)
    assert stack.asked == ["GET /v1/about"]


def test_chaos_needs_a_stack_of_its_own(stack: FakeStack, file: Path) -> None:
    with pytest.raises(Failure, match="cannot be used with --url"):
        _run(file, "--chaos", "1")
    with pytest.raises(Failure, match="needs a stack of its own"):
        command.replay(
            Recording(HISTORY.encode().splitlines()),
            command.Target(stack.client(), stack.client()),
            patience=1,
            chaos_seed=1,
        )


def test_a_key_is_needed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MOTCUA_KEY", raising=False)
    with pytest.raises(Failure, match=r"no API key for http://intake\.test: give --key or MOTCUA_KEY"):
        command.run(_args(str(file), "--url", "http://intake.test"))
    with pytest.raises(Failure, match="not a URL: 'intake'"):
        command.run(_args(str(file), "--url", "intake", "--key", "key"))


def test_the_stack_of_the_home_gives_the_key_when_it_is_the_one_named(
    stack: FakeStack, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MOTCUA_KEY", raising=False)
    home = Home(tmp_path / "home")
    home.path.mkdir()
    home.dev_keys_file.write_text('{"importer": "key"}')
    run = RunState(
        pid=os.getpid(),
        started=start_time(os.getpid()) or 0.0,
        state=StackState.READY,
        clock="log",
        broker="tansu",
        urls={"intake": "http://intake.test"},
        processes=(),
    )
    home.write_run(run)
    assert command.run(_args(str(file), "--url", "http://intake.test", "--home", str(home.path))) == 0
    assert len(stack.taken) == 3


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(Failure, match=r"nowhere\.ndjson: No such file"):
        command.run(_args("nowhere.ndjson", "--url", "http://intake.test", "--key", "key"))


def test_the_table_names_every_figure_in_both_languages() -> None:
    figures = Figures(
        received=5012,
        early=3093,
        on_time=1896,
        late=0,
        not_due=16,
        paused=3,
        supplement_requested=3,
        refused=4,
        withdrawn=0,
        stopped=0,
        declined=0,
        late_by_original=0,
    )
    table = Report(
        figures=figures,
        reconciliation=Reconciliation(0, 0, 0, 32_000),
        commands=32_000,
        refused_lines=0,
        repeated_lines=0,
        seconds=16.0,
        peak_rss_bytes=900 * 2**20,
    ).as_table()
    lines = table.splitlines()
    assert lines[0] == f"{'Received':<36}{'Tiếp nhận':<20}{'5,012':>12}"
    assert len({len(line) for line in lines[:-1]}) == 1
    assert lines[-1] == "32,000 commands in 16.0 s (2,000/s), peak memory 900 MiB"


def test_an_answer_that_is_no_figures_is_a_failure() -> None:
    with pytest.raises(Failure, match=r"/v1/figures with something else.*early"):
        read_figures({"received": 1})
    with pytest.raises(Failure, match="/v1/reconcile"):
        read_reconciliation({"missing": None, "duplicated": 0, "mismatched": 0})


def test_the_period_of_the_header_is_read_as_days() -> None:
    about = Recording([HEADER.encode()]).about
    assert about is not None
    assert about.period is not None
    assert about.period.first == date(2020, 1, 1)
