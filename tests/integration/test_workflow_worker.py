"""Workflow as a process on a real broker: decides, survives SIGKILL, fires deadlines."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

from contracts import commands, facts
from contracts.codec import decode_fact, decode_outcome, encode
from contracts.commands import Command, LawChanged
from contracts.law import CalendarAmended
from contracts.outcomes import Result
from contracts.topics import COMMANDS, COMMANDS_DLQ, DOSSIER_PARTITIONS, FACTS, OUTCOMES
from contracts.words import Channel, NationalStatus, TermUnit
from deploy.local.ports import HOST, free_ports
from services.workflow.adapters.patches import patch_fetch_wait, patch_heartbeat
from services.workflow.engine.lease import Lease, LeaseExpiredError
from tests.brokers import KIND, running_broker
from tests.fakes.workflow import AGENCY, command, life, procedure, seal
from tests.waiting import wait_until

PATIENCE = 45.0


class Workers:
    """Workflow processes of one test, each ended by its own pid."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self._bootstrap, self._folder = bootstrap, folder
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, name: str = "workflow-0") -> tuple[subprocess.Popen[bytes], str]:
        [port] = free_ports(1)
        environ = os.environ | {
            "MOTCUA_KAFKA": self._bootstrap,
            "MOTCUA_BROKER": KIND.value,
            "MOTCUA_HTTP": f"{HOST}:{port}",
            "MOTCUA_INSTANCE": name,
        }
        log = (self._folder / f"{name}.log").open("ab")
        process = subprocess.Popen([sys.executable, "-m", "services.workflow"], env=environ, stderr=log)
        log.close()
        self._started.append(process)
        url = f"http://{HOST}:{port}"
        wait_until(lambda: self._ready(process, url), PATIENCE, f"{name} to be ready")
        return process, url

    def _ready(self, process: subprocess.Popen[bytes], url: str) -> bool:
        assert process.poll() is None, self.logs()
        body = get_json(f"{url}/readyz")
        return bool(body and body["ready"])

    def logs(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in self._folder.glob("*.log"))

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait(10)


@pytest.fixture
def workers(own_broker: str, tmp_path: Path) -> Iterator[Workers]:
    group = Workers(own_broker, tmp_path)
    yield group
    group.close()


