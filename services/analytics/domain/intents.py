"""What a lane says in ``analytics.intents.v1``, and the keys it says it under.

A lane is a fixed set of partitions with one writer at a time. For each batch it says what it is about to
insert (an intent) and then what stands inserted (a position). The keys are such that compaction keeps
what recovery needs: a writer's position replaces only that writer's own earlier one, an intent replaces
none, and of the start-up greetings the newest remains.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

from services.analytics.domain.batch import Mark

Natural = Annotated[int, Meta(ge=0)]


class Range(Struct, frozen=True, array_like=True):
    """Offsets `start` (inclusive) to `end` (exclusive) of one partition."""

    partition: Natural
    start: Natural
    end: Natural


class MarkAt(Struct, frozen=True, array_like=True):
    """The watermark of one partition."""

    partition: Natural
    offset: int
    n: int


class PartitionPosition(Struct, frozen=True, array_like=True):
    """How far one partition is inserted: next offset, watermark, and the rows inserted since offset 0."""

    partition: Natural
    next: Natural
    mark_offset: int = -1
    mark_n: int = -1
    rows: Natural = 0


class Greeting(Struct, frozen=True, kw_only=True, tag_field="record", tag="greeting"):
    """A writer took the lane over; every earlier writer has to stop."""

    lane: str
    writer: str
    at: datetime


class Intent(Struct, frozen=True, kw_only=True, tag_field="record", tag="intent"):
    """About to insert these ranges. For a batch number the first intent in the log is the one that counts."""

    lane: str
    batch: Annotated[int, Meta(ge=1)]
    writer: str
    topic: str
    topic_id: str
    mapping: int
    ranges: Annotated[tuple[Range, ...], Meta(min_length=1)]
    before: tuple[MarkAt, ...]

    def marks(self) -> dict[int, Mark]:
        """The watermarks before the batch."""
        return {at.partition: Mark(at.offset, at.n) for at in self.before}

    def token(self) -> str:
        """The insert's token: the same stretch of the same topic under the same mapping, the same token."""
        content = (self.topic, self.topic_id, self.mapping, self.ranges, self.before)
        return hashlib.sha256(_encoder.encode(content)).hexdigest()


class Position(Struct, frozen=True, kw_only=True, tag_field="record", tag="position"):
    """Everything up to here stands inserted. `records` and `poison` count the recent past."""

    lane: str
    batch: Natural
    writer: str
    topic_id: str
    partitions: tuple[PartitionPosition, ...]
    records: Natural = 0
    poison: Natural = 0

    def by_partition(self) -> dict[int, PartitionPosition]:
        """The parts by partition."""
        return {part.partition: part for part in self.partitions}


Entry = Greeting | Intent | Position


class Tidied(NamedTuple):
    """The deletion of an entry: its key was appended without a value."""

    key: bytes


Said = Entry | Tidied
"""What a record of the topic says."""

_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[Entry]] = msgspec.json.Decoder(Entry)


def key_of(entry: Entry) -> bytes:
    """The key an entry is appended under."""
    if isinstance(entry, Intent):
        return f"{entry.lane}/intent/{entry.batch}/{entry.writer}".encode()
    if isinstance(entry, Position):
        return f"{entry.lane}/position/{entry.writer}".encode()
    return f"{entry.lane}/greeting".encode()


def encode(entry: Entry) -> bytes:
    """The bytes of an entry."""
    return _encoder.encode(entry)


def decode(key: bytes, value: bytes | None) -> Said:
    """What a record says. Raises msgspec.MsgspecError: a broken intents topic stops the lane."""
    return Tidied(key) if value is None else _decoder.decode(value)
