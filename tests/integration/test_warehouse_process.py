"""The warehouse process: one owner a path, an orderly end, nothing lost by it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.waiting import wait_until
from tests.warehouse_process import WarehouseProcess


@pytest.fixture
def process(tmp_path: Path) -> Iterator[WarehouseProcess]:
    process = WarehouseProcess(tmp_path / "data")
    yield process
    process.kill()


def attempt(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A start that is expected to fail."""
    command = [sys.executable, "-m", "deploy.local.warehouse", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_a_second_process_on_the_path_is_refused(process: WarehouseProcess, tmp_path: Path) -> None:
    second = attempt("--listen", "127.0.0.1:0", "--path", str(tmp_path / "data"))
    assert (second.returncode, second.stdout) == (2, "")
    assert f"cannot open {tmp_path / 'data'}: another process owns it" in second.stderr
    with process.client() as client:
        assert client.execute("SELECT 1") == [(1,)]


def test_a_path_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    failed = attempt("--listen", "127.0.0.1:0", "--path", str(tmp_path / "file"))
    assert (failed.returncode, failed.stdout) == (2, "")
    assert f"cannot open {tmp_path / 'file'}" in failed.stderr


def test_an_address_in_use_is_refused(process: WarehouseProcess, tmp_path: Path) -> None:
    failed = attempt("--listen", f"127.0.0.1:{process.port}", "--path", str(tmp_path / "other"))
    assert (failed.returncode, failed.stdout) == (2, "")
    assert f"cannot listen on 127.0.0.1:{process.port}" in failed.stderr


@pytest.mark.parametrize("address", ["0.0.0.0:9000", "127.0.0.1", "127.0.0.1:70000", "somewhere:1"])
def test_only_a_loopback_address_is_listened_on(address: str, tmp_path: Path) -> None:
    failed = attempt("--listen", address, "--path", str(tmp_path / "data"))
    assert failed.returncode == 2
    assert "expected a loopback host:port" in failed.stderr
    assert not (tmp_path / "data").exists()


def test_sigterm_closes_cleanly_and_keeps_the_data(process: WarehouseProcess, tmp_path: Path) -> None:
    with process.client() as client:
        client.execute("CREATE TABLE kept (n UInt32) ENGINE = MergeTree ORDER BY n")
        client.execute("INSERT INTO kept VALUES", [(n,) for n in range(1000)])
        assert process.terminate() == (0, b"")
    assert "closed" in process.log.read_text()
    again = WarehouseProcess(tmp_path / "data")
    try:
        with again.client() as client:
            assert client.execute("SELECT count(), max(n) FROM kept") == [(1000, 999)]
    finally:
        again.kill()


def test_sigterm_lets_a_running_statement_end(process: WarehouseProcess) -> None:
    answers: list[object] = []

    def ask() -> None:
        with process.client() as client:
            answers.extend(client.execute("SELECT sleep(2) + 42 AS running_statement"))

    asking = Thread(target=ask)
    asking.start()
    with process.client() as client:
        seen = "SELECT count() FROM system.processes WHERE query LIKE '%running_' || 'statement%'"
        wait_until(lambda: client.execute(seen) != [(0,)], 20, "the statement to run")
    assert process.terminate() == (0, b"")
    asking.join()
    assert answers == [(42,)]
