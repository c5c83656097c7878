"""`motcua status`, `down` and `doctor` against stacks that run, have run, and never ran."""

from __future__ import annotations

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.home import Home, ProcessState, RunState, StackState, start_time
from deploy.local.leash import leashed
from deploy.local.ports import HOST, free_ports
from motcua.__main__ import COMMANDS, load, main
from motcua.doctor import Finding, stack
from motcua.hints import command
from tests.waiting import wait_until

SECONDS = 40.0


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def fake_stack(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    """Two fakes under the real supervisor, ready."""
    first, second = free_ports(2)
    command = [sys.executable, "-m", "tests.integration.fake_stack", "up", str(home.path)]
    process = subprocess.Popen(leashed([*command, f"plain-a={first}", f"plain-b={second}"], signal.SIGTERM))

    def ready() -> bool:
        run = home.running()
        return run is not None and run.state is StackState.READY

    try:
        wait_until(ready, SECONDS, "the fake stack to be ready")
        yield process
    finally:
        process.terminate()
        process.wait(SECONDS)


def stale(home: Home, leftover: ProcessState | None = None) -> None:
    """A run.json whose supervisor is gone."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    home.path.mkdir(parents=True)
    home.write_run(
        RunState(
            pid=gone.pid,
            started=1.0,
            state=StackState.READY,
            clock="system",
            broker="tansu",
            urls={},
            processes=(leftover,) if leftover else (),
        )
    )


def test_status_lists_the_processes(
    home: Home, fake_stack: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--home", str(home.path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["ready"], row["restarts"]) for row in rows] == [
        ("plain-a", True, 0),
        ("plain-b", True, 0),
    ]
    assert all(start_time(row["pid"]) and row["url"].startswith(f"http://{HOST}:") for row in rows)

    assert main(["status", "--home", str(home.path)]) == 0
    assert "ready, system clock, supervisor pid" in capsys.readouterr().out


def test_down_stops_it_and_is_harmless_again(
    home: Home, fake_stack: subprocess.Popen[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["down", "--home", str(home.path)]) == 0
    assert fake_stack.wait(SECONDS) == 0
    assert main(["down", "--home", str(home.path)]) == 0
    assert "no stack runs" in capsys.readouterr().out
    assert main(["status", "--home", str(home.path)]) == 1
    assert "no stack runs" in capsys.readouterr().err


def test_doctor_finds_nothing_on_a_clean_machine(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    base = free_base()
    assert main(["doctor", "--home", str(home.path), "--port-base", str(base)]) == 0
    assert "WRONG" not in capsys.readouterr().out


def test_doctor_names_a_taken_port_and_its_holder(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    base = free_base()
    with socket.socket() as taken:
        taken.bind((HOST, base + 1))
        taken.listen()
        assert main(["doctor", "--home", str(home.path), "--port-base", str(base)]) == 1
    out = capsys.readouterr().out
    assert f"WRONG port {base + 1} of analytics is taken by pid {os.getpid()} (" in out
    assert f"-> stop it, or start with `{command()} up --port-base N --home {home.path}`" in out


def test_doctor_finds_a_stale_pid_and_what_it_left(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    mine = ProcessState(
        name="intake", pid=os.getpid(), started=start_time(os.getpid()), url="", ready=True, restarts=0
    )
    stale(home, mine)
    assert main(["doctor", "--home", str(home.path), "--port-base", str(free_base())]) == 1
    out = capsys.readouterr().out
    assert "run.json is stale: supervisor pid" in out
    assert "WRONG intake of that stack is left running" in out
    assert f"-> kill {os.getpid()}" in out


def test_doctor_says_why_a_service_refused() -> None:
    reason = "ended with exit code 74 and is not started again: table figures must have a window"
    analytics = ProcessState(
        name="analytics", pid=None, started=None, url="", ready=False, restarts=0, why=reason
    )
    running = RunState(
        pid=os.getpid(),
        started=1.0,
        state=StackState.READY,
        clock="system",
        broker="tansu",
        urls={"broker": f"{HOST}:1", "warehouse": f"clickhouse://default@{HOST}:1/default"},
        processes=(analytics,),
    )
    told = Finding(False, f"analytics is down: {reason}", "read logs/analytics.log in the stack's folder")
    assert told in list(stack(running))


def test_status_of_a_stale_stack_is_no_stack(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    stale(home)
    assert main(["status", "--home", str(home.path)]) == 1
    assert "no stack runs" in capsys.readouterr().err


def test_up_on_a_taken_port_says_whose_it_is(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    base = free_base()
    with socket.socket() as taken:
        taken.bind((HOST, base))
        taken.listen()
        assert main(["up", "--home", str(home.path), "--port-base", str(base)]) == 1
    assert f"port {base} of intake is taken by pid {os.getpid()}" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_offers_help_and_a_module(name: str) -> None:
    command = load(name)
    assert command.HELP
    assert callable(command.configure)
    assert callable(command.run)
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named 'faust' for {name}", name="faust")

    monkeypatch.setattr(importlib, "import_module", missing)
    assert main(["status"]) == 1
    assert capsys.readouterr().err == (
        "motcua status: the package faust is missing: pip install 'motcua[local]'\n"
    )


def free_base() -> int:
    """Five free ports in a row."""
    for _ in range(50):
        [base] = free_ports(1)
        if base < 65000 and all(_is_free(base + n) for n in range(5)):
            return base
    raise AssertionError("no five free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
