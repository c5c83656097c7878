"""The warehouse process: one owner a path, an orderly end, nothing lost by it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest
from clickhouse_driver.errors import ServerException

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


def test_a_path_where_nothing_can_be_written_is_refused() -> None:
    failed = attempt("--listen", "127.0.0.1:0", "--path", "/proc/self/task")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert "cannot open /proc/self/task: " in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_path_of_a_later_engine_is_refused_and_left_alone(
    process: WarehouseProcess, tmp_path: Path
) -> None:
    note = tmp_path / "data" / "engine-version"
    ours = note.read_text()
    process.kill()
    for version in ("9999.1.1.1", "something else"):
        note.write_text(version)
        failed = attempt("--listen", "127.0.0.1:0", "--path", str(tmp_path / "data"))
        assert (failed.returncode, failed.stdout) == (2, "")
        assert f"engine '{version}' wrote it, this is {ours.strip()}" in failed.stderr
        assert note.read_text() == version


def test_a_full_disk_fails_the_insert_with_its_code_and_reading_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.mkdir()
    mount = f'mount -t tmpfs -o size=24m none {path} && exec "$@"'
    within = ["unshare", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    if subprocess.run([*within, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no file system of its own can be mounted here")
    process = WarehouseProcess(path, within=within)
    try:
        with process.client() as client:
            client.execute("CREATE TABLE c (s String CODEC(NONE)) ENGINE = MergeTree ORDER BY tuple()")
            client.execute("INSERT INTO c VALUES", [("kept",)])
            with pytest.raises(ServerException) as caught:
                client.execute("INSERT INTO c SELECT randomString(1000) FROM numbers(100000)")
            assert caught.value.code == 243
            assert client.execute("SELECT s FROM c") == [("kept",)]
    finally:
        process.kill()


@pytest.mark.parametrize("limit", ["nope=1", "idle=0", "idle=x", "idle"])
def test_a_limit_that_is_none_is_refused(tmp_path: Path, limit: str) -> None:
    failed = attempt("--listen", "127.0.0.1:0", "--path", str(tmp_path / "data"), "--limit", limit)
    assert failed.returncode == 2
    assert f"got '{limit}'" in failed.stderr


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


def test_sigterm_waits_no_longer_than_its_patience_and_loses_nothing(tmp_path: Path) -> None:
    process = WarehouseProcess(tmp_path / "data", "patience=0.5")
    failures: list[type[BaseException]] = []

    def ask() -> None:
        with process.client() as client:
            try:
                client.execute("SELECT count() AS endless FROM numbers(1000000000000)")
            except (EOFError, OSError) as error:
                failures.append(type(error))

    with process.client() as client:
        client.execute("CREATE TABLE kept (n UInt32) ENGINE = MergeTree ORDER BY n")
        client.execute("INSERT INTO kept VALUES", [(1,)])
        asking = Thread(target=ask)
        asking.start()
        seen = "SELECT count() FROM system.processes WHERE query LIKE '%end' || 'less%'"
        wait_until(lambda: client.execute(seen) == [(1,)], 20, "the statement to run")
    assert process.terminate() == (0, b"")
    asking.join()
    assert len(failures) == 1
    assert "leaving without closing the engine" in process.log.read_text()
    again = WarehouseProcess(tmp_path / "data")
    try:
        with again.client() as client:
            assert client.execute("SELECT n FROM kept") == [(1,)]
    finally:
        again.kill()


def test_after_a_kill_rows_and_tokens_are_there(tmp_path: Path) -> None:
    settings = {"insert_deduplicate": 1, "insert_deduplication_token": "once"}
    process = WarehouseProcess(tmp_path / "data")
    with process.client() as client:
        client.execute(
            "CREATE TABLE kept (n UInt32) ENGINE = MergeTree ORDER BY n"
            " SETTINGS non_replicated_deduplication_window = 100"
        )
        client.execute("INSERT INTO kept VALUES", [(1,)], settings=settings)
        process.kill()
    again = WarehouseProcess(tmp_path / "data")
    try:
        with again.client() as client:
            client.execute("INSERT INTO kept VALUES", [(1,)], settings=settings)
            assert client.execute("SELECT n FROM kept") == [(1,)]
    finally:
        again.kill()
