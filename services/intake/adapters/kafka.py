"""The broker port over kafka-python: the only module of intake that imports it.

Two threads stand behind it: the producer's own, whose completions cross to the event loop in batches,
and one that reads outcomes, law and serial claims without a group. A producer that no longer answers for
its records is replaced by a new one while the process goes on: after a stall of the broker kafka-python
3.0 can wait for ever for its producer id and then neither sends nor fails anything.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from functools import lru_cache
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, MessageSizeTooLargeError
from kafka.partitioner.default import murmur2
from msgspec import Struct

from contracts.clients import connected
from contracts.headers import Headers
from contracts.topics import COMMANDS, LAW, OUTCOMES, SERIALS, TOPICS
from services.intake.adapters.in_flight import InFlight, Pending
from services.intake.application.metrics import Metrics
from services.intake.domain.admission import Gate
from services.intake.ports import (
    Ack,
    BrokenLogError,
    Deliver,
    Fatal,
    Record,
    TooLargeError,
    Unavailable,
    report_to,
)

_log = logging.getLogger(__name__)

_RETRY: Final = 1.0
_END: Final = 5.0  # seconds a producer that was given up has to end
_WRITTEN: Final = (COMMANDS, LAW, SERIALS)
_HEADERS_WEIGHT: Final = 200  # bytes a record weighs beyond key and value, about


class Connection(Struct, frozen=True, kw_only=True):
    """How to reach the broker. `fetch_wait_ms` is how long it may hold an empty fetch."""

    servers: tuple[str, ...]
    client: str
    fetch_wait_ms: int = 500
    delivery_timeout_ms: int = 10_000
    request_timeout_ms: int = 5_000
    margin: float = 2.0
    """Seconds beyond the delivery time-out after which a record not answered for is given up."""
    silence: float = 30.0
    """Seconds without any ack, though records were sent, after which the producer is replaced."""
    watch_interval: float = 1.0


class StuckClientError(RuntimeError):
    """The library's thread does not end: only a new process is sure to send nothing out of turn."""


