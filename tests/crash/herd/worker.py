"""One workflow process: started, watched, killed, started again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from deploy.local.leash import leashed
from deploy.local.ports import HOST, free_ports
from tests.brokers import KIND
from tests.waiting import wait_until

READY_SECONDS = 600.0


class OneWorker:
    """Workflow on `bootstrap`, its log in `folder`."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self._bootstrap, self._log = bootstrap, folder / "workflow.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._url, self._began = "", 0.0

    def start(self) -> None:
        """Start it, and do not wait."""
        [port] = free_ports(1)
        self._url = f"http://{HOST}:{port}"
        environ = os.environ | {
            "MOTCUA_KAFKA": self._bootstrap,
            "MOTCUA_BROKER": KIND.value,
            "MOTCUA_HTTP": f"{HOST}:{port}",
            "MOTCUA_INSTANCE": "workflow-0",
        }
        self._began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                leashed([sys.executable, "-m", "services.workflow"], signal.SIGKILL),
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ready(self) -> float:
        """Wait until it is ready; seconds since its start."""
        wait_until(self._ready, READY_SECONDS, "workflow to be ready", every=0.1)
        return time.monotonic() - self._began

    def kill(self) -> None:
        """SIGKILL; harmless when it is down."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait."""
        self._end(signal.SIGTERM)

    def memory(self) -> tuple[int, int]:
        """Resident bytes now, and at the most since its start."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        now, most = (re.search(rf"{name}:\s+(\d+) kB", status) for name in ("VmRSS", "VmHWM"))
        assert now is not None
        assert most is not None
        return int(now[1]) * 1024, int(most[1]) * 1024

    def recovery_seconds(self) -> float:
        """The longest recovery of a partition."""
        return max(self._metric("recovery_seconds"))

    def until_passed(self, count: int) -> int:
        """Wait until at least so many due dates have passed since its start; how many have."""
        return wait_until(
            lambda: self._passed(count), READY_SECONDS, f"{count} due dates to pass", every=0.01
        )

    def _passed(self, least: int) -> int | None:
        passed = int(sum(self._metric("facts_total", 'type="DueDatePassed"')))
        return passed if passed >= least else None

    def _metric(self, name: str, label: str = "") -> list[float]:
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=10) as response:
            text = response.read().decode()
        found = re.findall(rf"^motcua_workflow_{name}\{{.*{label}.*\}} (\S+)$", text, re.MULTILINE)
        return [float(value) for value in found]

    def _ready(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise RuntimeError(f"workflow ended:\n{self._log.read_text(errors='replace')[-3000:]}")
        try:
            with urllib.request.urlopen(f"{self._url}/readyz", timeout=10) as response:
                return bool(json.load(response)["ready"])
        except (urllib.error.HTTPError, OSError):
            return False

    def _end(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(60)
