"""The supervisor with fake services: order, restarts, limits, and nothing left running whatever dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.home import Home, ProcessState, RunState, StackState, is_alive
from deploy.local.leash import leashed
from deploy.local.ports import free_ports
from tests.waiting import wait_until

SECONDS = 40.0


@dataclass
class Running:
    """A fake stack in a child process."""

    home: Home
    process: subprocess.Popen[str]

    def ready(self) -> RunState:
        def check() -> RunState | None:
            assert self.process.poll() is None, self.process.communicate()
            run = self.home.running()
            return run if run is not None and run.state is StackState.READY else None

        return wait_until(check, SECONDS, "the stack to be ready")

    def one(self, name: str) -> ProcessState:
        run = self.home.read_run()
        assert run is not None
        return next(one for one in run.processes if one.name == name)

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, out, err


class Launcher:
    """Starts fake stacks and ends them with the test."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self._started: list[subprocess.Popen[str]] = []

    def __call__(self, *kinds: str) -> Running:
        pairs = [f"{kind}={port}" for kind, port in zip(kinds, free_ports(len(kinds)), strict=True)]
        command = [sys.executable, "-m", "tests.integration.fake_stack", "up", str(self.home.path), *pairs]
        process = subprocess.Popen(
            leashed(command, signal.SIGTERM), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._started.append(process)
        return Running(self.home, process)

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=SECONDS)


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launcher]:
    launcher = Launcher(tmp_path)
    yield launcher
    launcher.close()


def none_left(processes: Sequence[ProcessState]) -> bool:
    return not any(is_alive(one.pid, one.started) for one in processes)


def test_starts_everything_and_stops_in_reverse_order(launch: Launcher) -> None:
    stack = launch("plain-a", "plain-b", "plain-c")
    run = stack.ready()
    assert [one.name for one in run.processes] == ["plain-a", "plain-b", "plain-c"]
    assert all(one.ready and is_alive(one.pid, one.started) for one in run.processes)

    stack.process.send_signal(signal.SIGTERM)
    code, _, _ = stack.end()

    assert code == 0
    assert none_left(run.processes)
    assert (launch.home.path / "order").read_text().split() == ["plain-c", "plain-b", "plain-a"]
    last = launch.home.read_run()
    assert last is not None
    assert last.state is StackState.STOPPED
    assert [one.pid for one in last.processes] == [None, None, None]


def test_a_killed_service_comes_back_under_another_pid(launch: Launcher) -> None:
    stack = launch("plain-a", "plain-b")
    stack.ready()
    before = stack.one("plain-b")
    assert before.pid is not None

    os.kill(before.pid, signal.SIGKILL)

    def back() -> bool:
        now = stack.one("plain-b")
        return now.ready and now.restarts == 1 and now.pid not in (None, before.pid)

    wait_until(back, SECONDS, "plain-b to be ready again")
    assert is_alive(stack.one("plain-b").pid, stack.one("plain-b").started)
    assert stack.one("plain-a").restarts == 0


def test_the_death_of_the_vital_process_ends_the_stack_with_a_reason(launch: Launcher) -> None:
    stack = launch("plain-a", "plain-b")
    run = stack.ready()
    vital = stack.one("plain-a")
    assert vital.pid is not None

    os.kill(vital.pid, signal.SIGKILL)
    code, _, err = stack.end()

    assert code == 1
    assert "plain-a was killed by SIGKILL; the stack ends with it" in err
    assert none_left(run.processes)
    last = launch.home.read_run()
    assert last is not None
    assert last.state is StackState.FAILED
    assert "plain-a was killed" in last.message


def test_a_killed_supervisor_leaves_nothing_and_the_next_one_starts(launch: Launcher) -> None:
    stack = launch("plain-a", "stubborn-b")
    run = stack.ready()

    stack.process.kill()
    stack.end()

    wait_until(lambda: none_left(run.processes), SECONDS, "the orphans to be gone")
    assert launch.home.running() is None
    again = launch("plain-a", "plain-b").ready()
    assert again.pid != run.pid


