"""Real parts for tests: a broker with every topic, a warehouse. One of each a session, on 127.0.0.1.

Tests share them and therefore use keys of their own; `own_broker` is one test's. Each part dies with the test
run, even a killed one. MOTCUA_TEST_BROKER says which broker: tests/brokers.py.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import hypothesis
import pytest

from deploy.local.leash import leashed
from deploy.local.ports import HOST, free_ports
from deploy.local.probes import why_no_select
from tests.brokers import running_broker
from tests.waiting import wait_until

# How long an example takes says something about the machine, nothing about the code.
hypothesis.settings.register_profile("motcua", deadline=None)
hypothesis.settings.load_profile("motcua")

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


_LONGEST: Final = ("crash", "e2e", "integration")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where tests run side by side, those that start processes begin, and the short ones fill up the rest."""
    if hasattr(config, "workerinput"):
        folders = dict(zip(_LONGEST, range(len(_LONGEST)), strict=True))
        items.sort(key=lambda item: folders.get(item.path.parent.name, len(folders)))


@contextlib.contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process on a leash for the length of the block, its output in `log`; stopped by its own pid."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            leashed(command, signal.SIGKILL), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _alive_and(process: subprocess.Popen[bytes], log: Path, ready: Callable[[], bool]) -> Callable[[], bool]:
    def check() -> bool:
        if process.poll() is not None:
            pytest.fail(f"ended with {process.returncode}:\n{log.read_text(errors='replace')[-2000:]}")
        return ready()

    return check


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap address ("127.0.0.1:port") of a broker that has every topic of the contracts."""
    with running_broker(tmp_path_factory.mktemp("broker")) as bootstrap:
        yield bootstrap


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[str]:
    """The same, of one test: its records and its groups are nobody else's."""
    with running_broker(tmp_path) as bootstrap:
        yield bootstrap


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL ("clickhouse://default@127.0.0.1:port/default") of an empty warehouse."""
    [port] = free_ports(1)
    folder = tmp_path_factory.mktemp("warehouse")
    log, url = folder / "warehouse.log", f"clickhouse://default@{HOST}:{port}/default"
    command = [sys.executable, "-m", "deploy.local.warehouse"]
    command += ["--listen", f"{HOST}:{port}", "--path", str(folder / "data")]
    with running(command, log) as process:
        ready = _alive_and(process, log, lambda: not why_no_select(url))
        wait_until(ready, _START_SECONDS, "the warehouse to answer SELECT 1")
        yield url