def get_json(url: str) -> dict[str, Any] | None:
    """The JSON body, also of a 503; None while nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            body: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        body = json.load(error)
    except OSError:
        return None
    return body


async def publish(bootstrap: str, records: list[Any], partition: int | None = None) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for record in records:
            if isinstance(record, Command):
                key = record.dossier_id.encode()
                await producer.send_and_wait(COMMANDS, encode(record), key=key)
            elif isinstance(record, bytes):
                await producer.send_and_wait(COMMANDS, record, key=b"x", partition=partition or 0)
            else:
                for number in range(DOSSIER_PARTITIONS):
                    await producer.send_and_wait(COMMANDS, encode(record), partition=number)
    finally:
        await producer.stop()


async def read_until(bootstrap: str, topic: str, enough: Any, seconds: float = PATIENCE) -> list[Any]:
    """Every record of a topic, from the beginning, until `enough(records)`."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
    )
    await consumer.start()
    try:
        parts = [TopicPartition(topic, n) for n in range(DOSSIER_PARTITIONS)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        records: list[Any] = []
        async with asyncio.timeout(seconds):
            while not enough(records):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    records.extend(batch)
        return records
    finally:
        await consumer.stop()


def law() -> LawChanged:
    """A calendar of the years around now, a procedure of three working days and one of no time."""
    year = datetime.now(UTC).year
    years = (year - 1, year, year + 1)
    return LawChanged(
        version=1,
        changes=(
            CalendarAmended(years=years, days=(), source="test"),
            procedure(),
            procedure("1.000003", 0, TermUnit.CLOCK_HOUR),
            seal(),
        ),
    )


def test_a_dossier_goes_through_and_survives_kill_nine(own_broker: str, workers: Workers) -> None:
    now = datetime.now(UTC)
    lives = [life(f"{uuid.uuid4().hex}", now) for _ in range(12)]
    process, url = workers.start()
    asyncio.run(publish(own_broker, [law(), *[step for one in lives for step in one[:3]]]))
    first = asyncio.run(read_until(own_broker, FACTS, lambda got: len(got) >= 12))
    assert len(first) >= 12
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    asyncio.run(publish(own_broker, [step for one in lives for step in one[3:]]))
    process, url = workers.start()
    answers = asyncio.run(
        read_until(own_broker, OUTCOMES, lambda got: len({r.headers[1][1] for r in got}) == 12 * 7)
    )
    assert {decode_outcome(r.value).result for r in answers} == {Result.ACCEPTED}
    wanted = 12 * 11  # seven commands; a stamp gives three facts and has its number drawn, a return gives two
    records = asyncio.run(
        read_until(
            own_broker, FACTS, lambda got: len({(r.key, decode_fact(r.value).cause) for r in got}) >= wanted
        )
    )
    by_dossier: dict[str, dict[int, facts.Fact]] = {}
    numbers: dict[tuple[int, int], facts.NumberDrawn] = {}
    for record in records:
        fact = decode_fact(record.value)
        assert record.partition == fact.cause.partition
        if isinstance(fact, facts.NumberDrawn):
            place = fact.year, fact.number
            assert numbers.setdefault(place, fact) == fact, "the same number for two stamps"
            continue
        assert isinstance(fact, facts.Fact)
        known = by_dossier.setdefault(fact.dossier_id, {}).setdefault(fact.seq, fact)
        assert known == fact, "the same number twice with different content"
    assert len(by_dossier) == 12
    for numbered in by_dossier.values():
        assert sorted(numbered) == list(range(1, 11))
        assert numbered[10].status is NationalStatus.RETURNED
    assert len(numbers) == 12
    assert {one.dossier_id for one in numbers.values()} == by_dossier.keys()
    metrics = urllib.request.urlopen(f"{url}/metrics", timeout=5).read().decode()
    assert "motcua_workflow_facts_total" in metrics
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_time_passes_a_due_date(own_broker: str, workers: Workers) -> None:
    """A term that is over at once is overdue without anybody doing anything."""
    name = uuid.uuid4().hex
    now = datetime.now(UTC)
    workers.start()
    body = commands.RegisterDossier("1.000003", AGENCY, Channel.ONLINE)
    accept = commands.AcceptDossier(f"{AGENCY}-250303-0001")
    records = [
        law(),
        command(body, key="r", dossier=name, at=now),
        command(accept, key="a", dossier=name, at=now),
    ]
    asyncio.run(publish(own_broker, records))
    got = asyncio.run(read_until(own_broker, FACTS, lambda got: len(got) >= 3))
    bodies = [decode_fact(r.value) for r in got]
    last = bodies[-1]
    assert isinstance(last, facts.Fact)
    assert isinstance(last.body, facts.DueDatePassed)
    assert last.overdue
    assert last.at - now < timedelta(seconds=60)


def test_poison_becomes_a_dead_letter_and_the_partition_moves_on(own_broker: str, workers: Workers) -> None:
    workers.start()
    one = life(uuid.uuid4().hex, datetime.now(UTC))[0]
    asyncio.run(publish(own_broker, [b"{not json", law(), one]))
    letters = asyncio.run(read_until(own_broker, COMMANDS_DLQ, len))
    assert letters[0].value == b"{not json"
    assert dict(letters[0].headers)["dlq_offset"] == b"0"
    answers = asyncio.run(read_until(own_broker, OUTCOMES, len))
    assert decode_outcome(answers[0].value).command_id == one.id


def test_it_stops_on_request_also_when_the_broker_is_gone(tmp_path: Path) -> None:
    with running_broker(tmp_path) as bootstrap:
        group = Workers(bootstrap, tmp_path)
        process, _ = group.start()
    try:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        group.close()


def test_a_wrong_setting_is_refused_by_name() -> None:
    environ = os.environ | {"MOTCUA_KAFKA": "127.0.0.1:1", "MOTCUA_CLOCK": "sundial"}
    done = subprocess.run(
        [sys.executable, "-m", "services.workflow"], env=environ, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 78
    assert "MOTCUA_CLOCK" in done.stderr


def test_the_fetch_wait_is_ours_and_not_fausts_constant(monkeypatch: pytest.MonkeyPatch) -> None:
    class Consumer:
        _fetch_max_wait_ms = 1500

    original = AIOKafkaConsumerThread._create_worker_consumer
    monkeypatch.setattr(AIOKafkaConsumerThread, "_create_worker_consumer", lambda self, transport: Consumer())
    patch_fetch_wait(20)
    made = AIOKafkaConsumerThread._create_worker_consumer(None, None)  # type: ignore[arg-type]  # unused
    assert made._fetch_max_wait_ms == 20
    monkeypatch.setattr(AIOKafkaConsumerThread, "_create_worker_consumer", original)


@pytest.mark.parametrize(("answered", "renewed"), [(True, 100.0), (False, 0.0)])
def test_only_an_answered_heartbeat_renews_the_lease(
    monkeypatch: pytest.MonkeyPatch, answered: bool, renewed: float
) -> None:
    async def beat(self: object) -> bool:
        return answered

    monkeypatch.setattr(GroupCoordinator, "_do_heartbeat", beat)
    monkeypatch.setattr("services.workflow.adapters.patches.time.monotonic", lambda: 100.0)
    now = [0.0]
    lease = Lease(10, lambda: now[0])
    patch_heartbeat(lease)
    assert asyncio.run(GroupCoordinator._do_heartbeat(None)) is answered
    now[0] = renewed + 10
    lease.check()
    now[0] = renewed + 10.1
    with pytest.raises(LeaseExpiredError, match="no heartbeat"):
        lease.check()
