"""The world of a sink in memory: a log, an intents topic that can be compacted, a warehouse with tokens.

Every port passes a named point before and after what it does, and insert passes one between its tables, so
that a test can let the process die at each of them. Thread-safe, so that two writers can meet.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.analytics.domain import intents
from services.analytics.domain.batch import Batch, Poison, Record
from services.analytics.domain.dossier import DossierRow, fold
from services.analytics.domain.intents import Range, Said
from services.analytics.domain.rows import NUMBER_DRAWN, FactRow
from services.analytics.errors import LogTruncatedError, RetryLaterError, WarehouseMismatchError
from services.analytics.migrations.restore import WINDOW
from services.analytics.sink.loop import Ports
from services.analytics.sink.ports import RollUp

Reached = Callable[[str], None]


# So many empty polls in a row are the end: what was read before has been dealt with by then.
_QUIET = 12


class DiedError(BaseException):
    """The process is gone at once; nothing may catch it."""


@dataclass
class Chaos:
    """Counts the points passed and dies at the one asked for."""

    die_at: int | None = None
    passed: list[str] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        """One point is reached."""
        self.passed.append(point)
        if self.die_at is not None and len(self.passed) > self.die_at:
            raise DiedError(point)


class FakeClock:
    """Moves only when told to, and a little with every look, so that waiting loops end."""

    def __init__(self, step: float = 0.01) -> None:
        self.at = 1_000.0
        self.looks = 0
        self._step = step

    def now(self) -> float:
        """Seconds since 1970."""
        return 1_600_000_000.0 + self.at

    def monotonic(self) -> float:
        """Seconds of the stopwatch."""
        self.at += self._step
        self.looks += 1
        return self.at


class MemoryFacts:
    """The facts topic itself; survives every process."""

    def __init__(self, partitions: Sequence[int]) -> None:
        self.topic_id = "topic-1"
        self.records: dict[int, list[Record]] = {p: [] for p in partitions}

    def append(self, partition: int, value: bytes | None, key: bytes | None = b"key") -> Record:
        """One more record of a partition."""
        records = self.records[partition]
        record = Record(partition, len(records), key, value, 1_600_000_000_000)
        records.append(record)
        return record


class MemoryFactLog:
    """One process' reader of the facts."""

    def __init__(self, topic: MemoryFacts, reached: Reached, at_end: Callable[[], None]) -> None:
        self._topic = topic
        self._reached = reached
        self._at_end = at_end
        self._at: dict[int, int] = {}
        self._quiet = 0
        self.committed: dict[int, int] = {}

    def topic_id(self) -> str:
        """See the port."""
        return self._topic.topic_id

    def seek(self, positions: Mapping[int, int]) -> None:
        """See the port."""
        self._at = dict(positions)

    def poll(self, max_records: int, seconds: float) -> list[Record]:
        """See the port; tells when there has been nothing left for a while."""
        found: list[Record] = []
        for partition, at in self._at.items():
            part = self._topic.records[partition][at : at + max_records - len(found)]
            self._at[partition] += len(part)
            found += part
        self._quiet = 0 if found else self._quiet + 1
        if self._quiet > _QUIET:
            self._at_end()
        return found

    def read(self, ranges: Sequence[Range]) -> list[Record]:
        """See the port."""
        for r in ranges:
            if r.end > len(self._topic.records[r.partition]):
                raise LogTruncatedError("a range is not in the log")
        return [record for r in ranges for record in self._topic.records[r.partition][r.start : r.end]]

    def ends(self) -> dict[int, int]:
        """See the port."""
        return {partition: len(records) for partition, records in self._topic.records.items()}

    def true_ends(self) -> dict[int, int]:
        """The ends, for the proof."""
        return self.ends()

    def commit(self, positions: Mapping[int, int]) -> None:
        """See the port."""
        self._reached("commit")
        self.committed = dict(positions)

    def close(self) -> None:
        """Nothing to close."""


class MemoryIntents:
    """The intents topic itself."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.records: list[tuple[int, bytes, bytes | None]] = []
        self._next = 0

    def append(self, key: bytes, value: bytes | None) -> int:
        """The offset of the new record."""
        with self.lock:
            offset, self._next = self._next, self._next + 1
            self.records.append((offset, key, value))
            return offset

    def compact(self) -> None:
        """What a broker may do at any time: keep the last record of each key, drop deleted keys."""
        with self.lock:
            last = {key: offset for offset, key, _ in self.records}
            self.records = [r for r in self.records if last[r[1]] == r[0] and r[2] is not None]

    def copy(self) -> MemoryIntents:
        """The same topic, apart."""
        twin = MemoryIntents()
        twin.records, twin._next = list(self.records), self._next
        return twin


class MemoryIntentLog:
    """One process' end of the intents topic."""

    def __init__(self, topic: MemoryIntents, reached: Reached) -> None:
        self._topic = topic
        self._reached = reached
        self._read = 0

    def append(self, key: bytes, value: bytes | None) -> int:
        """See the port."""
        kind = key.split(b"/")[1].decode() if value is not None else "tombstone"
        self._reached(f"before {kind}")
        offset = self._topic.append(key, value)
        self._reached(f"after {kind}")
        return offset

    def read_through(self, offset: int) -> list[Said]:
        """See the port."""
        with self._topic.lock:
            found = [r for r in self._topic.records if self._read <= r[0] <= offset]
        self._read = offset + 1
        return [intents.decode(key, value) for _, key, value in found]


