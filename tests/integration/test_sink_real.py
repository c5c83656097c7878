"""Analytics as a process, over a real broker and a real warehouse: exact whatever is killed in between."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from clickhouse_driver import Client
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from contracts.access import hash_key
from contracts.topics import DOSSIER_PARTITIONS, FACTS, FACTS_DLQ, TOPICS
from deploy.kafka.topics import ensure_topics
from deploy.local.broker import broker_command
from deploy.local.leash import leashed
from deploy.local.ports import HOST, free_ports
from services.analytics.adapters.kafka import Brokers, KafkaFactLog
from services.analytics.domain.batch import Record
from services.analytics.domain.intents import Range
from services.analytics.errors import TopicRecreatedError, WarehouseMismatchError
from tests.fakes.analytics import MemoryFacts
from tests.fakes.analytics_facts import START, fill, truth
from tests.waiting import wait_until

PATIENCE: Final = 60.0


@dataclass
class Process:
    """One process of the stack; killed by its own pid."""

    command: list[str]
    log: Path
    environ: dict[str, str] = field(default_factory=dict)
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as out:
            command = leashed(self.command, signal.SIGKILL)
            self.running = subprocess.Popen(command, env=self.environ or None, stdout=out, stderr=out)

    def kill(self) -> None:
        if self.running is not None:
            self.running.kill()
            self.running.wait(30)

    def ended(self, seconds: float) -> int:
        assert self.running is not None
        return self.running.wait(seconds)

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]


class Stack:
    """A broker, a warehouse and analytics of a test's own."""

    def __init__(self, folder: Path) -> None:
        self.kafka, self.house, self.http = (f"{HOST}:{port}" for port in free_ports(3))
        keys = folder / "keys.toml"
        keys.write_text(f'[clients.boss]\nsha256 = "{hash_key("k")}"\nrole = "admin"\n', encoding="utf-8")
        self.broker = Process(broker_command(int(self.kafka.rpartition(":")[2])), folder / "broker.log")
        listen = ["--listen", self.house, "--path", str(folder / "data")]
        self.warehouse = Process(
            [sys.executable, "-m", "deploy.local.warehouse", *listen], folder / "warehouse.log"
        )
        self.analytics = Process(
            [sys.executable, "-m", "services.analytics"],
            folder / "analytics.log",
            {
                "MOTCUA_KAFKA": self.kafka,
                "MOTCUA_BROKER": "tansu",
                "MOTCUA_CLICKHOUSE": f"clickhouse://default@{self.house}/default",
                "MOTCUA_HTTP": self.http,
                "MOTCUA_API_KEYS": str(keys),
                "MOTCUA_CLOCK": "log",
                "MOTCUA_POISON_SHARE": "1",
            },
        )
        self.broker.start()
        ensure_topics(self.kafka, 1, patience=30)
        self.warehouse.start()
        self.producer = KafkaProducer(bootstrap_servers=self.kafka, acks="all", linger_ms=5)

    def close(self) -> None:
        self.producer.close(timeout=5)
        for process in (self.analytics, self.warehouse, self.broker):
            process.kill()

    def send(self, records: list[Record]) -> None:
        """Each to its own partition, in order; the offsets must come out as the records say."""
        sent = [self.producer.send(FACTS, value=r.value, key=r.key, partition=r.partition) for r in records]
        self.producer.flush(30)
        assert [future.get(10).offset for future in sent] == [record.offset for record in records]

    def ask(self, path: str, method: str = "GET") -> Any:
        """The JSON of an answer, or None when there is none."""
        with contextlib.suppress(httpx.HTTPError):
            headers = {"Authorization": "Bearer k"}
            answer = httpx.request(method, f"http://{self.http}{path}", headers=headers, timeout=60)
            return answer.json() if answer.is_success else None
        return None

    def why_not_ready(self) -> str:
        """What keeps analytics from being ready, in its own words."""
        with contextlib.suppress(httpx.HTTPError):
            return str(httpx.get(f"http://{self.http}/readyz", timeout=10).json()["why"])
        return "not there"

    def wait_ready(self) -> None:
        wait_until(lambda: self.ask("/readyz"), PATIENCE, f"analytics to be ready\n{self.analytics.text()}")

    def wait_for(self, facts: MemoryFacts) -> None:
        """Until everything the log holds is inserted."""
        ends = {str(p): len(records) for p, records in facts.records.items()}

        def done() -> bool:
            parts = (self.ask("/v1/freshness") or {}).get("partitions", {})
            return {p: part["position"] for p, part in parts.items()} == ends

        wait_until(done, PATIENCE, f"all facts to be visible\n{self.analytics.text()}")

    def rows(self) -> list[tuple[Any, ...]]:
        with Client(HOST, int(self.house.rpartition(":")[2])) as client:
            found: list[tuple[Any, ...]] = client.execute(
                "SELECT dossier_id, seq, log_partition, log_offset, type FROM facts"
            )
        return found

    def assert_exact(self, facts: MemoryFacts) -> None:
        """The tables against an oracle that looks at the log alone; then the service's own proof."""
        wanted = truth(record for records in facts.records.values() for record in records)
        found = self.rows()
        assert len(found) == len(wanted.places)
        assert {(row[0], row[1]): (row[2], row[3]) for row in found} == wanted.places
        assert {(row[0], row[1]): row[4] for row in found} == wanted.types
        proof = self.ask("/v1/reconcile", "POST")
        assert [proof[kind] for kind in ("missing", "duplicated", "mismatched")] == [0, 0, 0]
        assert proof["facts"] == len(found)
        dossiers = {dossier for dossier, _ in wanted.places}
        assert proof["dossiers"] == self.ask("/v1/figures")["received"] == len(dossiers)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    one = Stack(tmp_path)
    try:
        yield one
    finally:
        one.close()


