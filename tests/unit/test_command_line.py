"""The first word of the command line, hints that can be typed, and a service's reasons in words."""

from __future__ import annotations

import argparse
import ast
import contextlib
import http.server
import importlib.metadata
import re
import shutil
import sys
from pathlib import Path

import pytest

from deploy.local.home import Home, ProcessState, RunState, StackState
from deploy.local.ports import HOST
from deploy.local.probes import why_not_ready
from deploy.local.reasons import in_words
from motcua import brokers, hints, up
from motcua.__main__ import COMMANDS, main
from motcua.readiness import why_not
from tests.fakes.http_service import answering


def test_without_a_word_there_is_help_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert all(name in said.err for name in COMMANDS)
    assert "error" not in said.err


def test_the_version_is_the_distribution_s(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"motcua {importlib.metadata.version('motcua')}\n"


@pytest.mark.parametrize(
    "address", ["foo", "127.0.0.1:8801", "localhost:8801", "ftp://intake", "http://", "http://[::1"]
)
def test_an_address_that_is_none_is_called_so(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reconcile", "--url", address, "--key", "k"]) == 2
    assert f"not a URL: {address!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("up --port-base 70000", "--port-base must lie between 1 and 65531, got 70000"),
        ("up --broker apache --brokers 3 --port-base 65527", "between 1 and 65526, got 65527"),
        ("up --broker tansu --brokers 3", "Tansu is one process"),
        ("replay history.jsonl --brokers 3", "Tansu is one process"),
        ("replay history.jsonl --chaos 1 --url http://intake", "--chaos kills processes"),
        ("doctor --port-base 0", "--port-base must lie between 1 and 65531, got 0"),
        ("migrate --warehouse foo", "--warehouse: expected clickhouse://"),
    ],
)
def test_words_that_can_mean_nothing_are_wrong_usage(
    words: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MOTCUA_HOME", str(tmp_path / "home"))
    assert main(words.split()) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


def test_hints_name_what_the_shell_finds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = "start one with `motcua up`, or `motcua down`; motcua is installed"
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert hints.runnable(told) == told
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / ".venv"))
    monkeypatch.chdir(tmp_path)
    assert hints.command() == f"{sys.executable} -m motcua"
    script = tmp_path / ".venv" / "bin" / "motcua"
    script.parent.mkdir(parents=True)
    script.touch()
    assert hints.runnable(told) == told.replace("`motcua ", "`.venv/bin/motcua ")
    monkeypatch.chdir(script.parent)
    assert hints.command() == str(script)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["status", "--home", "{}"], "`.venv/bin/motcua up --home {}`"),
        (["reconcile", "--home", "{}"], "`.venv/bin/motcua up --home {}`"),
        (["dlq", "show", "x", "--bootstrap", "h:1", "--home", "{}"], "dlq list --home {} --bootstrap h:1`"),
    ],
)
def test_a_failure_names_a_command_that_can_be_typed(
    words: list[str],
    hint: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(hints, "command", lambda: ".venv/bin/motcua")
    monkeypatch.setattr(brokers, "connect", lambda bootstrap: None)
    assert main([word.format(tmp_path) for word in words]) == 1
    assert hint.format(tmp_path) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "told", "hint"),
    [
        ({"home": "x"}, "motcua up", "motcua up --home x"),
        ({"home": "a folder"}, "motcua down", "motcua down --home 'a folder'"),
        ({"home": "x"}, "motcua simulate --help", "motcua simulate --help"),
        ({"home": "x"}, "motcua doctor --home y", "motcua doctor --home y"),
        ({"url": "http://u", "home": None}, "motcua up", "motcua up"),
        ({"url": "http://u"}, "motcua reconcile --repair", "motcua reconcile --repair --url http://u"),
        (
            {"url": "http://u", "key": "s"},
            "motcua catalogue seed",
            "motcua catalogue seed --url http://u --key …",
        ),
        ({"bootstrap": "h:1"}, "motcua engine unpark d1", "motcua engine unpark d1 --bootstrap h:1"),
        ({"bootstrap": "h:1"}, "motcua up --port-base N", "motcua up --port-base N"),
        (
            {"warehouse": "clickhouse://u@h:1/d"},
            "motcua migrate --replicated",
            "motcua migrate --replicated --warehouse clickhouse://u@h:1/d",
        ),
        ({"warehouse": "clickhouse://u:secret@h:1/d"}, "motcua migrate", "motcua migrate --warehouse …"),
        ({"home": "x"}, "motcua nosuch", "motcua nosuch"),
    ],
)
def test_a_hint_is_about_the_stack_the_command_was_told_of(
    said: dict[str, str], told: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "command", lambda: "motcua")
    text = f"start with `{told}`, or `--home`"
    assert hints.runnable(text, argparse.Namespace(**said)) == f"start with `{hint}`, or `--home`"