class KafkaBroker:
    """:class:`services.intake.ports.Broker` over Apache Kafka, or anything that speaks its protocol."""

    def __init__(self, connection: Connection, gate: Gate, metrics: Metrics) -> None:
        self._connection = connection
        self._gate = gate
        self._metrics = metrics
        self._producer: Any = None
        self._in_flight = InFlight(gate, metrics)
        self._reader: _Reader | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def open(self, deliver: Deliver, fatal: Fatal) -> None:
        """See the port. A topic whose partition count is not the contract's is a BrokenLogError."""
        self._producer = await self._connected()
        self._reader = _Reader(self._connection, asyncio.get_running_loop(), deliver, fatal)
        await self._reader.start()
        self._watcher = asyncio.create_task(self._watch())
        self._watcher.add_done_callback(report_to(fatal))

    def partition_of(self, topic: str, key: bytes) -> int:
        """See the port."""
        return _hash(key) % TOPICS[topic].partitions

    def send(
        self,
        topic: str,
        value: bytes,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Headers | None = None,
    ) -> asyncio.Future[Ack]:
        """See the port."""
        if self._producer is None:
            raise Unavailable("not_ready" if self._watcher is None else "broker_failing")
        size = len(value) + len(key or b"") + _HEADERS_WEIGHT
        if not self._gate.has_room(size):
            raise Unavailable("too_many_in_flight")
        if partition is None and key is not None:
            partition = self.partition_of(topic, key)
        try:
            handed = self._producer.send(topic, value=value, key=key, partition=partition, headers=headers)
        except MessageSizeTooLargeError as error:
            raise TooLargeError(str(error)) from error
        except KafkaError as error:
            self._metrics.produce_errors.labels(topic, type(error).__name__).inc()
            raise Unavailable("broker_failing") from error
        pending = self._in_flight.add(topic, size, time.monotonic())
        handed.add_callback(self._succeeded, pending)
        handed.add_errback(self._failed, pending)
        return pending.future

    async def close(self, grace: float) -> None:
        """See the port."""
        if len(self._in_flight):
            try:
                await asyncio.wait_for(self._in_flight.until_idle(), grace)
            except TimeoutError:
                _log.error("stopping with %d records not acked", len(self._in_flight))
        if self._watcher is not None:
            self._watcher.cancel()
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await asyncio.to_thread(_end, producer)
        if self._reader is not None:
            await asyncio.to_thread(self._reader.stop)

    async def _connected(self) -> Any:
        """A producer that knows every topic written to; tries until there is one."""
        producer = None
        while producer is None:
            try:
                producer = await asyncio.to_thread(_connect_producer, self._connection)
            except KafkaError as error:
                servers = ",".join(self._connection.servers)
                _log.warning("no broker at %s yet: %s", servers, type(error).__name__)
                await asyncio.sleep(_RETRY)
        for topic in _WRITTEN:
            while not await asyncio.to_thread(_known, producer, topic):
                _log.warning("topic %s is not there yet", topic)
                await asyncio.sleep(_RETRY)
        self._metrics.producers.inc()
        return producer

    async def _watch(self) -> None:
        """For ever: give up what the producer does not answer for, and with it the producer."""
        limit = self._connection.delivery_timeout_ms / 1000 + self._connection.margin
        while True:
            await asyncio.sleep(self._connection.watch_interval)
            now = time.monotonic()
            lost = self._in_flight.give_up(now - limit)
            if lost:
                await self._replace(f"{lost} records neither acked nor refused within {limit:g} s")
            elif self._in_flight.silence(now) > self._connection.silence:
                await self._replace(f"nothing acked for {self._connection.silence:g} s")

    async def _replace(self, why: str) -> None:
        """Another producer for this one. What this one still held is unknown to its senders."""
        _log.error("another producer is made: %s", why)
        old, self._producer = self._producer, None
        if not await asyncio.to_thread(_end, old):
            raise StuckClientError(f"the producer's thread does not end: {why}")
        self._in_flight.give_up(time.monotonic())
        self._in_flight.start_anew()
        self._producer = await self._connected()

    # The next two run in the producer's thread.

    def _succeeded(self, pending: Pending, metadata: Any) -> None:
        self._in_flight.settle(pending, Ack(metadata.topic, metadata.partition, metadata.offset))

    def _failed(self, pending: Pending, error: BaseException) -> None:
        self._in_flight.settle(pending, error)


@lru_cache(65_536)  # the library's is in Python, and a dossier comes again and again
def _hash(key: bytes) -> int:
    """As every Kafka client that keeps to Java's default places a key."""
    return int(murmur2(key)) & 0x7FFF_FFFF


def _connect_producer(connection: Connection) -> Any:
    return connected(
        KafkaProducer,
        bootstrap_servers=list(connection.servers),
        client_id=connection.client,
        acks="all",
        enable_idempotence=True,
        linger_ms=2,
        batch_size=131_072,
        max_in_flight_requests_per_connection=5,
        delivery_timeout_ms=connection.delivery_timeout_ms,
        request_timeout_ms=connection.request_timeout_ms,
        retry_backoff_ms=100,
        reconnect_backoff_max_ms=1_000,
        max_block_ms=1_000,
        bootstrap_timeout_ms=5_000,
        allow_auto_create_topics=False,
        metrics_enabled=False,
    )


def _end(producer: Any) -> bool:
    """End a producer at once, failing what it still holds; False when its thread does not end.

    Its own `close` gives up with an error, and lets the thread run on, while it holds anything; the
    thread is told to end directly (kafka-python 3.0, which pyproject.toml holds us to).
    """
    producer._sender.force_close()
    producer._sender.join(_END)
    if producer._sender.is_alive():
        return False
    producer.close(timeout=0)
    return True


def _known(producer: Any, topic: str) -> bool:
    """Whether the topic is there, which also warms up the producer so that a send never blocks."""
    try:
        partitions = producer.partitions_for(topic)
    except KafkaError:
        return False
    if not partitions:
        return False
    expected = TOPICS[topic].partitions
    if len(partitions) != expected:
        raise BrokenLogError(f"topic {topic} has {len(partitions)} partitions, the contract says {expected}")
    return True


