"""Facts, intents, dead letters and the law over kafka-python; the only importer of kafka.

No group protocol: partitions are assigned by hand, positions come from the intents topic. Objects belong
to one thread. The producer is made anew after any failure, because an idempotent producer that has given a
record up may refuse all later ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer, KafkaProducer, OffsetAndMetadata, TopicPartition
from kafka import errors as driver
from kafka.admin import KafkaAdminClient
from kafka.consumer.fetcher import Fetcher

from contracts.clients import connected
from contracts.topics import FACTS, FACTS_DLQ, INTENTS, LAW
from services.analytics.adapters.record_batch import MalformedBatchError, records_of
from services.analytics.domain import intents
from services.analytics.domain.batch import Poison, Record
from services.analytics.domain.intents import Range, Said
from services.analytics.errors import LogTruncatedError, RefusedError, RetryLaterError

_TIMEOUT: Final = 10.0
# A fetch that is answered as soon as something comes may wait long, one that is not must be repeated.
_LAW_WAIT: Final = {True: 2.0, False: 0.5}
_FACTS_WAIT: Final = {True: 0.5, False: 0.1}
# So few facts at once mean that there are no more yet: let some gather instead of fetching every few.
_FEW: Final = 500
_REST: Final = 0.1
_CATCH_UP: Final = 0.02
_UNKNOWN_TOPIC: Final = 3
_FORMAT: Final = 2  # of records, the only one since Kafka 4
_PASSING: Final = (driver.KafkaTimeoutError, driver.KafkaConnectionError, OSError)


@dataclass(frozen=True)
class Brokers:
    """How to reach the brokers; `fetch_wait` is how long a fetch may wait for data, in seconds.

    `wakes` says whether a waiting fetch is answered when something comes (Apache Kafka), or only when its
    wait is over (Tansu).
    """

    bootstrap: tuple[str, ...]
    fetch_wait: float
    client: str
    wakes: bool = False

    def common(self) -> dict[str, Any]:
        """Settings of every client."""
        return {
            "bootstrap_servers": list(self.bootstrap),
            "client_id": self.client,
            "request_timeout_ms": 10_000,
        }

    def consumer(self, group: str | None = None, *, fetch_wait: float | None = None) -> Any:
        """A consumer without subscription; `Any` because the library is untyped."""
        wait = self.fetch_wait if fetch_wait is None else fetch_wait
        return connected(
            KafkaConsumer,
            **self.common(),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            # Asked for the end of a partition whose leader has moved, the library repeats the question to
            # the old leader and looks for the new one only when its picture of the cluster is this old.
            metadata_max_age_ms=5_000,
            fetch_max_wait_ms=max(1, int(wait * 1000)),
            fetch_min_bytes=1,
            fetch_max_bytes=16 << 20,
            max_partition_fetch_bytes=2 << 20,
            metrics_enabled=False,
        )


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except (driver.OffsetOutOfRangeError, driver.LogTruncationError) as error:
        raise LogTruncatedError(f"{what}: the log no longer holds the next offset") from error
    except _PASSING as error:
        raise RetryLaterError(f"{what}: the brokers do not answer ({type(error).__name__})") from error
    except driver.KafkaError as error:
        if error.retriable:
            raise RetryLaterError(f"{what}: {type(error).__name__}") from error
        raise RefusedError(f"{what}: {type(error).__name__}") from error


class LeanRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # the library is untyped
    """What was fetched of one partition, as records of the sink: the library's take longer than all the rest.

    It is given to the library in place of its own class, and the library's `poll` returns what it yields.
    """

    def _unpack_records(
        self, part: TopicPartition, batches: Any, *_: object
    ) -> Iterator[Record]:  # as the library calls it
        for batch in batches:
            if batch.magic != _FORMAT:
                raise driver.UnsupportedVersionError(f"records of format {batch.magic}")
            if not batch.validate_crc():
                raise driver.CorruptRecordError(f"{part}: the batch at {batch.base_offset} is damaged")
            self.leader_epoch = batch.leader_epoch
            if not batch.is_control_batch:
                yield from self._records(part.partition, batch)
            self.next_fetch_offset = batch.next_offset
        self.drain()

    def _records(self, partition: int, batch: Any) -> Iterator[Record]:
        iter(batch)  # uncompresses it
        data = bytes(memoryview(batch._buffer)[batch._pos :])
        appended = batch.max_timestamp if batch.timestamp_type == batch.LOG_APPEND_TIME else None
        try:
            for record in records_of(
                data, batch.records_count, partition, batch.base_offset, batch.first_timestamp, appended
            ):
                self.next_fetch_offset = record.offset + 1
                yield record
        except MalformedBatchError as error:
            raise driver.CorruptRecordError(f"the batch at {batch.base_offset}: {error}") from error


class KafkaFactLog:
    """Implements `services.analytics.sink.ports.FactLog` for given partitions of the facts topic."""

    def __init__(self, brokers: Brokers, partitions: Sequence[int], group: str | None = None) -> None:
        self._parts = {p: TopicPartition(FACTS, p) for p in partitions}
        self._few = False
        with _translated("connecting"), ExitStack() as begun:
            self._admin = connected(KafkaAdminClient, **brokers.common())
            begun.callback(self._admin.close)
            self._consumer = brokers.consumer(group, fetch_wait=_FACTS_WAIT[brokers.wakes])
            begun.callback(self._consumer.close, autocommit=False)
            self._consumer._fetcher.PartitionRecords = LeanRecords
            self._consumer.assign(list(self._parts.values()))
            # The library refuses to poll while any partition, even a paused one, has no position.
            for part in self._parts.values():
                self._consumer.seek(part, 0)
            begun.pop_all()

    def topic_id(self) -> str:
        """See the port. Empty when the brokers know no topic ids (before Kafka 2.8)."""
        with _translated("asking for the topic"):
            (topic,) = self._admin.describe_topics([FACTS])
        if topic["error_code"] == _UNKNOWN_TOPIC:
            raise RetryLaterError(f"topic {FACTS} does not exist")
        return str(topic.get("topic_id") or "")

    def seek(self, positions: Mapping[int, int]) -> None:
        """See the port."""
        for partition, part in self._parts.items():
            self._consumer.seek(part, positions[partition])

    def poll(self, max_records: int, seconds: float) -> list[Record]:
        """See the port. A few large fetches cost much less than many small ones: rest after a small one."""
        rested, rest = self._few, max(0.0, min(seconds, _REST) - _CATCH_UP) if self._few else 0.0
        time.sleep(rest)
        records = self._fetch(max_records, seconds - rest)
        self._few = 0 < len(records) < min(_FEW, max_records)
        if rested and self._few:
            # The client fetches ahead: that was asked for before the rest. What came since takes one more.
            records += self._fetch(max_records - len(records), _CATCH_UP)
        return records

    def _fetch(self, max_records: int, seconds: float) -> list[Record]:
        with _translated("reading facts"):
            fetched = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=max_records)
        return list(chain.from_iterable(fetched.values()))

    def read(self, ranges: Sequence[Range]) -> list[Record]:
        """See the port."""
        open_ends = {r.partition: r.end for r in ranges if r.end > r.start}
        self._consumer.pause(*self._parts.values())
        for r in ranges:
            self._consumer.seek(self._parts[r.partition], r.start)
        self._consumer.resume(*(self._parts[p] for p in open_ends))
        found: list[Record] = []
        deadline = time.monotonic() + _TIMEOUT
        try:
            while open_ends:
                records = self._fetch(20_000, 0.2)
                found += [r for r in records if r.offset < open_ends.get(r.partition, 0)]
                if records:
                    deadline = time.monotonic() + _TIMEOUT
                for partition, end in list(open_ends.items()):
                    if self._consumer.position(self._parts[partition]) >= end:
                        del open_ends[partition]
                        self._consumer.pause(self._parts[partition])
                if open_ends and time.monotonic() > deadline:
                    raise RetryLaterError("reading facts: a range of the log does not come")
        finally:
            self._consumer.resume(*self._parts.values())
        return found

    def ends(self) -> dict[int, int]:
        """See the port. The larger of two answers, because each of them can be behind in its own way."""
        with _translated("asking for the end of the log"):
            reported = self._consumer.end_offsets(list(self._parts.values()), timeout_ms=5_000)
        return {
            partition: max(reported[part], self._consumer.highwater(part) or 0)
            for partition, part in self._parts.items()
        }

    def true_ends(self) -> dict[int, int]:
        """The ends as fetches know them, for a reader that has fetched nothing yet. Moves `poll`."""
        self.seek(self.ends())
        deadline = time.monotonic() + _TIMEOUT
        while any(self._consumer.highwater(part) is None for part in self._parts.values()):
            self._fetch(1_000, 0.05)
            if time.monotonic() > deadline:
                raise RetryLaterError("the brokers do not tell where the log ends")
        return self.ends()

    def commit(self, positions: Mapping[int, int]) -> None:
        """See the port."""
        offsets = {self._parts[p]: OffsetAndMetadata(offset, "", -1) for p, offset in positions.items()}
        with _translated("committing"):
            self._consumer.commit(offsets, timeout_ms=5_000)

    def close(self) -> None:
        """Close all sockets."""
        with _translated("closing"):
            self._consumer.close(autocommit=False, timeout_ms=2_000)
            self._admin.close()


class Appender:
    """Appends one record at a time, acked by all in-sync replicas."""

    def __init__(self, brokers: Brokers) -> None:
        self._brokers = brokers
        self._producer: Any = None

    def append(
        self,
        topic: str,
        records: Sequence[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]],
    ) -> list[int]:
        """Append (partition, key, value, headers) and wait for every ack; the offsets."""
        with _translated(f"appending to {topic}"):
            try:
                if self._producer is None:
                    self._producer = connected(
                        KafkaProducer,
                        **{**self._brokers.common(), "request_timeout_ms": 5_000},
                        acks="all",
                        enable_idempotence=True,
                        linger_ms=0,
                        delivery_timeout_ms=10_000,
                        max_block_ms=5_000,
                        max_request_size=4 << 20,
                        allow_auto_create_topics=False,
                        metrics_enabled=False,
                    )
                futures = [
                    self._producer.send(topic, partition=partition, key=key, value=value, headers=headers)
                    for partition, key, value, headers in records
                ]
                return [future.get(timeout=_TIMEOUT + 2).offset for future in futures]
            except (driver.KafkaError, OSError):
                self.close()
                raise

    def close(self) -> None:
        """Close without waiting for what is unacked."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            producer.close(timeout=1)