def test_a_service_that_ignores_the_signal_is_killed(launch: Launcher) -> None:
    stack = launch("plain-a", "stubborn-b")
    run = stack.ready()

    stack.process.send_signal(signal.SIGTERM)
    code, out, _ = stack.end()

    assert code == 0
    assert "stubborn-b did not stop in time; killing it" in out
    assert none_left(run.processes)


def test_a_service_that_does_not_start_ends_the_stack_with_its_last_words(launch: Launcher) -> None:
    stack = launch("plain-a", "broken-b")
    code, _, err = stack.end()

    assert code == 1
    assert "broken-b does not start: it ended with exit code 1" in err
    assert "broken on purpose" in err
    last = launch.home.read_run()
    assert last is not None
    assert none_left(last.processes)


def test_a_service_that_refuses_to_start_is_asked_once(launch: Launcher) -> None:
    stack = launch("plain-a", "refusing-b")
    code, out, err = stack.end()

    assert code == 1
    assert "refusing-b does not start: it ended with exit code 78" in err
    assert err.count("this needs a person") == 1
    assert "restarting" not in out


def test_a_service_that_refuses_to_go_on_is_left_and_the_others_go_on(launch: Launcher) -> None:
    stack = launch("plain-a", "doubting-b", "plain-c")
    run = stack.ready()
    doubting = stack.one("doubting-b")
    assert doubting.pid is not None
    os.kill(doubting.pid, signal.SIGUSR1)
    reason = "ended with exit code 78 and is not started again: CRITICAL this needs a person"
    wait_until(lambda: stack.one("doubting-b").why == reason, SECONDS, "the refusal to be seen")
    asked = [sys.executable, "-m", "motcua", "status", "--home", str(launch.home.path)]
    told = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert told.returncode == 1
    assert f"not ready: {reason}\n" in told.stdout
    os.kill(next(one.pid for one in run.processes if one.name == "plain-c") or 0, signal.SIGKILL)
    wait_until(lambda: stack.one("plain-c").restarts == 1, SECONDS, "the other to be started again")
    left = stack.one("doubting-b")
    assert (left.pid, left.restarts, left.ready) == (None, 0, False)

    stack.process.send_signal(signal.SIGTERM)
    code, out, _ = stack.end()
    assert code == 0
    assert "doubting-b ended with exit code 78 and is not started again: CRITICAL this needs a person" in out


def test_a_service_that_is_never_ready_ends_the_stack_with_its_own_reason(launch: Launcher) -> None:
    stack = launch("plain-a", "unready-b")
    code, _, err = stack.end()

    assert code == 1
    assert "unready-b is not ready after 2 s: law: not yet read" in err


def test_a_second_stack_in_the_same_home_is_refused_and_harms_nothing(launch: Launcher) -> None:
    first = launch("plain-a", "plain-b")
    run = first.ready()

    code, _, err = launch("plain-a", "plain-b").end()

    assert code == 1
    assert "already running" in err
    assert run.urls["plain-b"] in err
    assert first.ready() == run


def test_a_folder_with_other_files_is_refused_and_left_alone(launch: Launcher) -> None:
    warehouse = launch.home.path / "warehouse"
    warehouse.mkdir(parents=True)

    code, _, err = launch("plain-a", "plain-b").end()

    assert code == 1
    assert "holds other files (warehouse, …)" in err
    assert [entry.name for entry in launch.home.path.iterdir()] == ["warehouse"]


def test_a_stop_while_starting_leaves_nothing(launch: Launcher) -> None:
    stack = launch("plain-a", "unready-b")

    def second_stage() -> RunState | None:
        assert stack.process.poll() is None, stack.process.communicate()
        run = launch.home.read_run()
        return run if run is not None and run.processes[1].pid is not None else None

    run = wait_until(second_stage, SECONDS, "the second stage to start")
    stack.process.send_signal(signal.SIGINT)
    code, _, err = stack.end()

    assert (code, err) == (0, "")
    assert none_left(run.processes)
