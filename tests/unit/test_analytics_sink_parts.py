"""The sink's arithmetic: batches and watermarks, intents and tokens, the lane's log, cuts, poison, age."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from contracts.codec import encode as encode_message
from contracts.facts import Cause, ClockMoved, DossierRegistered, ResultReturned
from services.analytics.domain import intents
from services.analytics.domain.batch import Mark, Record, translate
from services.analytics.domain.cut import CutPolicy, ranges_of
from services.analytics.domain.freshness import Freshness
from services.analytics.domain.intents import (
    Greeting,
    Intent,
    MarkAt,
    PartitionPosition,
    Position,
    Range,
    Tidied,
    key_of,
)
from services.analytics.domain.lane import LaneLog, lane_name, lanes_of, partitions_of
from services.analytics.domain.poison import ALLOWANCE, WINDOW, PoisonCount
from services.analytics.domain.rows import micros
from services.analytics.errors import OtherLanesError
from tests.fakes.analytics_facts import fact
from tests.fakes.analytics_lives import START

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def record(offset: int, value: bytes | None, partition: int = 0) -> Record:
    return Record(partition, offset, b"k", value, 1_000)


def told(offset: int, cause: int, n: int = 0, partition: int = 0) -> Record:
    one = fact(DossierRegistered(), dossier=offset, cause=Cause(partition, cause, n))
    return record(offset, encode_message(one), partition)


def test_a_batch_drops_what_stands_at_or_below_the_watermark() -> None:
    records = [told(10, 4, 1), told(11, 5, 0), told(12, 5, 0), told(13, 4, 9), told(14, 5, 1)]
    batch = translate(records, {0: Mark(4, 1)})
    assert [row.log_offset for row in batch.rows] == [11, 14]
    assert batch.marks == {0: Mark(5, 1)}
    assert (batch.records, batch.repeats) == (5, 3)


def test_a_batch_translated_twice_is_the_same_batch() -> None:
    records = [told(0, 0), told(1, 1), record(2, b"garbage"), told(0, 0, partition=1)]
    before: dict[int, Mark] = {}
    assert translate(records, before) == translate(records, before)
    assert before == {}


def test_clocks_pass_through_the_watermark_but_give_no_row() -> None:
    moved = encode_message(ClockMoved(cause=Cause(0, 7, 0), to=START))
    batch = translate([record(0, moved), record(1, moved)], {})
    assert (batch.rows, batch.clocks, batch.repeats) == ([], {0: micros(START)}, 1)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "UndecodableError"),
        (b"\xff\xff", "UndecodableError"),
        (b'{"record":"fact"}', "UndecodableError"),
        (encode_message(fact(ResultReturned(), cause=Cause(5, 0, 0))), "UnusableFactError"),
        (encode_message(fact(ResultReturned(), due=datetime(3000, 1, 1, tzinfo=UTC))), "UnusableFactError"),
    ],
)
def test_poison_is_kept_apart_and_does_not_move_the_watermark(value: bytes | None, reason: str) -> None:
    batch = translate([record(0, value), told(1, 0)], {})
    assert [letter.record.offset for letter in batch.poison] == [0]
    assert batch.poison[0].reason.startswith(reason)
    assert [row.log_offset for row in batch.rows] == [1]


def intent(batch: int = 1, writer: str = "a", end: int = 5) -> Intent:
    return Intent(
        lane="0of1",
        batch=batch,
        writer=writer,
        topic="t",
        topic_id="id",
        mapping=1,
        ranges=(Range(0, 0, end),),
        before=(MarkAt(0, -1, -1),),
    )


def position(batch: int, writer: str = "a", lane: str = "0of1") -> Position:
    return Position(
        lane=lane, batch=batch, writer=writer, topic_id="id", partitions=(PartitionPosition(0, batch),)
    )


def test_a_lane_is_eight_partitions_for_life() -> None:
    assert [partitions_of(lane, 20) for lane in range(4)] == [
        tuple(range(8)),
        tuple(range(8, 16)),
        (16, 17, 18, 19),
        (),
    ]
    assert [lanes_of(total) for total in (1, 8, 9, 16, 20)] == [1, 1, 2, 2, 3]
    assert len({lane_name(lane) for lane in range(20)}) == 20
    assert lane_name(0) == "0of1", "what partitions 0 to 7 were called when one lane had all of them"


def test_what_another_split_says_of_our_partitions_is_seen() -> None:
    log = LaneLog("0of1", (0, 1))
    for entry in (intent(), position(3), Greeting(lane="0of1", writer="a", at=NOW)):
        log.apply(entry)
    with pytest.raises(OtherLanesError, match="lane 1of2 has said how far partition 0 is"):
        log.apply(position(3, lane="1of2"))
    with pytest.raises(OtherLanesError, match="lane 1of2"):
        log.apply(msgspec.structs.replace(intent(), lane="1of2"))
    beyond = (PartitionPosition(0, 3), PartitionPosition(2, 3))
    with pytest.raises(OtherLanesError, match="lane 0of1 has said how far partition 2 is"):
        log.apply(msgspec.structs.replace(position(4), partitions=beyond))
    elsewhere = msgspec.structs.replace(position(9, lane="lane-1"), partitions=(PartitionPosition(8, 1),))
    log.apply(elsewhere)
    log.apply(Greeting(lane="1of2", writer="who has done nothing yet", at=NOW))
    assert log.batch == 3


def test_a_token_depends_on_what_is_inserted_and_on_nothing_else() -> None:
    assert intent(batch=1, writer="a").token() == intent(batch=1, writer="b").token()
    changed = {
        msgspec.structs.replace(intent(), **{name: value}).token()
        for name, value in {
            "topic_id": "other",
            "mapping": 2,
            "ranges": (Range(0, 0, 6),),
            "before": (MarkAt(0, 3, 0),),
        }.items()
    }
    assert len(changed | {intent().token()}) == 5


@pytest.mark.parametrize("entry", [intent(), position(3), Greeting(lane="0of1", writer="a", at=NOW)])
def test_entries_survive_the_wire(entry: intents.Entry) -> None:
    assert intents.decode(key_of(entry), intents.encode(entry)) == entry


def test_no_entry_can_displace_what_recovery_needs() -> None:
    keys = [
        key_of(intent(1, "a")),
        key_of(intent(1, "b")),
        key_of(intent(2, "a")),
        key_of(position(1, "a")),
        key_of(position(1, "b")),
        key_of(Greeting(lane="0of1", writer="a", at=NOW)),
    ]
    assert len(set(keys)) == len(keys)
    newer = Greeting(lane="0of1", writer="b", at=NOW)
    assert key_of(newer) == keys[-1], "of the greetings only the newest matters"


def test_the_first_intent_of_a_batch_wins_and_the_highest_position_counts() -> None:
    log = LaneLog("0of1", (0,))
    assert (log.batch, log.pending, log.writer) == (0, None, None)
    for entry in (
        Greeting(lane="0of1", writer="a", at=NOW),
        intent(1, "a", 5),
        intent(1, "b", 7),
    ):
        log.apply(entry)
    assert log.pending == intent(1, "a", 5)
    log.apply(position(4, "b"))
    log.apply(position(1, "a"))
    log.apply(intent(3, "a"))
    log.apply(intent(5, "b"))
    log.apply(Greeting(lane="0of1", writer="b", at=NOW))
    assert (log.batch, log.writer) == (4, "b")
    assert log.pending == intent(5, "b")


def test_only_what_is_behind_the_position_is_tidied_away() -> None:
    log = LaneLog("0of1", (0,))
    for entry in (intent(1, "a"), intent(2, "a"), position(1, "a"), position(1, "b")):
        log.apply(entry)
    assert log.obsolete("b") == [key_of(intent(1, "a")), key_of(position(1, "a"))]
    assert log.obsolete("b") == []


def test_what_is_tidied_away_already_is_left() -> None:
    log = LaneLog("0of1", (0,))
    for entry in (intent(1, "a"), position(1, "a"), Tidied(key_of(intent(1, "a")))):
        log.apply(entry)
    for entry in (intent(2, "b"), position(2, "b"), Tidied(key_of(position(1, "a"))), Tidied(b"0of1/look/b")):
        log.apply(entry)
    assert log.obsolete("b") == [key_of(intent(2, "b"))]


def test_ranges_begin_where_the_partition_stood() -> None:
    records = [told(12, 0), told(13, 1), told(4, 0, partition=1)]
    assert ranges_of(records, {0: 10, 1: 4, 2: 0}) == (Range(0, 10, 14), Range(1, 4, 5))
    assert ranges_of([told(3, 0), told(1, 0)], {0: 0}) == (Range(0, 0, 4),)
    assert ranges_of([], {1: 4, 0: 10}) == (Range(0, 10, 10),), "an intent names at least one"


def test_a_batch_closes_after_lingering_but_not_too_soon_after_the_last() -> None:
    policy = CutPolicy(linger=0.2, interval=0.5)
    assert policy.closes_at(10.0, float("-inf")) == 10.2
    assert policy.closes_at(10.0, 9.9) == 10.4
    assert policy.closes_at(10.0, 9.4) == 10.2, "a slow insert is no reason to wait longer"


def test_poison_stops_the_sink_only_as_a_share_of_many() -> None:
    assert not PoisonCount().after(10, ALLOWANCE).exceeds(0.05)
    assert PoisonCount().after(12, 11).exceeds(0.05)
    assert not PoisonCount().after(1_000, 50).exceeds(0.05)
    assert PoisonCount().after(1_000, 51).exceeds(0.05)
    long_ago = PoisonCount().after(1_000, 40).after(100 * WINDOW, 0)
    assert long_ago.records <= 2 * WINDOW
    assert long_ago.poison == 0


def test_the_figures_are_as_old_as_the_oldest_partition() -> None:
    fresh = Freshness([0, 1])
    assert fresh.as_of is None
    fresh.caught_up(0, 100.0)
    assert fresh.as_of is None
    fresh.inserted(1, 60.0)
    assert fresh.as_of == 60.0
    fresh.inserted(1, 50.0)
    assert fresh.as_of == 60.0
    fresh.caught_up(1, 101.0)
    assert fresh.as_of == 100.0


def test_a_batch_with_nothing_but_garbage_has_no_rows() -> None:
    batch = translate([record(0, b"x")], {})
    assert (batch.rows, batch.marks) == ([], {})