class KafkaIntentLog:
    """Implements `services.analytics.sink.ports.IntentLog`."""

    def __init__(self, brokers: Brokers, appender: Appender) -> None:
        self._appender = appender
        self._read: list[tuple[int, Said]] = []
        self._part = TopicPartition(INTENTS, 0)
        with _translated("connecting"), ExitStack() as begun:
            self._consumer = brokers.consumer()
            begun.callback(self._consumer.close, autocommit=False)
            self._consumer.assign([self._part])
            (start,) = self._consumer.beginning_offsets([self._part]).values()
            self._consumer.seek(self._part, start)
            begun.pop_all()

    def append(self, key: bytes, value: bytes | None) -> int:
        """See the port."""
        return self._appender.append(INTENTS, [(0, key, value, [])])[0]

    def read_through(self, offset: int) -> list[Said]:
        """See the port. It goes on until the record at `offset` itself is read, never by a reported end."""
        deadline = time.monotonic() + _TIMEOUT
        while not self._read or self._read[-1][0] < offset:
            with _translated("reading intents"):
                fetched = self._consumer.poll(timeout_ms=200).get(self._part, [])
            self._read += [(r.offset, _said(r.key, r.value)) for r in fetched]
            if not fetched and time.monotonic() > deadline:
                raise RetryLaterError("reading intents: an appended record does not come back")
        done = [said for at, said in self._read if at <= offset]
        self._read = [(at, said) for at, said in self._read if at > offset]
        return done

    def close(self) -> None:
        """Close the sockets of the reader."""
        with _translated("closing"):
            self._consumer.close(autocommit=False, timeout_ms=2_000)