class MemoryDeadLetters:
    """The dead-letter topic itself."""

    def __init__(self) -> None:
        self.letters: list[Poison] = []

    def put(self, poison: Sequence[Poison]) -> None:
        """See the port."""
        self.letters += poison


class MemoryWarehouse:
    """The tables themselves, each with its own memory of tokens."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.facts: list[FactRow] = []
        self.dossiers: dict[tuple[int, str], list[FactRow]] = defaultdict(list)
        self.clocks: dict[int, int] = {}
        self.tokens: set[tuple[str, str]] = set()
        self.away: list[Exception] = []
        self.window = WINDOW
        self.vouched: set[int] = set()

    def forget_tokens(self) -> None:
        """What happens to a token after enough other inserts."""
        with self.lock:
            self.tokens.clear()

    def merged(self) -> dict[str, DossierRow]:
        """The dossiers as the merged states say."""
        return folded(
            sorted((row for rows in self.dossiers.values() for row in rows), key=lambda row: row.seq)
        )


def folded(rows: Iterable[FactRow]) -> dict[str, DossierRow]:
    """The dossiers of rows that come in order of seq; a number that a seal's register gave makes none."""
    states: dict[str, DossierRow] = {}
    for row in rows:
        if row.type != NUMBER_DRAWN:
            states[row.dossier_id] = fold(states.get(row.dossier_id), row)
    return states


class MemorySinkWarehouse:
    """One process' connection to the tables."""

    def __init__(self, tables: MemoryWarehouse, reached: Reached) -> None:
        self._tables = tables
        self._reached = reached

    def insert_facts(self, rows: Sequence[FactRow], token: str) -> None:
        """See the port. The two tables are written one after the other, each with its own token."""
        self._reached("before facts")
        if self._tables.away:
            raise self._tables.away.pop()
        with self._tables.lock:
            if ("facts", token) not in self._tables.tokens:
                self._tables.tokens.add(("facts", token))
                self._tables.facts += rows
        self._reached("between facts and dossiers")
        with self._tables.lock:
            if ("dossiers", token) not in self._tables.tokens:
                self._tables.tokens.add(("dossiers", token))
                for row in rows:
                    self._tables.dossiers[(row.log_partition, row.dossier_id)].append(row)
        self._reached("after dossiers")

    def insert_clocks(self, clocks: Mapping[int, int], token: str) -> None:
        """See the port."""
        self._reached("before clocks")
        with self._tables.lock:
            for partition, to in clocks.items():
                self._tables.clocks[partition] = max(to, self._tables.clocks.get(partition, 0))

    def vouch_for(self, partitions: Sequence[int]) -> None:
        """See the port."""
        with self._tables.lock:
            self._tables.vouched.update(partitions)

    def row_counts(self, partitions: Sequence[int]) -> dict[int, int]:
        """See the port."""
        with self._tables.lock:
            return dict(Counter(row.log_partition for row in self._tables.facts))

    def drop_unfinished(self, partitions: Sequence[int]) -> None:
        """See the port. Nothing ever stands beside these tables."""
        self._reached("drop unfinished")

    def check_windows(self) -> None:
        """See the port."""
        if self._tables.window < WINDOW:
            raise WarehouseMismatchError("the deduplication window is too small")

    def roll_ups(self, partitions: Sequence[int]) -> list[RollUp]:
        """See the port."""
        with self._tables.lock:
            raw = Counter(row.log_partition for row in self._tables.facts)
            made = Counter(row.log_partition for rows in self._tables.dossiers.values() for row in rows)
        return [RollUp("dossiers", p, raw[p], made[p]) for p in partitions if raw[p] != made[p]]


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.rows = 0
        self.retries: list[str] = []
        self.steps: list[str] = []
        self.lags: list[dict[int, int]] = []

    def inserted(self, batch: Batch, seconds: float, oldest_age: float | None) -> None:
        """See the port."""
        self.rows += len(batch.rows)

    def retried(self, step: str) -> None:
        """See the port."""
        self.retries.append(step)

    def took(self, step: str, seconds: float) -> None:
        """See the port."""
        self.steps.append(step)

    def lag(self, records: Mapping[int, int]) -> None:
        """See the port."""
        self.lags.append(dict(records))


@dataclass
class World:
    """Everything that survives a process."""

    facts: MemoryFacts
    intents: MemoryIntents = field(default_factory=MemoryIntents)
    dead_letters: MemoryDeadLetters = field(default_factory=MemoryDeadLetters)
    warehouse: MemoryWarehouse = field(default_factory=MemoryWarehouse)

    def ports(
        self, clock: FakeClock, reached: Reached, at_end: Callable[[], None], notes: Notes | None = None
    ) -> Ports:
        """One process' view of it."""
        return Ports(
            facts=MemoryFactLog(self.facts, reached, at_end),
            intents=MemoryIntentLog(self.intents, reached),
            dead_letters=self.dead_letters,
            warehouse=MemorySinkWarehouse(self.warehouse, reached),
            clock=clock,
            observer=notes or Notes(),
        )


def away(times: int) -> list[Exception]:
    """So many tries that fail before one succeeds."""
    return [RetryLaterError("away") for _ in range(times)]
