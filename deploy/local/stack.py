"""A whole stack as an object, for the replay and for tests: `with LocalStack(home=folder) as stack: …`

It is `motcua up` in a child process, so what is tried here is what people run. Leaving the block stops the
stack; should this process be killed, the leash stops it too. Enter the block from a thread that lives as
long as the stack (the kernel ties the leash to the thread).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Literal

import psutil

from deploy.local.errors import StackError
from deploy.local.home import Home, ProcessState, RunState, StackState, is_alive
from deploy.local.jars import ensure_jars
from deploy.local.leash import leashed

_STOP_SECONDS = 90.0


class LocalStack:
    """Broker, warehouse and the three services. Raises StackError with the reason when it cannot start."""

    def __init__(
        self,
        home: Path | str,
        *,
        clock: Literal["system", "log"] = "system",
        ports: Literal["auto", "default"] = "auto",
        seed: Literal["sample", "calendar", "none"] = "sample",
        broker: Literal["tansu", "apache"] = "tansu",
        brokers: int = 1,
        ready_seconds: float | None = None,
    ) -> None:
        """`home`: a folder of its own; `seed`: the law enacted before the block is entered.

        Apache Kafka (one or three `brokers`) keeps its data in `home`: the same folder again goes on there.
        """
        self.home = Home(Path(home).resolve())
        self._options = [
            *("--clock", clock, "--ports", ports, "--seed", seed),
            *("--broker", broker, "--brokers", str(brokers)),
        ]
        self._fetch = broker == "apache"
        self._ready_seconds = ready_seconds or (300.0 if self._fetch else 120.0)
        self._up: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> LocalStack:
        if self._fetch:  # before the time for becoming ready begins: a download takes as long as it takes
            ensure_jars(lambda _: None)
        self.home.logs.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "motcua", "up", "--home", str(self.home.path), *self._options]
        with self._log.open("wb") as log:
            self._up = subprocess.Popen(
                leashed(command, signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,  # a Ctrl-C for the caller is not one for the stack
            )
        try:
            self._wait(lambda: self._state_is(StackState.READY), self._ready_seconds, "the stack to be ready")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _log(self) -> Path:
        return self.home.logs / "up.log"

    @property
    def intake_url(self) -> str:
        """http://127.0.0.1:port"""
        return self.state().urls["intake"]

    @property
    def analytics_url(self) -> str:
        """http://127.0.0.1:port"""
        return self.state().urls["analytics"]

    @property
    def keys(self) -> dict[str, str]:
        """Development API keys by role (contracts.words.Role)."""
        return self.home.dev_keys()

    @property
    def supervisor_pid(self) -> int:
        """The process that runs `motcua up`."""
        if self._up is None:
            raise StackError("the stack has not been started")
        return self._up.pid

    def state(self) -> RunState:
        """The stack as its supervisor last described it. Raises StackError when it is gone."""
        state = self.home.read_run()
        if self._up is None or state is None or state.pid != self._up.pid:
            raise StackError(f"no stack of ours runs in {self.home.path}")
        return state

    def processes(self) -> list[ProcessState]:
        """name, pid, url, ready and restarts of each process; pid is None while one is down."""
        return list(self.state().processes)

    def process(self, name: str) -> ProcessState:
        """One process. Raises KeyError for a name the stack does not have."""
        for one in self.processes():
            if one.name == name:
                return one
        raise KeyError(name)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a process of the stack, SIGKILL by default; its pid. StackError when down."""
        one = self.process(name)
        if one.pid is None or not is_alive(one.pid, one.started):
            raise StackError(f"{name} is down already")
        os.kill(one.pid, number)
        return one.pid

    def wait_ready(self, name: str, seconds: float = 60.0, *, other_than: int | None = None) -> ProcessState:
        """Wait until a process is ready again, with another pid than `other_than`. Raises StackError."""

        def ready() -> bool:
            one = self.process(name)
            return one.ready and one.pid is not None and one.pid != other_than

        self._wait(ready, seconds, f"{name} to be ready")
        return self.process(name)

    def rss_bytes(self) -> int:
        """Resident memory of all processes and the supervisor, summed (shared pages count in each)."""
        pids = [self.supervisor_pid, *(one.pid for one in self.processes() if one.pid is not None)]
        total = 0
        for pid in pids:
            with contextlib.suppress(psutil.Error):
                total += int(psutil.Process(pid).memory_info().rss)
        return total

    def stop(self) -> None:
        """Stop everything; harmless when it is stopped. Raises StackError when it takes too long."""
        up = self._up
        if up is None or up.poll() is not None:
            return
        up.terminate()
        try:
            up.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            up.kill()  # the leashes take the rest down
            up.wait()
            raise StackError(f"the stack did not stop within {_STOP_SECONDS:g} s\n{self._words()}") from error

    def _state_is(self, wanted: StackState) -> bool:
        state = self.home.read_run()
        return state is not None and state.pid == self.supervisor_pid and state.state is wanted

    def _wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        until = time.monotonic() + seconds
        while not condition():
            if self._up is None or self._up.poll() is not None:
                raise StackError(f"the stack ended while waiting for {what}:\n{self._words()}")
            if time.monotonic() > until:
                raise StackError(f"waited {seconds:g} s for {what}:\n{self._words()}")
            time.sleep(0.05)

    def _words(self) -> str:
        try:
            return self._log.read_text(errors="replace")[-4000:]
        except OSError:
            return ""
