"""A broker, a warehouse and analytics of a test's own, as processes, and logs to feed them with."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from clickhouse_driver import Client
from kafka import KafkaProducer, TopicPartition

from contracts.access import hash_key
from contracts.topics import DOSSIER_PARTITIONS, FACTS
from deploy.local.broker import BrokerKind
from deploy.local.leash import leashed
from deploy.local.ports import HOST, free_ports
from services.analytics.adapters.kafka import Brokers
from services.analytics.domain.batch import Record
from tests.brokers import KIND, OwnBroker
from tests.fakes.analytics import MemoryFacts
from tests.fakes.analytics_facts import fill, truth
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

    def over(self) -> bool:
        """Whether it has ended by itself."""
        return self.running is not None and self.running.poll() is not None

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-20_000:]


class Stack:
    """A broker, a warehouse and analytics of a test's own."""

    def __init__(self, folder: Path, kind: BrokerKind = KIND) -> None:
        self.broker = OwnBroker(folder, kind=kind)
        self.kafka = self.broker.bootstrap
        self.house, self.http = (f"{HOST}:{port}" for port in free_ports(2))
        keys = folder / "keys.toml"
        keys.write_text(f'[clients.boss]\nsha256 = "{hash_key("k")}"\nrole = "admin"\n', encoding="utf-8")
        listen = ["--listen", self.house, "--path", str(folder / "data")]
        self.warehouse = Process(
            [sys.executable, "-m", "deploy.local.warehouse", *listen], folder / "warehouse.log"
        )
        self.analytics = Process(
            [sys.executable, "-m", "services.analytics"],
            folder / "analytics.log",
            {
                "MOTCUA_KAFKA": self.kafka,
                "MOTCUA_BROKER": kind.value,
                "MOTCUA_CLICKHOUSE": f"clickhouse://default@{self.house}/default",
                "MOTCUA_HTTP": self.http,
                "MOTCUA_API_KEYS": str(keys),
                "MOTCUA_CLOCK": "log",
                "MOTCUA_POISON_SHARE": "1",
            },
        )
        # One client, since making one is dear, and no connection kept: who answered may be dead by now.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.client = httpx.Client(limits=limits, timeout=60)
        self.broker.start()
        self.warehouse.start()
        self.producer = KafkaProducer(bootstrap_servers=self.kafka, acks="all", linger_ms=5)

    def close(self) -> None:
        self.client.close()
        self.producer.close(timeout=5)
        for process in (self.analytics, self.warehouse, self.broker):
            process.kill()

    def send(self, records: list[Record]) -> None:
        """Each to its own partition, in order; the offsets must come out as the records say."""
        sent = [self.producer.send(FACTS, value=r.value, key=r.key, partition=r.partition) for r in records]
        self.producer.flush(30)
        assert [future.get(10).offset for future in sent] == [record.offset for record in records]

    def ask(self, path: str, method: str = "GET", patience: float = 60.0) -> Any:
        """The JSON of an answer, or None when there is none."""
        with contextlib.suppress(httpx.HTTPError):
            headers = {"Authorization": "Bearer k"}
            answer = self.client.request(
                method, f"http://{self.http}{path}", headers=headers, timeout=patience
            )
            return answer.json() if answer.is_success else None
        return None

    def why_not_ready(self) -> str:
        """What keeps analytics from being ready, in its own words."""
        with contextlib.suppress(httpx.HTTPError):
            return str(self.client.get(f"http://{self.http}/readyz", timeout=10).json()["why"])
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

    def read(self, topic: str) -> list[tuple[Record, dict[str, bytes]]]:
        """All that a topic of the dossiers' partitions holds, each with its headers, in the order of the log.

        Its end is what fetches say: the broker's own answer about it is too small.
        """
        consumer = Brokers((self.kafka,), 0.02, "test").consumer()
        parts = [TopicPartition(topic, p) for p in range(DOSSIER_PARTITIONS)]
        found: list[tuple[Record, dict[str, bytes]]] = []
        try:
            consumer.assign(parts)
            for part in parts:
                consumer.seek(part, 0)

            def at_end() -> bool:
                for part, records in consumer.poll(100).items():
                    found.extend(
                        (
                            Record(part.partition, r.offset, r.key, r.value, r.timestamp),
                            dict(r.headers or ()),
                        )
                        for r in records
                    )
                marks = {part: consumer.highwater(part) for part in parts}
                return all(m is not None and consumer.position(p) >= m for p, m in marks.items())

            wait_until(at_end, PATIENCE, f"the end of {topic}", every=0)
        finally:
            consumer.close(autocommit=False)
        return sorted(found, key=lambda one: (one[0].partition, one[0].offset))

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
        dossiers = {key for (key, _), kind in wanted.types.items() if kind != "NumberDrawn"}
        assert proof["dossiers"] == self.ask("/v1/figures")["received"] == len(dossiers)


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