class _Reader:
    """A thread with a consumer outside any group: the end of outcomes, and all of law and claims."""

    def __init__(
        self, connection: Connection, loop: asyncio.AbstractEventLoop, deliver: Deliver, fatal: Fatal
    ) -> None:
        self._connection = connection
        self._loop = loop
        self._deliver = deliver
        self._fatal = fatal
        self._stopping = threading.Event()
        self._caught_up: asyncio.Future[None] = loop.create_future()
        self._tails = [TopicPartition(OUTCOMES, n) for n in range(TOPICS[OUTCOMES].partitions)]
        self._wholes = [TopicPartition(topic, 0) for topic in (LAW, SERIALS)]
        self._thread = threading.Thread(target=self._run, name="intake-reader", daemon=True)

    async def start(self) -> None:
        """Start reading; returns once in position everywhere and through with the whole topics."""
        self._thread.start()
        await self._caught_up

    def stop(self) -> None:
        """End the thread. Not to be called from the event loop's thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10)

    def _run(self) -> None:
        try:
            consumer = self._connect()
            if consumer is not None:
                try:
                    self._position(consumer)
                    self._read(consumer)
                finally:
                    consumer.close()
        except Exception as error:
            if not self._stopping.is_set():
                self._call(self._fatal, BrokenLogError(f"the reader stopped: {error!r}"))

    def _connect(self) -> Any:
        while not self._stopping.is_set():
            try:
                return connected(
                    KafkaConsumer,
                    bootstrap_servers=list(self._connection.servers),
                    client_id=f"{self._connection.client}-reader",
                    group_id=None,
                    enable_auto_commit=False,
                    # A position outside the log means another log than the one read so far.
                    auto_offset_reset="none",
                    fetch_max_wait_ms=self._connection.fetch_wait_ms,
                    reconnect_backoff_max_ms=1_000,
                    bootstrap_timeout_ms=5_000,
                    allow_auto_create_topics=False,
                    metrics_enabled=False,
                )
            except KafkaError as error:
                _log.warning("reader: no broker yet: %s", type(error).__name__)
                self._stopping.wait(_RETRY)
        return None

    def _position(self, consumer: Any) -> None:
        consumer.assign(self._tails + self._wholes)
        consumer.seek_to_end(*self._tails)
        consumer.seek_to_beginning(*self._wholes)
        for place in self._tails + self._wholes:
            while consumer.position(place, timeout_ms=1_000) is None and not self._stopping.is_set():
                _log.warning("reader: no position in %s yet", place.topic)

    def _read(self, consumer: Any) -> None:
        behind = True
        while not self._stopping.is_set():
            polled = consumer.poll(timeout_ms=200, max_records=1_000)
            records = [
                Record(place.topic, place.partition, record.offset, record.value)
                for place, batch in polled.items()
                for record in batch
            ]
            if records:
                self._hand_over(records)
            if behind and all(self._at_end(consumer, place) for place in self._wholes):
                behind = False
                self._call(self._set_caught_up)

    def _at_end(self, consumer: Any, place: Any) -> bool:
        # The high watermark of a fetch, not the end offsets: those of the small broker lag behind.
        highwater = consumer.highwater(place)
        return highwater is not None and consumer.position(place) >= highwater

    def _hand_over(self, records: list[Record]) -> None:
        """Give records to the event loop and wait until it has taken them: memory stays bounded."""
        taken = threading.Event()

        def take() -> None:
            try:
                self._deliver(records)
            finally:
                taken.set()

        self._call(take)
        while not taken.wait(0.5) and not self._stopping.is_set():
            pass

    def _set_caught_up(self) -> None:
        if not self._caught_up.done():
            self._caught_up.set_result(None)

    def _call(self, function: Any, *args: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the loop is closed: the process is ending
            self._stopping.set()
