"""What else reads the facts, and what one would write instead of this sink.

`client` kafka-python as it comes, its records with their headers, and the decoding of each fact; nothing is
         made of it.
`bare`   the same with the sink's own reader of record batches: what remains to be saved beyond it.
`arroyo` sentry-arroyo's batching consumer: `BatchStep`, then a task that inserts the batch.
`quix`   a `BatchingSink` of quixstreams; its batch of each partition goes into one insert for all of them,
         which is kinder to the engine than the insert for each partition its base class would make.

The latter two make the same rows with the same functions, in batches of the same size, and insert them by the
same code. They are configured as their guides show, offsets committed after the insert: at least once. What
stands in the log twice, or is read again after a crash, they count twice; a batch is never cut the same way
again, so no token can help. They check no topic, know of no second writer and keep no dead letters.

Each ends when the last fact is handled and writes `{"begun", "ended", "records"}` (Unix times) to the file
given. It is run by the Python of an environment that has what it needs, so nothing but that is imported.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from contracts.codec import decode_fact
from contracts.topics import DOSSIER_PARTITIONS, FACTS
from services.analytics.domain.batch import Mark, Record, translate
from services.analytics.domain.cut import CutPolicy

POLICY: Final = CutPolicy()
GROUP: Final = "rival"
LINGER: Final = 1.0
"""Seconds a rival's batch may wait to be full."""


class Timing:
    """When the first record came and when the last one was done."""

    def __init__(self, records: int, report: Path) -> None:
        self._records, self._report = records, report
        self.begun = 0.0
        self._done = 0

    def first(self) -> None:
        """Before a record is handled."""
        self.begun = self.begun or time.time()

    def done(self, number: int) -> bool:
        """After so many more; whether these were the last."""
        self._done += number
        if self._done < self._records:
            return False
        found = {"begun": self.begun, "ended": time.time(), "records": self._done}
        fresh = self._report.with_suffix(".new")
        fresh.write_text(json.dumps(found))
        fresh.replace(self._report)
        return True


class Writer:
    """Rows by the sink's functions and its insert; the watermarks are kept, for nothing."""

    def __init__(self, url: str) -> None:
        from services.analytics.adapters.clickhouse import Connection, SinkWarehouse

        self._warehouse = SinkWarehouse(Connection(url))
        self._marks: Mapping[int, Mark] = {}
        self._tokens = itertools.count()

    def write(self, records: Iterable[Record]) -> None:
        """Insert the rows of a batch."""
        batch = translate(records, self._marks)
        self._marks = batch.marks
        self._warehouse.insert_facts(batch.rows, f"{GROUP}-{next(self._tokens)}")


def bare(options: argparse.Namespace, timing: Timing) -> None:
    """Read as the sink does, decode, forget."""
    from services.analytics.adapters.kafka import Brokers, KafkaFactLog

    partitions = range(DOSSIER_PARTITIONS)
    log = KafkaFactLog(Brokers((options.broker,), 0.02, GROUP), partitions)
    log.seek(dict.fromkeys(partitions, 0))
    timing.first()
    done = False
    while not done:
        records = log.poll(POLICY.max_records, 0.1)
        for record in records:
            decode_fact(record.value)
        done = timing.done(len(records))


def client(options: argparse.Namespace, timing: Timing) -> None:
    """Read with the library alone, decode, forget."""
    from kafka import TopicPartition

    from services.analytics.adapters.kafka import Brokers

    consumer = Brokers((options.broker,), 0.02, GROUP).consumer(fetch_wait=0.1)
    parts = [TopicPartition(FACTS, number) for number in range(DOSSIER_PARTITIONS)]
    consumer.assign(parts)
    for part in parts:
        consumer.seek(part, 0)
    timing.first()
    done = False
    while not done:
        fetched = consumer.poll(timeout_ms=100, max_records=POLICY.max_records)
        for records in fetched.values():
            for record in records:
                decode_fact(record.value)
        done = timing.done(sum(map(len, fetched.values())))


