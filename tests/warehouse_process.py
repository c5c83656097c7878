"""A warehouse process of a test's own: started on a free port, killed by its own pid."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic_ns
from typing import Any, Final

from clickhouse_driver import Client

from deploy.local.leash import leashed
from tests.waiting import wait_until

_SERVING: Final = re.compile(r"serving .* on 127\.0\.0\.1:(\d+)")


class WarehouseProcess:
    """One run of ``deploy.local.warehouse`` on `path`; its log stands beside the path."""

    def __init__(self, path: Path, *limits: str, within: Sequence[str] = (), port: int = 0) -> None:
        """`limits` as NAME=NUMBER, `within` a command that becomes what it is given. Returns when it serves.

        Raises RuntimeError with its log when it ends, TimeoutError when late.
        """
        self.log = path.with_name(f"{path.name}-{monotonic_ns()}.log")
        command = [*within, sys.executable, "-m", "deploy.local.warehouse", "--listen", f"127.0.0.1:{port}"]
        command += [word for limit in limits for word in ("--limit", limit)]
        with self.log.open("wb") as stderr:
            self.process = subprocess.Popen(
                leashed([*command, "--path", str(path)], signal.SIGKILL),
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        try:
            self.port = wait_until(self._serving, 60, "the warehouse to serve")
        except BaseException:
            self.kill()
            raise

    def _serving(self) -> int:
        text = self.log.read_text()
        if self.process.poll() is not None:
            raise RuntimeError(f"the warehouse ended with {self.process.returncode}:\n{text}")
        found = _SERVING.search(text)
        return int(found[1]) if found else 0

    def client(self, **options: Any) -> Client:
        """A new client; disconnect it before the process ends."""
        return Client("127.0.0.1", self.port, send_receive_timeout=60, **options)

    def terminate(self) -> tuple[int, bytes]:
        """SIGTERM; the exit code and all it ever printed on stdout."""
        self.process.terminate()
        stdout, _ = self.process.communicate(timeout=30)
        return self.process.returncode, stdout

    def kill(self) -> None:
        """SIGKILL, if it still runs."""
        self.process.kill()
        self.process.communicate(timeout=30)