class KafkaLawLog:
    """Implements `services.analytics.naming.LawLog`."""

    def __init__(self, brokers: Brokers) -> None:
        part = TopicPartition(LAW, 0)
        with _translated("connecting"), ExitStack() as begun:
            # Nobody waits for a name: a broker that does not wake a waiting fetch need not be asked often.
            self._consumer = brokers.consumer(fetch_wait=_LAW_WAIT[brokers.wakes])
            begun.callback(self._consumer.close, autocommit=False)
            self._consumer.assign([part])
            (start,) = self._consumer.beginning_offsets([part], timeout_ms=5_000).values()
            self._consumer.seek(part, start)
            begun.pop_all()

    def poll(self) -> list[bytes | None]:
        """See the port."""
        with _translated("reading the law"):
            fetched = self._consumer.poll(timeout_ms=500)
        return [record.value for records in fetched.values() for record in records]

    def close(self) -> None:
        """Close the sockets."""
        with _translated("closing"):
            self._consumer.close(autocommit=False, timeout_ms=2_000)


def _said(key: bytes, value: bytes | None) -> Said:
    try:
        return intents.decode(key, value)
    except msgspec.MsgspecError as error:
        raise RefusedError(f"{INTENTS} holds a record that is none of its entries") from error


class KafkaDeadLetters:
    """Implements `services.analytics.sink.ports.DeadLetters`."""

    def __init__(self, appender: Appender) -> None:
        self._appender = appender

    def put(self, poison: Sequence[Poison]) -> None:
        """See the port."""
        letters: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]] = [
            (
                letter.record.partition,
                letter.record.key,
                letter.record.value,
                [
                    ("dlq_reason", letter.reason.encode()),
                    ("dlq_topic", FACTS.encode()),
                    ("dlq_partition", str(letter.record.partition).encode()),
                    ("dlq_offset", str(letter.record.offset).encode()),
                ],
            )
            for letter in poison
        ]
        self._appender.append(FACTS_DLQ, letters)
