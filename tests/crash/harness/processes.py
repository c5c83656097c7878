"""Our processes on a broker of their own: the door and the workers, each with the settings of a stack.

What should run and has ended is started again, as a supervisor would, whenever somebody waits here.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from contracts.topics import DOSSIER_PARTITIONS
from contracts.words import Role
from deploy.local.broker import BrokerKind
from deploy.local.home import Home
from deploy.local.keys import ensure_secrets
from deploy.local.leash import leashed
from deploy.local.plan import base_environment, service_settings
from deploy.local.ports import HOST, free_ports
from motcua.catalogue import calendar_change, sample_changes
from motcua.client import Client
from tests.waiting import wait_until

PATIENCE: Final = 120.0
STARTED_AGAIN: Final = frozenset({70, -signal.SIGKILL})
"""How a process may end here of which nobody asked it; anything else is a finding."""


class UnexpectedEndError(Exception):
    """A process ended in a way no accident explains."""


class Process:
    """One of ours; `start` again and again on the same port."""

    def __init__(self, name: str, service: str, env: dict[str, str], port: int, log: Path) -> None:
        self.name, self.url, self.log = name, f"http://{HOST}:{port}", log
        self.wanted = False
        self._command = [sys.executable, "-m", f"services.{service}"]
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it must not run."""
        assert self.code is not None
        self.wanted = True
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                leashed(self._command, signal.SIGKILL),
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return 0 if self._process is None else self._process.poll()

    def send(self, number: signal.Signals) -> None:
        """A signal, to a process that runs."""
        assert self._process is not None
        assert self.code is None, f"{self.name} ended with {self.code}"
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, if it runs; it stays dead until it is started."""
        self.wanted = False
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def stop(self) -> None:
        """SIGTERM, and its orderly end."""
        self.wanted = False
        self.send(signal.SIGTERM)
        assert self._process is not None
        self._process.wait(PATIENCE)

    def ended(self, seconds: float) -> int:
        """Its exit code, within that time."""
        assert self._process is not None
        return self._process.wait(seconds)

    def readiness(self) -> dict[str, Any]:
        """The body of its readiness; empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as response:
                body: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            body = json.load(error)
        except (OSError, ValueError):  # not there, or killed while it answered
            return {}
        return body

    @property
    def has(self) -> list[int]:
        """The partitions it has."""
        return list(self.readiness().get("assigned", ()))


class Processes:
    """The door and workers named workflow-0, workflow-1, … on the broker at `bootstrap`."""

    def __init__(self, folder: Path, bootstrap: str, kind: BrokerKind, clock: str) -> None:
        self._home, self._kind, self._clock = Home(folder / "home"), kind, clock
        self._urls = {"broker": bootstrap, "warehouse": "", "analytics": f"http://{HOST}:1"}
        self._home.logs.mkdir(parents=True)
        self._keys = ensure_secrets(self._home)
        self._all: list[Process] = []
        self.again: list[str] = []
        self.door = self._made("intake-0", "intake")
        self.workers = [self._made("workflow-0", "workflow"), self._made("workflow-1", "workflow")]

    def _made(self, name: str, service: str) -> Process:
        [port] = free_ports(1)
        here = f"http://{HOST}:{port}"
        urls = {**dict.fromkeys(("intake", "workflow"), here), **self._urls}
        settings = service_settings(self._home, self._clock, urls, self._kind)[service]
        env = {**base_environment(os.environ), **settings, "MOTCUA_INSTANCE": name}
        self._all.append(Process(name, service, env, port, self._home.logs / f"{name}.log"))
        return self._all[-1]

    def client(self, role: Role) -> Client:
        """A client of the door."""
        return Client(self.door.url, self._keys[role.value], timeout=PATIENCE)

    def begin(self) -> None:
        """The door and the first worker, and the sample law in force."""
        self.door.start()
        self.workers[0].start()
        self.wait_ready(self.door)
        with self.client(Role.ADMIN) as client:
            client.post("/v1/law", {"changes": [calendar_change(), *sample_changes()]})
        self.wait_ready(self.workers[0])

    def end(self) -> None:
        """Kill what still runs."""
        for process in self._all:
            process.kill()

    def tend(self) -> None:
        """Start again what should run and does not. Raises UnexpectedEndError for a refusal."""
        for process in self._all:
            code = process.code
            if process.wanted and code is not None:
                if code not in STARTED_AGAIN:
                    raise UnexpectedEndError(f"{process.name} ended with exit code {code}")
                self.again.append(f"{process.name} ({code})")
                process.start()

    def wait(self, condition: Callable[[], object], what: str, every: float = 0.05) -> None:
        """Wait for `condition`; meanwhile nobody stays dead. Raises TimeoutError."""

        def met() -> bool:
            self.tend()
            return bool(condition())

        wait_until(met, PATIENCE, what, every=every)

    def wait_ready(self, process: Process) -> None:
        """Until it says so."""
        self.wait(lambda: process.readiness().get("ready"), f"{process.name} to be ready")

    def wait_all(self, process: Process) -> None:
        """Until a worker has every partition, recovered."""
        self.wait(
            lambda: process.readiness().get("ready") and len(process.has) == DOSSIER_PARTITIONS,
            f"{process.name} to have every partition",
        )

    def last_words(self) -> str:
        """The ends of the logs."""
        words = [
            f"--- {one.name}\n{one.log.read_text(errors='replace')[-4000:]}"
            for one in self._all
            if one.log.exists()
        ]
        return "\n".join(words)


def pause(seconds: float) -> None:
    """Let time pass: not for something to happen, but for it to be in the middle of happening."""
    time.sleep(seconds)