@pytest.mark.parametrize(
    ("options", "told", "hint"),
    [
        (("--broker", "apache", "--port-base", "9000"), "up", "up --home x --broker apache --port-base 9000"),
        (
            ("--broker", "apache", "--ports", "auto"),
            "up --port-base N",
            "up --port-base N --home x --broker apache",
        ),
        (("--broker", "apache"), "up --broker apache", "up --broker apache --home x"),
        (("--broker", "apache"), "down", "down --home x"),
        ((), "up", "up --home x"),
    ],
)
def test_a_hint_starts_the_stack_as_it_was_started(
    options: tuple[str, ...], told: str, hint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hints, "command", lambda: "motcua")
    monkeypatch.chdir(tmp_path)
    Path("x").mkdir()
    last = {"pid": 1, "started": 1.0, "clock": "system", "broker": "apache", "urls": {}, "processes": ()}
    Home(Path("x")).write_run(RunState(**last, state=StackState.STOPPED, options=options))  # type: ignore[arg-type]  # plain data
    assert hints.runnable(f"`motcua {told}`", argparse.Namespace(home="x")) == f"`motcua {hint}`"
    elsewhere = argparse.Namespace(home="x", url="http://elsewhere")
    assert hints.runnable("`motcua up`", elsewhere) == "`motcua up --home x`"


def test_what_up_was_told_is_remembered_without_defaults() -> None:
    parser = argparse.ArgumentParser()
    up.configure(parser)
    assert up.options_of(parser.parse_args(["--home", "x", "--broker", "tansu"])) == ()
    words = ("--clock", "log", "--port-base", "9000", "--broker", "apache", "--brokers", "3")
    assert up.options_of(parser.parse_args(["--home", "x", *words])) == words


def test_up_with_another_broker_than_the_one_whose_data_lie_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hints, "command", lambda: "motcua")
    (tmp_path / "lock").touch()
    (tmp_path / "apache").mkdir()
    cluster = tmp_path / "apache" / "cluster.json"
    for content, options in (
        ('{"cluster_id":"x","brokers":1,"clock":"system"}', "--broker apache"),
        ('{"cluster_id":"x","brokers":3,"clock":"log"}', "--broker apache --brokers 3 --clock log"),
        ("torn", "--broker apache"),
    ):
        cluster.write_text(content)
        assert main(["up", "--home", str(tmp_path), "--ports", "auto"]) == 1
        said = capsys.readouterr().err
        assert f"`motcua up {options} --home {tmp_path}`, or name another folder with --home" in said
        assert sorted(path.name for path in tmp_path.iterdir()) == ["apache", "lock"]


def test_every_hint_in_a_message_can_be_made_runnable() -> None:
    """It stands in backticks and names a command."""
    for path in Path(hints.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                for before, name in re.findall(r"(.?)\bmotcua ([a-z]+)\b", node.value):
                    assert (before == "`") == (name in COMMANDS), f"{path.name}: {node.value}"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"ready": False, "assigned": [], "recovering": []}, "no partition is assigned to it yet"),
        ({"ready": False, "assigned": [1, 2], "recovering": [2]}, "still reading the states of partition 2"),
        (
            {"ready": False, "why": ["insert: away", "the sink does not move"], "partitions": [0, 1, 2]},
            "insert: away; the sink does not move",
        ),
        ({"ready": False, "why": "no law yet", "in_flight_records": 0, "law_version": 0}, "no law yet"),
        ({"ready": False, "law": "not yet read"}, "law: not yet read"),
        ({"ready": True, "assigned": [0], "recovering": []}, ""),
    ],
)
def test_reasons_are_words(said: dict[str, object], words: str) -> None:
    assert in_words(said) == words


def process(name: str, url: str, *, ready: bool) -> ProcessState:
    return ProcessState(name=name, pid=1, started=1.0, url=url, ready=ready, restarts=0, why="503")


def test_a_broker_that_takes_connections_and_says_nothing_is_not_ready() -> None:
    with http.server.HTTPServer((HOST, 0), http.server.BaseHTTPRequestHandler) as silent:  # never served
        why = why_not(process("broker-2", f"{HOST}:{silent.server_port}", ready=True))
    assert why == "the broker does not answer within 2 s"


def test_a_broker_that_answers_is_ready(broker: str) -> None:
    assert why_not(process("broker", broker, ready=True)) == ""


def unready(body: bytes) -> contextlib.AbstractContextManager[str]:
    """The address of a service that is not ready and says so."""
    return answering(lambda path: (503, body))


def test_a_service_is_asked_for_its_reasons() -> None:
    with unready(b'{"ready":false,"assigned":[],"recovering":[]}') as url:
        assert why_not(process("workflow", url, ready=False)) == "no partition is assigned to it yet"
        assert why_not(process("workflow", url, ready=True)) == ""
    assert why_not(process("workflow", url, ready=False)) == "503"
    assert why_not(process("warehouse", "clickhouse://default@x/default", ready=False)) == "503"


def test_the_supervisor_and_the_doctor_tell_reasons_in_the_same_words() -> None:
    with unready(b'{"ready":false,"why":["insert: away","it does not move"],"partitions":[0,1]}') as url:
        assert why_not_ready(url) == "insert: away; it does not move"
        assert why_not(process("analytics", url, ready=False)) == "insert: away; it does not move"
    with unready(b'{"ready":false}') as url:
        assert why_not_ready(url) == f"{url}/readyz says 503"
