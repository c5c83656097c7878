"""The folder of a one-machine stack: its files, and what is known of the stack that runs in it.

The supervisor is the only writer of ``run.json`` (replaced whole, so a reader never sees half of it).
Everybody else reads: the commands ask it for addresses and keys. A process is named by its pid and its
start time together, because pids are used again.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec
import psutil
from msgspec import Struct

DEFAULT_HOME = ".motcua"


class StackState(StrEnum):
    """What the supervisor is doing."""

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class ProcessState(Struct, frozen=True, kw_only=True):
    """One process of the stack. `pid` is None while it is down; `started` is seconds since 1970."""

    name: str
    pid: int | None
    started: float | None
    url: str
    ready: bool
    restarts: int
    why: str = ""


class RunState(Struct, frozen=True, kw_only=True):
    """The stack as its supervisor last described it. `pid` and `started` are the supervisor's own."""

    pid: int
    started: float
    state: StackState
    clock: str
    broker: str
    urls: dict[str, str]
    processes: tuple[ProcessState, ...]
    message: str = ""
    options: tuple[str, ...] = ()
    """The words after `motcua up` that start the like of it again in this home; defaults are left out."""


@dataclass(frozen=True)
class Home:
    """Where a stack keeps its files."""

    path: Path

    @property
    def run_file(self) -> Path:
        """What runs: pids, addresses, readiness."""
        return self.path / "run.json"

    @property
    def lock_file(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.path / "lock"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.path / "logs"

    @property
    def key_file(self) -> Path:
        """API keys as the services read them: hashes only."""
        return self.path / "keys.toml"

    @property
    def dev_keys_file(self) -> Path:
        """The same keys in plain, for the developer at this machine only (mode 0600)."""
        return self.path / "dev-keys.json"

    @property
    def trust_folder(self) -> Path:
        """Roots and revocation lists for electronic signatures; made by who runs the stack, if at all."""
        return self.path / "trust"

    @property
    def province_key_file(self) -> Path:
        """The key of the pseudonyms."""
        return self.path / "province.key"

    @property
    def warehouse(self) -> Path:
        """The data of the local ClickHouse engine."""
        return self.path / "warehouse"

    def strangers(self) -> list[str]:
        """Names in a folder that no stack ever used: what shows that it is somebody else's."""
        if self.lock_file.exists():
            return []
        ours = {"logs", self.trust_folder.name}
        return sorted(entry.name for entry in self.path.iterdir() if entry.name not in ours)

    def write_run(self, state: RunState) -> None:
        """Replace run.json in one step."""
        fresh = self.run_file.with_suffix(".json.new")
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")
        fresh.replace(self.run_file)

    def read_run(self) -> RunState | None:
        """The last state written, or None when there is none or it cannot be read."""
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            return msgspec.json.decode(self.run_file.read_bytes(), type=RunState)
        return None

    def running(self) -> RunState | None:
        """The state of a stack whose supervisor is alive now, else None."""
        run = self.read_run()
        return run if run is not None and is_alive(run.pid, run.started) else None

    def dev_keys(self) -> dict[str, str]:
        """Plain development keys by role; empty when there are none."""
        with contextlib.suppress(FileNotFoundError, PermissionError, msgspec.DecodeError):
            return msgspec.json.decode(self.dev_keys_file.read_bytes(), type=dict[str, str])
        return {}


def home_from(argument: str | None) -> Home:
    """The folder named by `--home`, else by MOTCUA_HOME, else `.motcua` in the current folder."""
    return Home(Path(argument or os.environ.get("MOTCUA_HOME") or DEFAULT_HOME).resolve())


def start_time(pid: int) -> float | None:
    """When process `pid` started (seconds since 1970), or None when it is gone or only a zombie."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def is_alive(pid: int | None, started: float | None) -> bool:
    """Whether exactly this process still runs. A second of slack covers rounding of the clock."""
    if pid is None or started is None:
        return False
    now = start_time(pid)
    return now is not None and abs(now - started) < 1.0
