"""A stretch of the log as one batch: rows, clocks, poison, and the watermarks after it.

A reader drops repeats with one number a partition: the highest (cause offset, n) already applied. The
workflow repeats records after a crash, always from an earlier place in the same order, so everything at
or below the watermark has been seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from contracts.codec import UndecodableError, decode_fact
from contracts.facts import Fact, NumberDrawn
from services.analytics.domain.rows import FactRow, UnusableFactError, micros, to_number_row, to_row


class Mark(NamedTuple):
    """A place in the order of causes: the command record's offset and the fact's place in it."""

    offset: int
    n: int


NOTHING: Final = Mark(-1, -1)
Marks = Mapping[int, Mark]


class Record(NamedTuple):
    """A record of the facts topic as the log holds it; `arrived` is its time stamp in milliseconds."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    arrived: int


class Poison(NamedTuple):
    """A record that gives no row, and why."""

    record: Record
    reason: str


@dataclass(slots=True)
class Batch:
    """What a stretch of the log comes to. `clocks` is the last log-clock instant by partition, in µs."""

    rows: list[FactRow] = field(default_factory=list)
    clocks: dict[int, int] = field(default_factory=dict)
    poison: list[Poison] = field(default_factory=list)
    marks: dict[int, Mark] = field(default_factory=dict)
    records: int = 0
    repeats: int = 0


def translate(records: Iterable[Record], before: Marks) -> Batch:
    """The batch of `records`, which stand in offset order within each partition. Pure and repeatable."""
    batch = Batch(marks=dict(before))
    for record in records:
        batch.records += 1
        try:
            _apply(batch, record)
        except (UndecodableError, UnusableFactError) as error:
            batch.poison.append(Poison(record, f"{type(error).__name__}: {error}"))
    return batch


def _apply(batch: Batch, record: Record) -> None:
    fact = decode_fact(record.value)
    cause, partition = fact.cause, record.partition
    if cause.partition != partition:
        # The watermark compares offsets of one commands partition; another one's would be nonsense.
        raise UnusableFactError("its cause stands in another partition")
    mark = Mark(cause.offset, cause.n)
    if mark <= batch.marks.get(partition, NOTHING):
        batch.repeats += 1
        return
    if isinstance(fact, Fact):
        batch.rows.append(to_row(fact, partition, record.offset))
    elif isinstance(fact, NumberDrawn):
        batch.rows.append(to_number_row(fact, partition, record.offset))
    else:
        batch.clocks[partition] = micros(fact.to)
    batch.marks[partition] = mark
