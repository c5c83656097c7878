"""What the sink needs of the world.

Every port may raise RetryLaterError (try the same call again) or a RefusedError (stop); none raises
anything else on purpose. All calls may block, none is called from two threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from services.analytics.domain.batch import Batch, Poison, Record
from services.analytics.domain.intents import Range, Said
from services.analytics.domain.rows import FactRow


class Clock(Protocol):
    """Time as an argument."""

    def now(self) -> float:
        """Seconds since 1970 UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a stopwatch."""
        ...


class FactLog(Protocol):
    """The facts topic, read by explicit partitions and offsets."""

    def topic_id(self) -> str:
        """The broker's identity of the topic as it is now; asks the broker each time."""
        ...

    def seek(self, positions: Mapping[int, int]) -> None:
        """Where `poll` goes on, by partition; every partition of the lane must be given."""
        ...

    def poll(self, max_records: int, seconds: float) -> list[Record]:
        """The next records, in order within each partition; empty when none came in that time."""
        ...

    def read(self, ranges: Sequence[Range]) -> list[Record]:
        """Exactly these ranges, in order within each partition. `poll` must be re-seeked afterwards.

        Raises LogTruncatedError when the log no longer holds them.
        """
        ...

    def ends(self) -> dict[int, int]:
        """One past the last record of each partition, as the brokers answer just now."""
        ...

    def commit(self, positions: Mapping[int, int]) -> None:
        """Tell the broker how far the lane is; for lag monitors only, nothing is recovered from it."""
        ...


class IntentLog(Protocol):
    """The intents topic: one partition, compacted, shared by all lanes."""

    def append(self, key: bytes, value: bytes | None) -> int:
        """Append and wait for the ack of all in-sync replicas; the record's offset. None deletes the key.

        After RetryLaterError the record may or may not stand in the log: append the same one again.
        """
        ...

    def read_through(self, offset: int) -> list[Said]:
        """The records after the last one read, up to and including `offset`, in order; none is skipped.

        After RetryLaterError nothing counts as read.
        """
        ...


class DeadLetters(Protocol):
    """The dead-letter topic of the facts."""

    def put(self, poison: Sequence[Poison]) -> None:
        """Append them all, with reason, origin and bytes, and wait for the acks."""
        ...


class RollUp(NamedTuple):
    """Of how many facts one partition of a roll-up's `table` should be made, and of how many it is."""

    table: str
    partition: int
    wanted: int
    found: int


class Warehouse(Protocol):
    """The tables, as the writer sees them."""

    def insert_facts(self, rows: Sequence[FactRow], token: str) -> None:
        """Insert in one block under `token`; the same token again inserts nothing twice, and completes
        whatever an interrupted insert left undone in any table."""
        ...

    def insert_clocks(self, clocks: Mapping[int, int], token: str) -> None:
        """Note the log clock by partition (µs), under `token`."""
        ...

    def row_counts(self, partitions: Sequence[int]) -> dict[int, int]:
        """Rows of the raw facts by partition; a partition without rows may be left out."""
        ...

    def drop_unfinished(self, partitions: Sequence[int]) -> None:
        """Drop whatever an earlier process was building beside the tables for these partitions, so that it
        can no longer put it in place."""
        ...

    def vouch_for(self, partitions: Sequence[int]) -> None:
        """Say that the tables of these partitions are right: from now on their figures may be told."""
        ...

    def roll_ups(self, partitions: Sequence[int]) -> list[RollUp]:
        """The roll-ups that are not made of as many facts as the raw rows call for."""
        ...

    def check_windows(self) -> None:
        """Every feed must be there, and every target of an insert remember enough tokens.

        Raises WarehouseMismatchError.
        """
        ...


class Observer(Protocol):
    """Who is told how it goes; must never raise."""

    def inserted(self, batch: Batch, seconds: float, oldest_age: float | None) -> None:
        """A batch stands inserted; `oldest_age` is the age of its oldest record, seconds."""
        ...

    def retried(self, step: str) -> None:
        """A step has to be tried again."""
        ...

    def took(self, step: str, seconds: float) -> None:
        """A step is done; all its tries and the pauses between them took that long."""
        ...

    def lag(self, records: Mapping[int, int]) -> None:
        """Records not yet inserted, by partition."""
        ...
