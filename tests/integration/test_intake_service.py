"""Intake as processes on a real broker: what it says is taken can be read; numbers are given once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from contracts.access import hash_key
from contracts.codec import decode_command, encode
from contracts.commands import AcceptDossier, Command
from contracts.outcomes import CommandOutcome, Result
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, OUTCOMES
from deploy.local.ports import HOST, free_ports
from tests.brokers import KIND, OwnBroker, running_broker
from tests.conftest import running
from tests.waiting import wait_until

PATIENCE = 30.0
PROCEDURE = {
    "type": "ProcedurePublished",
    "code": "2.000635",
    "version": 1,
    "name_vi": "Cấp bản sao trích lục hộ tịch",
    "field_vi": "Hộ tịch",
    "level": "commune",
    "term_value": 1,
    "term_unit": "working_day",
    "channels": ["counter"],
}


@pytest.fixture(scope="module")
def own_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of this module's own: its law is nobody else's."""
    with running_broker(tmp_path_factory.mktemp("broker")) as bootstrap:
        yield bootstrap


class Process:
    """One intake process and a client of it."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
        self.process = process
        self.http = httpx.Client(base_url=url, timeout=PATIENCE, headers={"Authorization": "Bearer admin"})
        self._log = log

    def ready(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"ended with {self.process.returncode}: {self._log.read_text(errors='replace')}")
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def post(self, path: str, json: Any = None, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(path, json=json, headers=sent)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def intake(bootstrap: str, folder: Path, *, wait: bool = True) -> Iterator[Process]:
    """A running intake with the key `admin`."""
    folder.mkdir(parents=True, exist_ok=True)
    keys, province, log = folder / "keys.toml", folder / "province", folder / "intake.log"
    rows = [
        f'[clients.{role}]\nsha256 = "{hash_key(role)}"\nrole = "{role}"\n' for role in ("admin", "counter")
    ]
    keys.write_text("\n".join(rows), encoding="utf-8")
    province.write_text("ab" * 32, encoding="utf-8")
    [port] = free_ports(1)
    settings = {
        "MOTCUA_KAFKA": bootstrap,
        "MOTCUA_BROKER": KIND.value,
        "MOTCUA_HTTP": f"{HOST}:{port}",
        "MOTCUA_API_KEYS": str(keys),
        "MOTCUA_PROVINCE_KEY": str(province),
        "MOTCUA_ANALYTICS_URL": "https://figures.test",
    }
    with ExitStack() as stack:
        for name, value in settings.items():
            stack.enter_context(_variable(name, value))
        process = stack.enter_context(running([sys.executable, "-m", "services.intake"], log))
        made = Process(process, f"http://{HOST}:{port}", log)
        stack.callback(made.http.close)
        if wait:
            wait_until(made.ready, PATIENCE, "intake to be ready")
        yield made


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def enact(process: Process, agency: str) -> None:
    changes = [PROCEDURE, {"type": "AgencyPublished", "code": agency, "name_vi": "Sở"}]
    answer = process.post("/v1/law", {"changes": changes})
    assert answer.status_code == 200, answer.text


def commands(bootstrap: str, wanted: set[str]) -> dict[str, list[Command]]:
    """The commands of the dossiers `wanted`, in log order, once every one of them is there."""
    consumer = KafkaConsumer(bootstrap_servers=bootstrap, group_id=None, fetch_max_wait_ms=20)
    places = [TopicPartition(COMMANDS, n) for n in range(DOSSIER_PARTITIONS)]
    consumer.assign(places)
    consumer.seek_to_beginning(*places)
    found: dict[str, list[Command]] = {}

    def read() -> bool:
        for batch in consumer.poll(timeout_ms=200).values():
            for record in batch:
                if (record.key or b"").decode() in wanted:
                    command = decode_command(record.value)
                    assert isinstance(command, Command)
                    found.setdefault(command.dossier_id, []).append(command)
        return set(found) == wanted

    try:
        wait_until(read, PATIENCE, "the commands to be readable")
        # One more round: what belongs to the last ones.
        read()
    finally:
        consumer.close()
    return found


def test_202_means_the_record_can_be_read(own_broker: str, tmp_path: Path) -> None:
    agency = "H61.01"
    with intake(own_broker, tmp_path) as process:
        enact(process, agency)
        body = {"procedure": PROCEDURE["code"], "agency": agency, "channel": "counter"}
        made = process.post("/v1/dossiers", body, Idempotency_Key=uuid4().hex)
        assert made.status_code == 202
        dossier = made.json()["dossier_id"]
        path = f"/v1/dossiers/{dossier}/accept"
        accepted = process.post(path, {"agency": agency}, Idempotency_Key=uuid4().hex)
        assert accepted.status_code == 202
        found = commands(own_broker, {dossier})[dossier]
        assert [command.id for command in found] == [made.json()["command_id"], accepted.json()["command_id"]]
        assert process.stop() == 0


def test_two_replicas_never_give_one_number_twice(own_broker: str, tmp_path: Path) -> None:
    agency = "H61.02"
    with intake(own_broker, tmp_path / "one") as one, intake(own_broker, tmp_path / "two") as two:
        enact(one, agency)
        wait_until(
            lambda: two.http.get(f"/v1/agencies?code={agency}").json()["agencies"],
            PATIENCE,
            "the other replica to know the agency",
        )
        run = uuid4().hex

        def accept_many(process: Process, name: str) -> set[str]:
            lines = [
                {"key": f"{run}{name}{n}", "action": "accept", "dossier_id": uuid4().hex, "agency": agency}
                for n in range(150)
            ]
            answer = process.http.post(
                "/v1/commands",
                content="\n".join(map(json.dumps, lines)),
                headers={"Content-Type": "application/x-ndjson"},
            )
            results = [json.loads(line) for line in answer.text.splitlines()]
            assert {result["status"] for result in results} == {202}
            return {result["dossier_id"] for result in results}

        with ThreadPoolExecutor(4) as pool:
            jobs = [pool.submit(accept_many, p, f"{p is one}{n}-") for n in range(2) for p in (one, two)]
            dossiers = set().union(*(job.result(PATIENCE) for job in jobs))
        found = commands(own_broker, dossiers)
        codes = [
            command.body.dossier_code
            for of_dossier in found.values()
            for command in of_dossier
            if isinstance(command.body, AcceptDossier)
        ]
        assert len(codes) == len(set(codes)) == 600


def test_an_outcome_answers_who_waits(own_broker: str, tmp_path: Path) -> None:
    with intake(own_broker, tmp_path) as process:
        dossier = uuid4().hex
        answers: list[httpx.Response] = []
        path, key = f"/v1/dossiers/{dossier}/withdraw", uuid4().hex
        waiting = threading.Thread(
            target=lambda: answers.append(process.post(path, {}, Idempotency_Key=key, Prefer="wait=25"))
        )
        waiting.start()
        [command] = commands(own_broker, {dossier})[dossier]
        outcome = CommandOutcome(
            command_id=command.id,
            fingerprint=command.fingerprint,
            dossier_id=dossier,
            result=Result.ACCEPTED,
            seq=3,
            repeated=True,
        )
        producer = KafkaProducer(bootstrap_servers=own_broker)
        producer.send(OUTCOMES, key=dossier.encode(), value=encode(outcome))
        producer.flush(PATIENCE)
        producer.close()
        waiting.join(PATIENCE)
        [answer] = answers
        assert (answer.status_code, answer.json()["seq"]) == (200, 3)
        assert answer.headers["idempotent-replayed"] == "true"


@pytest.mark.slow
def test_a_broker_that_goes_away_is_never_a_success(tmp_path: Path) -> None:
    agency = "H61.03"
    with ExitStack() as stack:
        mortal = OwnBroker(tmp_path)
        stack.callback(mortal.kill)
        mortal.start()
        process = stack.enter_context(intake(mortal.bootstrap, tmp_path / "intake"))
        enact(process, agency)
        mortal.kill()
        body = {"procedure": PROCEDURE["code"], "agency": agency, "channel": "counter"}
        answer = process.post("/v1/dossiers", body, Idempotency_Key="k")
        assert (answer.status_code, answer.json()["reason"]) == (503, "not_acked")
        assert answer.headers["retry-after"] == "1"
        # Now in doubt: a large body is turned away unread, and its sender gets the answer.
        large = process.http.post(
            "/v1/commands", content=b"x" * 7_000_000, headers={"Content-Type": "application/x-ndjson"}
        )
        assert (large.status_code, large.json()["reason"]) == (503, "broker_failing")
        assert process.http.get("/healthz").status_code == 200
        assert process.stop() == 0


def test_it_listens_while_there_is_no_broker_and_stops_when_told(tmp_path: Path) -> None:
    [nobody] = free_ports(1)
    with intake(f"{HOST}:{nobody}", tmp_path, wait=False) as process:

        def alive() -> bool:
            try:
                return process.http.get("/healthz").status_code == 200
            except httpx.TransportError:
                return False

        wait_until(alive, PATIENCE, "intake to listen")
        assert process.http.get("/readyz").status_code == 503
        refused = process.post("/v1/dossiers", {}, Idempotency_Key="k")
        assert (refused.status_code, refused.json()["reason"]) == (503, "not_ready")
        assert process.stop() == 0


def test_a_wrong_setting_is_refused_by_name(tmp_path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("MOTCUA_")}
    done = subprocess.run(
        [sys.executable, "-m", "services.intake"],
        env={**environ, "MOTCUA_HTTP": "x"},
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 78
    assert b"MOTCUA_HTTP: expected host:port, got 'x'" in done.stderr
