"""The topics of the sink, and one process' way to them, with every way it can go wrong.

While the broker is away a call takes its time and fails; an append that failed may stand in the log, may land
later (even after its own repetition), or may be gone. A process that dies leaves its last append in the same
doubt. Polls never fail: as with the real client, nothing comes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from services.analytics.domain import intents
from services.analytics.domain.batch import Poison, Record
from services.analytics.domain.intents import Range, Said
from services.analytics.errors import LogTruncatedError, RetryLaterError
from tests.crash.sink.timeline import DiedError, Task, Timeline

Reached = Callable[[str], None]

STAMP: Final = 1_600_000_000_000
_ROUND_TRIP: Final = 0.002
_TIMEOUT: Final = 10.0
_LATEST: Final = 20.0
"""Seconds after its time-out within which an append may still land."""
_LONG: Final = 0.5
_IDLE: Final = 30.0


class Broker:
    """What stands in the topics; survives every process."""

    def __init__(self, timeline: Timeline, chance: random.Random, partitions: Sequence[int]) -> None:
        self.timeline, self.chance = timeline, chance
        self.topic_id = "topic-1"
        self.facts: dict[int, list[Record]] = {p: [] for p in partitions}
        self.intents: list[tuple[int, bytes, bytes | None]] = []
        self.letters: list[tuple[int, int, bytes | None]] = []
        self.away_until = 0.0
        self.lossy_until = 0.0
        """Until then every fourth acknowledgement is lost."""
        self.idle: list[Task] = []
        """Who waits for facts."""
        self._next = 0

    @property
    def away(self) -> bool:
        """Whether nobody answers."""
        return self.timeline.now < self.away_until

    def tell(self, partition: int, value: bytes | None, key: bytes | None = b"key") -> None:
        """One more record of the facts."""
        records = self.facts[partition]
        arrived = STAMP + int(self.timeline.now * 1000)
        records.append(Record(partition, len(records), key, value, arrived))
        idle, self.idle = self.idle, []
        for task in idle:
            task.rouse()

    def create_again(self, keep: int) -> None:
        """Delete the facts' topic and create it anew, with that many other records a partition."""
        self.topic_id += "-again"
        self.facts = {p: [] for p in self.facts}
        for partition in self.facts:
            for n in range(keep):
                self.tell(partition, b'{"record":"of another topic","n":%d}' % n)

    def append(self, key: bytes, value: bytes | None) -> int:
        """One more record of the intents; its offset."""
        offset, self._next = self._next, self._next + 1
        self.intents.append((offset, key, value))
        return offset

    def compact(self, keep: int) -> None:
        """What a broker may do at any time to all but the newest segment of the intents."""
        clean, rest = self.intents[: len(self.intents) - keep], self.intents[len(self.intents) - keep :]
        last = {key: offset for offset, key, _ in clean}
        self.intents = [r for r in clean if last[r[1]] == r[0] and r[2] is not None] + rest


class Link:
    """Calls of one process to the broker: they take time, and may fail."""

    def __init__(self, broker: Broker, task: Task, reached: Reached) -> None:
        self.broker, self.task, self.reached = broker, task, reached

    def call(self) -> None:
        """There and back. Raises RetryLaterError."""
        chance = self.broker.chance
        self.task.sleep(_ROUND_TRIP * (1 + chance.random()))
        if self.broker.away:
            self.task.sleep(min(_TIMEOUT, 0.05 + _TIMEOUT * chance.random() ** 2))
            raise RetryLaterError("the broker is away")

    def deliver(self, what: str, append: Callable[[], int]) -> int:
        """An append with all its doubts. Raises RetryLaterError."""
        broker, chance = self.broker, self.broker.chance
        try:
            self.reached(f"before {what}")
            self.task.sleep(_ROUND_TRIP * (1 + chance.random()))
        except DiedError:
            self._perhaps_later(append, 1.0)
            raise
        if broker.away:
            self.task.sleep(_TIMEOUT)
            self._perhaps_later(append, max(0.0, broker.away_until - broker.timeline.now))
            raise RetryLaterError("the broker is away; what was sent may or may not stand")
        offset = append()
        if broker.timeline.now < broker.lossy_until and chance.random() < 0.25:
            self.task.sleep(_TIMEOUT)
            raise RetryLaterError("no acknowledgement came")
        self.reached(f"after {what}")
        return offset

    def _perhaps_later(self, append: Callable[[], int], until: float) -> None:
        chance = self.broker.chance
        if chance.random() < 0.5:
            late = until + _LATEST * chance.random() ** 3

            def land() -> None:
                append()

            self.broker.timeline.after(late, land)


