"""The sink's own reading of record batches, beside the library's."""

from __future__ import annotations

import random
from typing import Any

import pytest
from kafka import TopicPartition
from kafka import errors as driver
from kafka.consumer.fetcher import Fetcher
from kafka.record.default_records import DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords

from services.analytics.adapters.kafka import LeanRecords
from services.analytics.adapters.record_batch import MalformedBatchError, records_of
from services.analytics.domain.batch import Record

PART = TopicPartition("facts", 3)
Written = tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]


def some_bytes(chance: random.Random, most: int) -> bytes | None:
    return None if chance.random() < 0.1 else chance.randbytes(chance.choice((0, 1, 63, 64, most)))


def some_records(chance: random.Random) -> list[Written]:
    """Records with gaps between offsets, as compaction leaves them, and times that go back."""
    offsets = sorted(chance.sample(range(20_000), chance.randrange(1, 60)))
    return [
        (
            offset,
            1_700_000_000_000 + chance.randrange(-(10**9), 10**9),
            some_bytes(chance, 100),
            some_bytes(chance, 20_000),
            [(f"name-{n}", some_bytes(chance, 200)) for n in range(chance.randrange(4))],
        )
        for offset in offsets
    ]


def built(records: list[Written], *, compression: int = 0, control: bool = False) -> bytearray:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=compression,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    for offset, at, key, value, headers in records:
        assert builder.append(offset, at, key, value, headers) is not None
    batch: bytearray = builder.build()
    return batch


def fetched(kind: Any, data: bytes, start: int = 0) -> Any:
    return kind(start, PART, MemoryRecords(data))


def plain(records: list[Any]) -> list[Record]:
    return [Record(PART.partition, r.offset, r.key, r.value, r.timestamp) for r in records]


@pytest.mark.parametrize("seed", range(60))
def test_the_same_records_as_the_library_reads_and_the_same_place_to_go_on(seed: int) -> None:
    chance = random.Random(seed)
    written = some_records(chance)
    cut = chance.randrange(len(written) + 1)
    data = b"".join(
        bytes(built(some, compression=chance.choice((0, 1))))
        for some in (written[:cut], written[cut:])
        if some
    )
    start = chance.randrange(written[-1][0] + 1)
    ours, theirs = (fetched(kind, data, start) for kind in (LeanRecords, Fetcher.PartitionRecords))
    while theirs:
        size = chance.randrange(1, 40)
        assert ours.take(size) == plain(theirs.take(size))
        assert ours.next_fetch_offset == theirs.next_fetch_offset
        assert ours.leader_epoch == theirs.leader_epoch
    assert not ours


def test_the_brokers_time_counts_where_it_gave_one() -> None:
    assert [r.arrived for r in records_of(bytes(built(SOME))[61:], 2, 3, 0, 1_000, 77)] == [77, 77]
    assert [r.arrived for r in records_of(bytes(built(SOME))[61:], 2, 3, 0, 1_000, None)] == [1_000, 1_005]


SOME: list[Written] = [(0, 1_000, b"key", b"value", []), (1, 1_005, None, None, [("name", b"text")])]


def test_a_damaged_batch_is_no_records() -> None:
    data = built(SOME)
    data[-1] ^= 1
    with pytest.raises(driver.CorruptRecordError):
        fetched(LeanRecords, bytes(data)).take(10)


@pytest.mark.parametrize("count", [1, 3])
def test_fewer_or_more_records_than_the_batch_says_are_refused(count: int) -> None:
    data = bytes(built(SOME))[61:]  # behind the batch's own header
    with pytest.raises(MalformedBatchError):
        list(records_of(data, count, 3, 0, 1_000, None))


def test_a_value_that_goes_beyond_its_record_is_refused() -> None:
    data = bytearray(built(SOME)[61:])
    assert data[8] == len(b"value") << 1
    data[8] = 60
    with pytest.raises(MalformedBatchError):
        list(records_of(bytes(data), 2, 3, 0, 1_000, None))


def test_records_of_an_older_format_are_refused() -> None:
    from kafka.record.legacy_records import LegacyRecordBatchBuilder

    builder = LegacyRecordBatchBuilder(magic=1, compression_type=0, batch_size=1 << 20)
    builder.append(0, timestamp=1, key=b"k", value=b"v")
    with pytest.raises(driver.UnsupportedVersionError):
        fetched(LeanRecords, bytes(builder.build())).take(10)


def test_a_marker_of_a_transaction_is_passed_over() -> None:
    data = built(SOME)
    attributes = 21
    data[attributes + 1] |= 0x20
    from kafka.record.util import calc_crc32c

    data[17:21] = calc_crc32c(memoryview(data)[21:]).to_bytes(4, "big")
    part = fetched(LeanRecords, bytes(data))
    assert part.take(10) == []
    assert part.next_fetch_offset == 2
