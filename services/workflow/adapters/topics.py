"""Topics beyond what the worker needs of them: their ids, and reading and appending for operators' tools.

A worker asks for the id of its topic, which aiokafka does not give. The tools (proof, parking, dead letters)
read whole partitions and append single records, blocking. The only place where workflow uses kafka-python.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError

from contracts.clients import connected
from contracts.headers import Headers
from contracts.topics import COMMANDS, FACTS, STATES
from services.workflow.engine.records import FENCE_KEY, Incoming, TopicRecreatedError
from services.workflow.settings import GROUP, Settings

_PATIENCE: Final = 15.0

_log = logging.getLogger(__name__)


class UnknownTopicError(Exception):
    """A topic that every stack creates before its services is not there: crash, and start again."""


def topic_id(settings: Settings, topic: str) -> str:
    """The id of `topic`, empty where brokers know none. Waits half a minute for a broker and the topic."""
    deadline = time.monotonic() + 30
    admin = connected(
        KafkaAdminClient,
        bootstrap_servers=list(settings.bootstrap),
        client_id=f"{settings.instance}-topics",
        bootstrap_timeout_ms=30_000,
    )
    try:
        while True:
            (found,) = admin.describe_topics([topic])
            if found["error_code"] == 0:
                return str(found.get("topic_id") or "")
            if time.monotonic() > deadline:
                raise UnknownTopicError(f"{topic} does not exist (broker error {found['error_code']})")
            time.sleep(0.5)
    finally:
        admin.close()


async def keep_same(known: str, ask: Callable[[], str], seconds: float) -> None:
    """Ask for the topic's id again and again. Raises TopicRecreatedError when it is another than `known`.

    A worker reads on at its offset in a topic created again, if that holds as many records, and takes them
    for the next ones. Brokers that do not answer are no answer.
    """
    while True:
        await asyncio.sleep(seconds)
        try:
            found = await asyncio.to_thread(ask)
        except (KafkaError, UnknownTopicError, OSError) as error:
            _log.warning("the topic's id cannot be asked for: %s", type(error).__name__)
            continue
        if found != known:
            raise TopicRecreatedError(f"the commands topic was created again: it was {known}, it is {found}")


class TopicsUnavailableError(Exception):
    """The brokers do not answer, or not in full: try again later."""


@dataclass(frozen=True, slots=True)
class Raw:
    """One record as it stands in a topic; `timestamp` is milliseconds since 1970."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


class Topics:
    """The topics as a tool sees them. Every method raises TopicsUnavailableError."""

    def __init__(self, bootstrap: Sequence[str], client: str = "motcua-tool") -> None:
        self._common: Final[dict[str, Any]] = {
            "bootstrap_servers": list(bootstrap),
            "client_id": client,
            "request_timeout_ms": 10_000,
        }

    def read(self, topic: str, partition: int) -> Iterator[Raw]:
        """Every record of the partition, up to the end as it is when the first one is asked for."""
        part = TopicPartition(topic, partition)
        with self._consumer() as consumer, _translated(f"reading {topic}"):
            consumer.assign([part])
            (start,) = consumer.beginning_offsets([part]).values()
            (reported,) = consumer.end_offsets([part]).values()
            consumer.seek(part, start)
            end: int | None = None
            silent = 0.0
            while end is None or consumer.position(part) < end:
                asked = time.monotonic()
                batch = consumer.poll(timeout_ms=500, max_records=5_000).get(part, ())
                silent = 0.0 if batch else silent + time.monotonic() - asked
                if silent > _PATIENCE:
                    raise TopicsUnavailableError(f"{topic}, partition {partition}: its end does not come")
                high = consumer.highwater(part)
                if end is None and high is not None:
                    end = max(reported, high)  # each of the two answers can be behind in its own way
                for r in batch:
                    if end is not None and r.offset >= end:
                        return
                    yield Raw(partition, r.offset, r.timestamp, r.key, r.value, tuple(r.headers))

    def committed(self, partitions: Iterable[int]) -> dict[int, int]:
        """How far the workers have committed the commands of each partition; 0 where they never have."""
        with self._consumer(GROUP) as consumer, _translated("asking for the commits"):
            return {
                n: int(consumer.committed(TopicPartition(COMMANDS, n), timeout_ms=10_000) or 0)
                for n in partitions
            }

    def append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers
    ) -> int:
        """Append one record, acked by all in-sync replicas; its offset."""
        with _translated(f"appending to {topic}"):
            producer = connected(
                KafkaProducer,
                **self._common,
                acks="all",
                enable_idempotence=True,
                allow_auto_create_topics=False,
            )
            try:
                sent = producer.send(topic, partition=partition, key=key, value=value, headers=headers)
                return int(sent.get(timeout=30).offset)
            finally:
                producer.close(timeout=5)

    @contextmanager
    def _consumer(self, group: str | None = None) -> Iterator[Any]:
        with _translated("connecting"):
            consumer = connected(
                KafkaConsumer,
                **self._common,
                group_id=group,
                enable_auto_commit=False,
                auto_offset_reset="none",
                allow_auto_create_topics=False,
                fetch_max_wait_ms=20,
                max_partition_fetch_bytes=4 << 20,
            )
        try:
            yield consumer
        finally:
            consumer.close(autocommit=False, timeout_ms=2_000)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except (KafkaError, OSError) as error:
        raise TopicsUnavailableError(f"{what}: the brokers do not answer ({type(error).__name__})") from error


class Readable(Protocol):
    """Topics that can be read, whole partitions at a time."""

    def read(self, topic: str, partition: int) -> Iterable[Raw]:
        """Every record of the partition."""

    def committed(self, partitions: Iterable[int]) -> dict[int, int]:
        """How far the workers have committed the commands of each partition."""


class PartitionTopics:
    """Implements `services.workflow.engine.verify.Source` for one partition."""

    def __init__(self, topics: Readable, number: int) -> None:
        self._topics, self._number = topics, number

    def committed(self) -> int:
        """See the port."""
        return self._topics.committed([self._number])[self._number]

    def states(self) -> Iterator[tuple[str, bytes]]:
        """See the port."""
        for record in self._topics.read(STATES, self._number):
            key = (record.key or b"").decode()
            if key != FENCE_KEY and record.value is not None:
                yield key, record.value

    def facts(self) -> Iterator[bytes | None]:
        """See the port."""
        return (record.value for record in self._topics.read(FACTS, self._number))

    def commands(self) -> Iterator[Incoming]:
        """See the port."""
        for record in self._topics.read(COMMANDS, self._number):
            yield Incoming(record.offset, record.key, record.value)
