"""The parts of the one-machine stack that need no process: ports, keys, pauses, settings, pids."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path

import msgspec
import pytest

from contracts.access import parse_keys
from contracts.words import Role
from deploy.local import ports as ports_module
from deploy.local.broker import BrokerKind, Tansu
from deploy.local.child import Backoff, Child, ProcessSpec
from deploy.local.errors import StackError
from deploy.local.home import Home, home_from, is_alive, start_time
from deploy.local.keys import ensure_secrets
from deploy.local.plan import (
    base_environment,
    description,
    refuse_taken_ports,
    service_settings,
    start_logs,
)
from deploy.local.ports import HOST, Ports, any_free, free_ports, holder, is_free, ports_from
from deploy.local.probes import listening


def test_free_ports_differ_and_can_be_taken() -> None:
    ports = any_free()
    assert len(set(ports.by_name().values())) == 5
    assert all(is_free(port) for port in ports.by_name().values())


@pytest.mark.parametrize("base", [0, 65532])
def test_a_base_without_room_is_refused(base: int) -> None:
    with pytest.raises(ValueError, match=str(base)):
        ports_from(base)


def test_a_taken_port_is_refused_with_its_holder() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        assert not is_free(port)
        assert holder(port).startswith(f"pid {os.getpid()} (")
        ports = msgspec.structs.replace(any_free(), workflow=port)
        with pytest.raises(StackError, match=f"port {port} of workflow is taken by pid {os.getpid()} "):
            refuse_taken_ports(ports.by_name())
    refuse_taken_ports(ports.by_name())


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    home = Home(tmp_path)
    keys = ensure_secrets(home)
    province = home.province_key_file.read_text()

    assert ensure_secrets(home) == keys
    assert home.province_key_file.read_text() == province
    assert len(bytes.fromhex(province)) == 32
    for path in (home.dev_keys_file, home.key_file, home.province_key_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_services_know_every_role_by_hash_only(tmp_path: Path) -> None:
    home = Home(tmp_path)
    keys = ensure_secrets(home)
    text = home.key_file.read_text()
    ring = parse_keys(text)

    assert set(keys) == {role.value for role in Role}
    for role, key in keys.items():
        client = ring.identify(key)
        assert client is not None
        assert (client.role.value, client.name, client.agencies) == (
            role,
            f"dev-{role.replace('_', '-')}",
            None,
        )
        assert key not in text


ADDED = '# of the counter\n[clients.counter-h52]\nsha256 = "{}"\nrole = "counter"\nagencies = ["H52.18"]\n'


def test_clients_added_to_the_key_file_stay(tmp_path: Path) -> None:
    home = Home(tmp_path)
    ensure_secrets(home)
    added = ADDED.format("a" * 64)
    made = home.key_file.read_text()
    for stands in (made + "\n" + added, added + "\n" + made, added, added.rstrip()):
        home.key_file.write_text(stands)
        ensure_secrets(home)
        text = home.key_file.read_text()
        assert text == made + "\n" + added
        ensure_secrets(home)
        assert home.key_file.read_text() == text


def test_new_development_keys_replace_old_ones_and_nobody_else_s(tmp_path: Path) -> None:
    home = Home(tmp_path)
    old = ensure_secrets(home)["counter"]
    home.key_file.write_text(home.key_file.read_text() + ADDED.format("a" * 64))
    home.dev_keys_file.unlink()
    new = ensure_secrets(home)["counter"]
    ring = parse_keys(home.key_file.read_text())
    assert (ring.identify(old), getattr(ring.identify(new), "name", "")) == (None, "dev-counter")
    assert ADDED.format("a" * 64) in home.key_file.read_text()


@pytest.mark.parametrize(
    "text", ["[clients.x\n", "clients = 1\n", '[clients."dev-admin"]\nsha256 = "0"\nrole = "admin"\n', "\xff"]
)
def test_a_key_file_that_cannot_be_read_is_left_alone(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path)
    ensure_secrets(home)
    home.key_file.write_bytes(text.encode("latin-1"))
    with pytest.raises(StackError, match=r"the key file .*keys\.toml cannot be"):
        ensure_secrets(home)
    assert home.key_file.read_bytes() == text.encode("latin-1")


def test_pauses_double_up_to_a_limit() -> None:
    backoff = Backoff(first=0.5, most=5.0)
    assert [backoff.pause(n) for n in (1, 2, 3, 4, 5, 1000)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


def test_the_logs_of_the_run_before_stay_once(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.logs.mkdir()
    for run in ("first", "second"):
        for name in ("analytics.log", "broker-2.log", "up.log"):
            (home.logs / name).write_text(run)
        start_logs(home)
    start_logs(home)  # one that ended before it started anything
    kept = {path.name: path.read_text() for path in home.logs.iterdir()}
    assert kept == {"analytics.log.1": "second", "broker-2.log.1": "second", "up.log": "second"}


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("INFO a\nERROR b\nINFO c\n", "ERROR b"),
        ("ERROR a\nCRITICAL b\nERROR c\nINFO d\n", "CRITICAL b"),
        ("CRITICAL a\nCRITICAL b\n", "CRITICAL b"),
        ("INFO a\nb\n", "b"),
        ("", ""),
    ],
)
def test_the_reason_of_a_death_is_the_worst_line_of_the_log(tmp_path: Path, log: str, reason: str) -> None:
    path = tmp_path / "one.log"
    path.write_text(log)
    spec = ProcessSpec(name="one", command=("true",), env={}, url="", probe=listening(1))
    assert Child(spec, path, lambda: None, lambda _: None).last_reason() == reason


def test_the_reason_of_a_death_is_none_of_the_death_before(tmp_path: Path) -> None:
    path = tmp_path / "one.log"
    path.write_text("CRITICAL the broker went away\n")
    script = ("sh", "-c", "echo MOTCUA_API_KEYS: no such file; exit 78")
    spec = ProcessSpec(
        name="one", command=script, env={}, url="", probe=listening(1), refusals=frozenset({78})
    )
    child = Child(spec, path, lambda: None, lambda _: None)

    async def until_refused() -> None:
        keeping = asyncio.create_task(child.keep())
        async with asyncio.timeout(20):
            while not child.refused:  # noqa: ASYNC110  the child tells nobody but the supervisor
                await asyncio.sleep(0.01)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)

    asyncio.run(until_refused())
    assert child.why.endswith("is not started again: MOTCUA_API_KEYS: no such file")


def test_services_get_their_settings_and_nobody_elses(tmp_path: Path) -> None:
    home, ports = Home(tmp_path), Ports()
    urls = description("log", ports, Tansu(home, ports.broker)).urls
    settings = service_settings(home, "log", urls, BrokerKind.TANSU)
    assert settings["workflow"] == {
        "MOTCUA_KAFKA": "127.0.0.1:9392",
        "MOTCUA_BROKER": "tansu",
        "MOTCUA_HTTP": "127.0.0.1:8803",
        "MOTCUA_CLOCK": "log",
        "MOTCUA_INSTANCE": "workflow-0",
    }
    assert settings["intake"]["MOTCUA_ANALYTICS_URL"] == "http://127.0.0.1:8802"
    assert settings["analytics"]["MOTCUA_CLICKHOUSE"] == "clickhouse://default@127.0.0.1:9393/default"
    assert "MOTCUA_PROVINCE_KEY" not in settings["analytics"]


def test_a_folder_of_trust_in_the_home_is_used(tmp_path: Path) -> None:
    home, ports = Home(tmp_path), Ports()
    urls = description("log", ports, Tansu(home, ports.broker)).urls
    assert "MOTCUA_TRUST" not in service_settings(home, "log", urls, BrokerKind.TANSU)["intake"]
    (tmp_path / "trust").mkdir()
    settings = service_settings(home, "log", urls, BrokerKind.TANSU)
    assert settings["intake"]["MOTCUA_TRUST"] == str(tmp_path / "trust")
    assert "MOTCUA_TRUST" not in settings["analytics"]


def test_settings_of_another_stack_are_not_inherited() -> None:
    passed_on = {"PATH": "/bin", "MOTCUA_LOG": "DEBUG", "MOTCUA_REPAIR": "1"}
    caller = {**passed_on, "MOTCUA_KAFKA": "elsewhere:9092"}
    assert base_environment(caller) == {**passed_on, "PYTHONUNBUFFERED": "1"}


def test_a_pid_used_again_is_another_process() -> None:
    started = start_time(os.getpid())
    assert started is not None
    assert is_alive(os.getpid(), started)
    assert not is_alive(os.getpid(), started - 60)
    assert not is_alive(None, None)


def test_the_home_comes_from_the_argument_then_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOTCUA_HOME", str(tmp_path / "environment"))
    assert home_from(str(tmp_path / "argument")).path == tmp_path / "argument"
    assert home_from(None).path == tmp_path / "environment"
    monkeypatch.delenv("MOTCUA_HOME")
    monkeypatch.chdir(tmp_path)
    assert home_from(None).path == tmp_path / ".motcua"


def test_a_torn_run_file_is_no_stack(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.run_file.write_text('{"pid": 1')
    assert home.read_run() is None
    assert home.running() is None


def test_free_ports_are_as_many_as_asked_and_never_the_same_again() -> None:
    """One that was chosen is not yet listened on when the next ones are."""
    assert len({port for _ in range(20) for port in free_ports(7)}) == 140


def test_a_free_port_is_none_that_a_connection_going_out_would_get() -> None:
    with socket.socket() as one:
        one.bind((HOST, 0))
        assert max(free_ports(600)) < min(32_768, one.getsockname()[1])


def test_too_few_free_ports_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_module, "is_free", lambda port: port == 20_000)
    assert free_ports(1) == [20_000]
    with pytest.raises(StackError, match="2 free ports are needed, and there are 1"):
        free_ports(2)
