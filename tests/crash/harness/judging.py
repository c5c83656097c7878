"""The verdict on a real log: everything asked is answered, and the product's proof finds nothing wrong.

After each schedule the records that are new are read and the whole log is decided again from memory. In the
end all of it is read once more, as the brokers have it then: what they lost of their own would show there.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from operator import ge
from typing import Any, Final

from kafka import KafkaConsumer, TopicPartition

from contracts.codec import decode_command, decode_fact, decode_outcome
from contracts.commands import Command
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, FACTS, OUTCOMES, STATES
from contracts.words import Clock
from services.workflow.adapters.topics import PartitionTopics, Readable, Topics
from services.workflow.engine.crossing import Crossing
from services.workflow.engine.verify import verify
from tests.crash.harness.numbers import judge_numbers
from tests.crash.harness.oracle import read_once
from tests.crash.harness.verdict import Verdict

READ: Final = (COMMANDS, FACTS, OUTCOMES, STATES)
PARTITIONS: Final = range(DOSSIER_PARTITIONS)
GRACE: Final = 10.0
"""Seconds in which a reader may still be behind the log."""


class Logbook:
    """What stands in the topics, read on from where it was read before."""

    def __init__(self, bootstrap: str, clock: Clock) -> None:
        self._bootstrap, self._clock = bootstrap.split(","), clock
        self._topics: Final = Topics(self._bootstrap)
        self._rows: dict[Any, list[Any]] = {TopicPartition(t, n): [] for t in READ for n in PARTITIONS}
        self._asked: dict[int, set[str]] = {n: set() for n in PARTITIONS}
        self._answered: dict[int, set[str]] = {n: set() for n in PARTITIONS}

    def rows(self, topic: str, number: int) -> list[Any]:
        """The records of a partition, as far as they were read."""
        return self._rows[TopicPartition(topic, number)]

    def count(self, topic: str) -> int:
        """How many records of a topic were read."""
        return sum(len(self.rows(topic, number)) for number in PARTITIONS)

    @property
    def records(self) -> int:
        """How many records were read."""
        return sum(map(len, self._rows.values()))

    def read_on(self) -> None:
        """Read what is new."""
        with self._consumer() as consumer:
            parts = list(self._rows)
            consumer.assign(parts)
            ends = consumer.end_offsets(parts)
            for part, rows in self._rows.items():
                consumer.seek(part, rows[-1].offset + 1 if rows else 0)
            until = time.monotonic() + 60
            while any(consumer.position(part) < ends[part] for part in parts):
                assert time.monotonic() < until, "the ends of the topics do not come"
                for part, batch in consumer.poll(timeout_ms=200, max_records=10_000).items():
                    self._rows[part] += batch
                    self._note(part.topic, part.partition, batch)

    def read(self, topic: str, partition: int) -> Iterator[Any]:
        """For the proof: the records of a partition, as far as they were read."""
        return iter(self.rows(topic, partition))

    def committed(self, partitions: Iterable[int]) -> dict[int, int]:
        """For the proof: all of it, since a schedule is judged when everything is decided."""
        return {n: rows[-1].offset + 1 if (rows := self.rows(COMMANDS, n)) else 0 for n in partitions}

    def all_decided(self) -> bool:
        """Whether the workers committed all that stands in the commands now."""
        self.read_on()
        ends = self.committed(PARTITIONS).values()
        return all(map(ge, self._topics.committed(PARTITIONS).values(), ends))

    def judge(self) -> Verdict:
        """The verdict on everything so far. A difference counts when it stands for a while."""
        until = time.monotonic() + GRACE
        while True:
            verdict = self._verdict(self)
            if not verdict or time.monotonic() > until:
                return verdict
            time.sleep(0.5)
            self.read_on()

    def judge_afresh(self) -> Verdict:
        """The verdict on what the brokers have, read from the beginning by the product's own means."""
        return self._verdict(self._topics)

    def _verdict(self, topics: Readable) -> Verdict:
        verdict = Verdict()
        crossing = Crossing(topics.committed(PARTITIONS))
        reports = [
            verify(number, self._clock, PartitionTopics(topics, number), crossing=crossing)
            for number in PARTITIONS
        ]
        crossing.judge(dict(enumerate(reports)))
        for number, report in enumerate(reports):
            said = [f"partition {number}: {line}" for line in report.samples]
            verdict.add(Verdict(report.missing, report.doubled, report.different, said))
            for command_id in self._asked[number] - self._answered[number]:
                verdict.lost += 1
                verdict.said.append(f"command {command_id} of partition {number} was never answered")
        verdict.add(judge_numbers(chain.from_iterable(self._kept(number) for number in PARTITIONS)))
        return verdict

    def _kept(self, number: int) -> Iterable[bytes]:
        rows = (row.value for row in self.rows(FACTS, number))
        return read_once((decode_fact(value).cause, value) for value in rows).values()

    def _note(self, topic: str, number: int, batch: list[Any]) -> None:
        if topic == COMMANDS:
            messages = (decode_command(row.value) for row in batch)
            self._asked[number] |= {one.id for one in messages if isinstance(one, Command)}
        elif topic == OUTCOMES:
            self._answered[number] |= {decode_outcome(row.value).command_id for row in batch}

    @contextlib.contextmanager
    def following(self, topic: str) -> Iterator[Callable[[], int]]:
        """A question that tells how many records of a topic came since it was last asked."""
        with self._consumer() as consumer:
            parts = [part for part in self._rows if part.topic == topic]
            consumer.assign(parts)
            for part in parts:
                rows = self._rows[part]
                consumer.seek(part, rows[-1].offset + 1 if rows else 0)
            consumer.poll(timeout_ms=100)  # connected, before it counts
            yield lambda: sum(map(len, consumer.poll(timeout_ms=20).values()))

    @contextlib.contextmanager
    def _consumer(self) -> Iterator[Any]:
        """A reader of its own, without a group."""
        consumer = KafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="none",
            allow_auto_create_topics=False,
            fetch_max_wait_ms=20,
            max_partition_fetch_bytes=4 << 20,
        )
        try:
            yield consumer
        finally:
            consumer.close(autocommit=False, timeout_ms=10_000)