class ModelFacts:
    """Implements `services.analytics.sink.ports.FactLog`. `held` counts records handed out."""

    def __init__(self, link: Link, partitions: Sequence[int]) -> None:
        self._link = link
        self._at = dict.fromkeys(partitions, 0)
        self.held = 0
        self.most = 0
        """The most records handed out beyond what is done with."""

    def topic_id(self) -> str:
        """See the port."""
        self._link.call()
        return self._link.broker.topic_id

    def seek(self, positions: Mapping[int, int]) -> None:
        """See the port."""
        self._at = {p: positions[p] for p in self._at}
        self.held = 0

    def poll(self, max_records: int, seconds: float) -> list[Record]:
        """See the port. A fetch brings some of what is there, of some partitions first."""
        broker, task = self._link.broker, self._link.task
        task.sleep(_ROUND_TRIP)
        if broker.away:
            task.sleep(seconds)
            return []
        found = self._fetched(max_records)
        if not found:
            if seconds >= _LONG:  # nobody counts on its end: wait for what comes
                broker.idle.append(task)
                task.wait(_IDLE)
            else:
                task.sleep(seconds)
            found = [] if broker.away else self._fetched(max_records)
        self.held += len(found)
        self.most = max(self.most, self.held)
        return found

    def _fetched(self, max_records: int) -> list[Record]:
        broker, found = self._link.broker, list[Record]()
        order = list(self._at)
        broker.chance.shuffle(order)
        for partition in order:
            records, at = broker.facts[partition], self._at[partition]
            if at > len(records):
                raise LogTruncatedError("the log no longer holds the next offset")
            size = min(max_records - len(found), broker.chance.choice((1, 3, 8, 100)))
            part = records[at : at + size]
            self._at[partition] += len(part)
            found += part
        return found

    def read(self, ranges: Sequence[Range]) -> list[Record]:
        """See the port."""
        self._link.call()
        facts = self._link.broker.facts
        if any(r.end > len(facts[r.partition]) for r in ranges):
            raise LogTruncatedError("a range is not in the log")
        return [record for r in ranges for record in facts[r.partition][r.start : r.end]]

    def ends(self) -> dict[int, int]:
        """See the port; the answer may be behind, as some brokers' is."""
        self._link.call()
        behind = self._link.broker.chance.choice((0, 0, 0, 2))
        return {p: max(0, len(self._link.broker.facts[p]) - behind) for p in self._at}

    def commit(self, positions: Mapping[int, int]) -> None:
        """See the port."""
        self._link.reached("before commit")
        self._link.call()
        self._link.reached("after commit")


class ModelIntents:
    """Implements `services.analytics.sink.ports.IntentLog`."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._read = 0

    def append(self, key: bytes, value: bytes | None) -> int:
        """See the port."""
        kind = key.split(b"/")[1].decode() if value is not None else "tombstone"
        return self._link.deliver(kind, lambda: self._link.broker.append(key, value))

    def read_through(self, offset: int) -> list[Said]:
        """See the port."""
        self._link.call()
        found = [r for r in self._link.broker.intents if self._read <= r[0] <= offset]
        self._read = max(self._read, offset + 1)
        return [intents.decode(key, value) for _, key, value in found]


class ModelLetters:
    """Implements `services.analytics.sink.ports.DeadLetters`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def put(self, poison: Sequence[Poison]) -> None:
        """See the port."""
        letters = self._link.broker.letters

        def append() -> int:
            letters.extend((p.record.partition, p.record.offset, p.record.value) for p in poison)
            return len(letters)

        self._link.deliver("letters", append)