def a_log(dossiers: int, seed: int) -> MemoryFacts:
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, dossiers, random.Random(seed))
    return facts


def interleaved(facts: MemoryFacts) -> list[Record]:
    """The records of all partitions, a few of each in turn."""
    turns: list[Record] = []
    longest = max(len(records) for records in facts.records.values())
    for start in range(0, longest, 5):
        for records in facts.records.values():
            turns += records[start : start + 5]
    return turns


def test_facts_become_figures_and_a_stop_is_clean(stack: Stack) -> None:
    facts = a_log(100, seed=1)
    stack.analytics.start()
    stack.wait_ready()
    stack.send(interleaved(facts))
    stack.wait_for(facts)
    stack.assert_exact(facts)

    figures, fresh = stack.ask("/v1/figures"), stack.ask("/v1/freshness")
    wait_until(
        lambda: stack.ask("/v1/freshness")["lag_records"] == 0, PATIENCE, "the lag to be known as none"
    )
    assert figures["received"] == sum(
        figures[name] for name in ("early", "on_time", "late", "not_due", "paused", "refused", "withdrawn")
    )
    assert datetime.fromisoformat(fresh["clock"]) == START + timedelta(days=400)
    board = httpx.get(f"http://{stack.http}/")
    assert board.status_code == 200
    assert "Bảng theo dõi hồ sơ" in board.text
    garbage = truth(record for records in facts.records.values() for record in records).garbage
    assert garbage > 0
    assert records_in(stack, FACTS_DLQ) == garbage

    assert stack.analytics.running is not None
    stack.analytics.running.send_signal(signal.SIGTERM)
    assert stack.analytics.ended(30) == 0


def records_in(stack: Stack, topic: str) -> int:
    """How many records a topic holds, as fetches say: the broker's own answer about the end is too small."""
    consumer = Brokers((stack.kafka,), 0.02, "test").consumer()
    parts = [TopicPartition(topic, partition) for partition in range(DOSSIER_PARTITIONS)]

    def fetched() -> bool:
        consumer.poll(50)
        return all(consumer.highwater(part) is not None for part in parts)

    try:
        consumer.assign(parts)
        for part in parts:
            consumer.seek(part, 0)
        wait_until(fetched, PATIENCE, "every partition to be fetched")
        return sum(consumer.highwater(part) for part in parts)
    finally:
        consumer.close(autocommit=False)


def test_a_lone_fact_is_visible_without_another_one(stack: Stack) -> None:
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, 1, random.Random(1), noise=False)
    stack.analytics.start()
    stack.wait_ready()
    stack.send(facts.records[0][:1])
    wait_until(lambda: stack.ask("/v1/dossiers/" + "0" * 32), PATIENCE, "the lone fact")


def test_analytics_killed_again_and_again_in_the_middle_is_exact(stack: Stack) -> None:
    facts, rng = a_log(400, seed=2), random.Random(2)
    records = interleaved(facts)
    step = len(records) // 5 + 1
    for start in range(0, len(records), step):
        stack.analytics.start()
        stack.send(records[start : start + step])
        wait_until(lambda: position_sum(stack) > 0, PATIENCE, "some work to be done")
        time.sleep(rng.random() * 0.3)  # a random moment to die in; nothing waits for it
        stack.analytics.kill()
    stack.analytics.start()
    stack.wait_for(facts)
    stack.assert_exact(facts)


