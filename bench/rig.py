"""What a bench of a process needs: a broker of its own, filled topics, CPU seconds over time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.dossiers import command_records, law_record
from bench.facts import Teller
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, FACTS
from deploy.kafka.topics import ensure_topics
from deploy.local.apache import Apache
from deploy.local.broker import BrokerKind, StackBroker, Tansu
from deploy.local.home import Home
from deploy.local.leash import leashed
from deploy.local.plan import base_environment
from deploy.local.ports import free_ports

START_SECONDS: Final = 120.0
SAMPLE_SECONDS: Final = 0.02
LATE_SECONDS: Final = 15.0
"""How long what is missing in a topic may take to come."""
EXCESS_SECONDS: Final = 0.5
"""How long to look for records beyond those expected."""

Found = tuple[int, bytes | None, bytes | None]
"""A record as read: its timestamp in milliseconds, key, value."""


class BenchError(Exception):
    """A contestant ended, or did not do what it was to do: there is nothing to compare."""


@contextlib.contextmanager
def own_broker(kind: BrokerKind) -> Iterator[str]:
    """Bootstrap address of a broker with every topic of the contracts, for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder, contextlib.ExitStack() as running:
        home = Home(Path(folder))
        home.logs.mkdir(parents=True)
        broker: StackBroker
        if kind is BrokerKind.TANSU:
            broker = Tansu(home, free_ports(1)[0])
        else:
            client, controller = free_ports(2)
            broker = Apache(home, "system", (client,), (controller,))
        broker.prepare(lambda _: None)
        for spec in broker.processes(base_environment(os.environ)):
            running.enter_context(process(spec.command, home.logs / f"{spec.name}.log", spec.env))
        ensure_topics(broker.bootstrap, broker.replication, patience=START_SECONDS)
        yield broker.bootstrap


@contextlib.contextmanager
def process(command: Sequence[str], log: Path, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, or with whoever runs the bench."""
    with log.open("ab") as out:
        started = subprocess.Popen(
            leashed(command, signal.SIGKILL),
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield started
    finally:
        started.kill()  # whatever it was to do is done, or the bench is over
        started.wait()


async def fill(bootstrap: str, dossiers: int, begun: datetime) -> None:
    """The law to every partition, then the commands of all dossiers."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_batch_size=131_072)
    await producer.start()
    try:
        key, value, headers = law_record(begun)
        for number in range(DOSSIER_PARTITIONS):
            await producer.send_and_wait(COMMANDS, value, key=key, partition=number, headers=headers)
        last = []
        for key, value, headers in command_records(dossiers, begun):
            last.append(await producer.send(COMMANDS, value, key=key, headers=headers))
            if len(last) >= 20_000:
                await _all(last)
        await _all(last)
    finally:
        await producer.stop()


async def fill_facts(bootstrap: str, number: int, begun: datetime) -> dict[int, int]:
    """So many facts in batches as full as the worker's under load; how many each partition holds then."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=131_072)
    await producer.start()
    counts = dict.fromkeys(range(DOSSIER_PARTITIONS), 0)
    batches: dict[int, Any] = {}
    try:
        for place, key, value, headers, _ in islice(Teller(begun).tell(), number):
            counts[place] += 1
            batch = batches.get(place)
            if batch and batch.append(timestamp=None, key=key, value=value, headers=headers) is not None:
                continue
            if batch:
                await (await producer.send_batch(batch, FACTS, partition=place))
            batches[place] = producer.create_batch()
            batches[place].append(timestamp=None, key=key, value=value, headers=headers)
        for place, batch in batches.items():
            await (await producer.send_batch(batch, FACTS, partition=place))
    finally:
        await producer.stop()
    return counts


async def _all(sent: list[object]) -> None:
    for one in sent:
        await one  # type: ignore[misc]  # futures of an untyped library
    sent.clear()


async def read_all(bootstrap: str, topic: str, partitions: int, expected: int = 0) -> list[Found]:
    """Every record of a topic: until none has come for a while, a longer one while some are missing."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=20,
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    try:
        parts = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        found: list[Found] = []
        silent_since = time.monotonic()
        while time.monotonic() - silent_since < (LATE_SECONDS if len(found) < expected else EXCESS_SECONDS):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += [(record.timestamp, record.key, record.value) for record in batch]
                silent_since = time.monotonic()
        return found
    finally:
        await consumer.stop()


class CpuLog:
    """CPU seconds (user and system) of a process and its threads over time, sampled while the block runs."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._samples: list[tuple[float, float]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> CpuLog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            try:
                times = self._process.cpu_times()
            except psutil.Error:
                return
            self._samples.append((time.time(), times.user + times.system))

    def between(self, begun: float, ended: float) -> float:
        """CPU seconds from one moment (Unix time) to another, to the nearest samples."""
        return nearest(self._samples, ended) - nearest(self._samples, begun)


def machine_cpu() -> float:
    """CPU seconds all processes of the machine have used since it started."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system)


def nearest(samples: Sequence[tuple[float, float]], at: float) -> float:
    """The value of the sample nearest in time. Raises BenchError when there is none."""
    if not samples:
        raise BenchError("a process ended before it was looked at")
    return min(samples, key=lambda sample: abs(sample[0] - at))[1]


def wait_for(
    what: str, ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, seconds: float
) -> None:
    """Until `ready` says so. Raises BenchError with the log's end when the process ends or time is up."""
    until = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            why = "it ended" if process.poll() is not None else f"not within {seconds:g} s"
            raise BenchError(f"{what}: {why}\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.25)