def arroyo(options: argparse.Namespace, timing: Timing) -> None:
    """A stream processor: batches by size and time, a task that inserts one, then the offsets."""
    from arroyo.backends.kafka import KafkaConsumer
    from arroyo.backends.kafka.configuration import build_kafka_consumer_configuration
    from arroyo.commit import ONCE_PER_SECOND
    from arroyo.processing.processor import StreamProcessor
    from arroyo.processing.strategies import CommitOffsets, ProcessingStrategyFactory, RunTask
    from arroyo.processing.strategies.batching import BatchStep
    from arroyo.types import Topic

    writer = Writer(options.warehouse)

    def insert(message: Any) -> None:
        timing.first()
        writer.write(
            Record(value.partition.index, value.offset, value.payload.key, value.payload.value, 0)
            for value in message.payload
        )
        if timing.done(len(message.payload)):
            processor.signal_shutdown()

    class Factory(ProcessingStrategyFactory):  # type: ignore[misc]  # not installed here
        """The steps, made anew for every assignment."""

        def create_with_partitions(self, commit: Any, partitions: Any) -> Any:
            """See the base class."""
            steps = RunTask(insert, CommitOffsets(commit))
            timing.first()  # assigned; the first record is on its way
            return BatchStep(POLICY.max_records, LINGER, steps)

    settings = build_kafka_consumer_configuration(
        {"session.timeout.ms": options.session},
        bootstrap_servers=[options.broker],
        group_id=options.group,
        auto_offset_reset="earliest",
    )
    processor = StreamProcessor(KafkaConsumer(settings), Topic(FACTS), Factory(), ONCE_PER_SECOND)
    processor.run()


def quix(options: argparse.Namespace, timing: Timing) -> None:
    """An application with one sink; its checkpoint flushes the sink, then commits."""
    from quixstreams import Application
    from quixstreams.sinks import BatchingSink

    writer = Writer(options.warehouse)

    class Facts(BatchingSink):  # type: ignore[misc]  # not installed here
        """One insert for the batches of all partitions."""

        def write(self, batch: Any) -> None:
            """Never called: see `flush`."""
            raise NotImplementedError

        def add(self, *args: Any, **kwargs: Any) -> None:
            """See the base class."""
            timing.first()
            super().add(*args, **kwargs)

        def flush(self) -> None:
            """See the base class."""
            batches = self._batches.values()
            size = sum(batch.size for batch in batches)
            if size:
                writer.write(
                    Record(batch.partition, item.offset, item.key, item.value, item.timestamp)
                    for batch in batches
                    for item in batch
                )
            self._batches.clear()
            if size and timing.done(size):
                app.stop()

    app = Application(
        broker_address=options.broker,
        consumer_group=options.group,
        auto_offset_reset="earliest",
        commit_every=POLICY.max_records,
        commit_interval=LINGER,
        consumer_extra_config={"session.timeout.ms": options.session},
        auto_create_topics=False,
        loglevel="WARNING",
    )
    app.dataframe(app.topic(FACTS, value_deserializer="bytes")).sink(Facts())
    app.run()


CONTESTANTS: Final[dict[str, Callable[[argparse.Namespace, Timing], None]]] = {
    "bare": bare,
    "client": client,
    "arroyo": arroyo,
    "quix": quix,
}


def main() -> None:
    """Run one until the last fact is handled."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("contestant", choices=CONTESTANTS)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--warehouse", required=True, help="clickhouse://…")
    parser.add_argument("--group", default=GROUP)
    parser.add_argument("--session", type=int, default=6_000, help="milliseconds")
    parser.add_argument("--records", type=int, required=True)
    parser.add_argument("--report", type=Path, required=True)
    options = parser.parse_args()
    CONTESTANTS[options.contestant](options, Timing(options.records, options.report))


if __name__ == "__main__":
    main()