def position_sum(stack: Stack) -> int:
    """How many records stand inserted, as far as analytics says."""
    parts = (stack.ask("/v1/freshness") or {}).get("partitions", {})
    return sum(part["position"] for part in parts.values())


def test_the_warehouse_killed_in_the_middle_gets_the_same_batches_again(stack: Stack) -> None:
    facts, rng = a_log(400, seed=3), random.Random(3)
    records = interleaved(facts)
    step = len(records) // 4 + 1
    stack.analytics.start()
    stack.wait_ready()
    for start in range(0, len(records), step):
        stack.send(records[start : start + step])
        time.sleep(rng.random() * 0.4)  # a random moment to die in; nothing waits for it
        stack.warehouse.kill()
        wait_until(lambda: stack.ask("/readyz") is None, PATIENCE, "the trouble to be visible")
        stack.warehouse.start()
    stack.wait_for(facts)
    stack.assert_exact(facts)
    stack.wait_ready()


def test_a_batch_of_one_partition_begun_by_a_dead_process_is_finished(stack: Stack) -> None:
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, 1, random.Random(7), noise=False)
    del facts.records[0][1:]
    stack.analytics.start()
    stack.wait_ready()
    wait_until(lambda: stack.ask("/v1/freshness")["lag_records"] == 0, PATIENCE, "the first look at the log")
    stack.warehouse.kill()
    stack.send(facts.records[0])
    wait_until(lambda: "insert:" in stack.why_not_ready(), PATIENCE, "an insert that cannot be done")
    stack.analytics.kill()
    stack.warehouse.start()
    for partition in range(1, DOSSIER_PARTITIONS):
        facts.records[partition].clear()
    stack.analytics.start()
    stack.wait_for(facts)
    stack.assert_exact(facts)
    assert "finishing batch 1, begun by an earlier writer" in stack.analytics.text()


def test_a_topic_created_again_is_refused_while_running_and_at_start(stack: Stack) -> None:
    facts = a_log(20, seed=4)
    stack.analytics.start()
    stack.send(interleaved(facts))
    stack.wait_for(facts)
    before = len(stack.rows())
    admin = KafkaAdminClient(bootstrap_servers=stack.kafka)
    admin.delete_topics([FACTS])
    admin.create_topics({FACTS: {"num_partitions": TOPICS[FACTS].partitions, "replication_factor": 1}})
    admin.close()
    assert stack.analytics.ended(PATIENCE) == TopicRecreatedError.exit_code
    assert "created again" in stack.analytics.text()
    stack.analytics.start()
    assert stack.analytics.ended(PATIENCE) == TopicRecreatedError.exit_code
    assert len(stack.rows()) == before


def test_a_warehouse_that_lost_everything_is_refused(stack: Stack) -> None:
    facts = a_log(20, seed=5)
    stack.analytics.start()
    stack.send(interleaved(facts))
    stack.wait_for(facts)
    stack.analytics.kill()
    with Client(HOST, int(stack.house.rpartition(":")[2])) as client:
        client.execute("TRUNCATE TABLE facts")
    stack.analytics.start()
    assert stack.analytics.ended(PATIENCE) == WarehouseMismatchError.exit_code
    assert "do not belong together" in stack.analytics.text()


def test_a_reader_gets_exactly_the_ranges_it_asks_for(stack: Stack) -> None:
    facts = a_log(60, seed=6)
    stack.send(interleaved(facts))
    reader = KafkaFactLog(Brokers((stack.kafka,), 0.02, "test"), range(DOSSIER_PARTITIONS))
    try:
        ends = {partition: len(records) for partition, records in facts.records.items()}
        # First of all a part of the partitions, as a start that finishes another writer's batch does.
        for ranges in ([Range(2, 0, ends[2]), Range(5, 1, 2)], [Range(0, 3, 9)], [Range(1, 4, 4)]):
            found = reader.read(ranges)
            wanted = [record for r in ranges for record in facts.records[r.partition][r.start : r.end]]
            key = [(r.partition, r.offset, r.key, r.value) for r in found]
            assert sorted(key) == sorted((r.partition, r.offset, r.key, r.value) for r in wanted)
        assert reader.true_ends() == ends
        assert reader.topic_id() == reader.topic_id() != ""
    finally:
        reader.close()
