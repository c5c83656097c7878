"""What the sink does about rivals, absent parts, re-created topics and broken data."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec
import pytest

from services.analytics.domain import intents
from services.analytics.domain.batch import Record
from services.analytics.domain.cut import CutPolicy
from services.analytics.domain.intents import (
    Greeting,
    Intent,
    MarkAt,
    Position,
    Range,
    encode,
    key_of,
)
from services.analytics.domain.rows import MAPPING
from services.analytics.errors import (
    FencedError,
    LogTruncatedError,
    RefusedError,
    RetryLaterError,
    TooMuchPoisonError,
    TopicRecreatedError,
    WarehouseMismatchError,
    WarehouseRejectedError,
)
from services.analytics.sink.gate import Gate
from services.analytics.sink.loop import LaneSettings, Sink
from services.analytics.sink.status import Status
from tests.fakes.analytics import FakeClock, MemoryFactLog, MemoryFacts, Notes, World, away
from tests.fakes.analytics_facts import fill, truth

PARTITIONS = (0, 1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Process:
    """One run of a sink over a world; ends at the end of the log."""

    def __init__(
        self,
        world: World,
        writer: str = "me",
        share: float = 1.0,
        cut: CutPolicy | None = None,
        reached: Callable[[str], object] = lambda step: None,
        tick: float = 0.01,
        mend: Callable[[Mapping[int, int]], Mapping[int, int]] | None = None,
        fill: Callable[[Mapping[int, int]], None] = lambda positions: None,
    ) -> None:
        self.stop = threading.Event()
        self.status = Status(PARTITIONS)
        self.gate = Gate()
        self.notes = Notes()
        self.clock = FakeClock(tick)
        self.ports = world.ports(self.clock, lambda point: None, self.stop.set, self.notes)
        settings = LaneSettings("0of1", writer, PARTITIONS, cut or CutPolicy(50, 0.02, 0.0), share)

        self.passed = reached

        def passed(step: str) -> None:
            self.passed(step)

        self.sink = Sink(self.ports, settings, self.stop, self.status, self.gate, passed, mend, fill)

    def run(self) -> Process:
        self.sink.run()
        return self


def a_world(noise: bool = False, dossiers: int = 8) -> World:
    facts = MemoryFacts(PARTITIONS)
    fill(facts, dossiers, random.Random(1), noise=noise)
    return World(facts)


def assert_exact(world: World) -> None:
    wanted = truth(record for records in world.facts.records.values() for record in records).places
    found = [(row.dossier_id, row.seq) for row in world.warehouse.facts]
    assert sorted(found) == sorted(wanted)
    assert sorted(
        (r.dossier_id, r.seq) for rows in world.warehouse.dossiers.values() for r in rows
    ) == sorted(wanted)


def foreign_intent(world: World, end: int, **changes: object) -> Intent:
    intent = Intent(
        lane="0of1",
        batch=1,
        writer="other",
        topic="dossier.events.v1",
        topic_id=world.facts.topic_id,
        mapping=MAPPING,
        ranges=(Range(0, 0, end),),
        before=tuple(MarkAt(p, -1, -1) for p in PARTITIONS),
    )
    return msgspec.structs.replace(intent, **changes)


def test_a_warehouse_that_is_away_gets_the_same_batch_again_and_only_once() -> None:
    world = a_world()
    world.warehouse.away = away(3)
    process = Process(world, cut=CutPolicy(1_000, 0.02, 0.0)).run()
    assert process.notes.retries == ["insert"] * 3
    assert_exact(world)
    said = [intents.decode(key, value) for _, key, value in world.intents.records if value is not None]
    assert len([one for one in said if isinstance(one, Intent)]) == 1, "the batch is not cut again"


def test_every_step_of_a_batch_is_timed_once_however_often_it_was_tried() -> None:
    world = a_world()
    world.warehouse.away = away(3)
    process = Process(world, cut=CutPolicy(1_000, 0.02, 0.0)).run()
    steps = Counter(process.notes.steps)
    assert steps["gather"] == steps["insert"] == 1
    assert {"topic", "read facts", "append", "read back", "clocks", "tombstone", "commit"} <= set(steps)


def test_trouble_is_visible_while_it_lasts_and_a_stop_inside_it_is_a_clean_end() -> None:
    world = a_world()
    world.warehouse.away = away(1_000)
    process = Process(world)
    thread = threading.Thread(target=process.run)
    thread.start()
    while not (process.status.snapshot().trouble or "").startswith("insert"):
        assert thread.is_alive()
    process.stop.set()
    thread.join(30)
    assert not thread.is_alive()
    assert world.warehouse.facts == []
    world.warehouse.away = []
    Process(world, "next").run()
    assert_exact(world)


def test_an_error_of_the_warehouse_that_does_not_pass_stops_the_sink() -> None:
    world = a_world()
    world.warehouse.away = [WarehouseRejectedError("no such table")]
    with pytest.raises(WarehouseRejectedError):
        Process(world).run()


def test_what_an_earlier_writer_began_is_finished_as_it_cut_it() -> None:
    world = a_world()
    begun = foreign_intent(world, end=4)
    world.intents.append(key_of(begun), encode(begun))
    Process(world).run()
    assert_exact(world)
    assert ("facts", begun.token()) in world.warehouse.tokens


def test_an_intent_that_comes_in_between_wins_and_ours_is_cut_anew() -> None:
    """The last record of a writer that died, delivered after its successor had read the log."""
    world = a_world()
    late = foreign_intent(world, end=3)

    def deliver(step: str) -> None:
        if step == "gathered" and not world.warehouse.facts:
            world.intents.append(key_of(late), encode(late))

    Process(world, reached=deliver).run()
    assert_exact(world)
    assert ("facts", late.token()) in world.warehouse.tokens


@pytest.mark.parametrize(("step", "batches"), [("gathered", 0), ("intent appended", 1)])
def test_a_newer_writer_stops_the_older_one(step: str, batches: int) -> None:
    world = a_world()
    newer = Greeting(lane="0of1", writer="newer", at=NOW)
    elsewhere = Greeting(lane="lane-1", writer="somebody", at=NOW)

    def greet(reached: str) -> None:
        if reached == step:
            for greeting in (newer, elsewhere):
                world.intents.append(key_of(greeting), encode(greeting))

    with pytest.raises(FencedError):
        Process(world, cut=CutPolicy(10, 0.0, 0.0), reached=greet).run()
    assert len({token for table, token in world.warehouse.tokens if table == "facts"}) == batches
    Process(world, "newer").run()
    assert_exact(world)


def test_a_topic_created_again_is_refused_at_start_and_on_the_way() -> None:
    world = a_world()
    Process(world).run()
    world.facts.topic_id = "topic-2"
    with pytest.raises(TopicRecreatedError, match="created again"):
        Process(world).run()

    other = a_world()

    def recreate(step: str) -> None:
        if step == "gathered":
            other.facts.topic_id = "topic-2"

    with pytest.raises(TopicRecreatedError):
        Process(other, reached=recreate).run()
    assert other.warehouse.facts == []

    pending = a_world()
    begun = foreign_intent(pending, end=2, topic_id="gone")
    pending.intents.append(key_of(begun), encode(begun))
    with pytest.raises(TopicRecreatedError):
        Process(pending).run()


def test_what_was_begun_in_a_topic_that_is_gone_is_not_finished_from_its_successor() -> None:
    """Created again between a start's first look at the topic and the finishing of what another had begun."""
    world = a_world()
    begun = foreign_intent(world, end=4)
    world.intents.append(key_of(begun), encode(begun))

    def recreate(step: str) -> None:
        if step == "greeted":
            world.facts.topic_id = "topic-2"

    with pytest.raises(TopicRecreatedError):
        Process(world, reached=recreate).run()
    assert world.warehouse.facts == []
    said = [intents.decode(key, value) for _, key, value in world.intents.records if value is not None]
    assert not any(isinstance(one, Position) for one in said)


def test_a_writer_frozen_until_its_intent_was_finished_and_compacted_away_is_fenced() -> None:
    world = a_world()

    def sleep(step: str) -> None:
        if step == "intent appended":
            Process(world, "successor").run()
            world.intents.compact()

    with pytest.raises(FencedError):
        Process(world, "frozen", reached=sleep).run()
    assert_exact(world)


def test_an_idle_sink_notices_a_topic_created_again() -> None:
    world = World(MemoryFacts(PARTITIONS))
    process = Process(world, tick=0.2)
    ends = process.ports.facts.ends

    def recreated() -> dict[int, int]:
        world.facts.topic_id = "topic-2"
        return ends()

    process.ports.facts.ends = recreated  # type: ignore[method-assign]  # a broker that changes under us
    with pytest.raises(TopicRecreatedError):
        process.run()


@pytest.mark.parametrize(
    ("topic", "error"), [("topic-2", TopicRecreatedError), ("topic-1", LogTruncatedError)]
)
def test_offsets_that_are_gone_are_told_from_a_topic_created_again(
    topic: str, error: type[RefusedError]
) -> None:
    world = a_world()
    process = Process(world)

    def gone(max_records: int, seconds: float) -> list[Record]:
        world.facts.topic_id = topic
        raise LogTruncatedError("reading facts: the log no longer holds the next offset")

    process.ports.facts.poll = gone  # type: ignore[method-assign]  # a broker that changes under us
    with pytest.raises(error):
        process.run()
    assert world.warehouse.facts == []


def test_another_mapping_is_not_finished_by_this_release() -> None:
    world = a_world()
    begun = foreign_intent(world, end=2, mapping=99)
    world.intents.append(key_of(begun), encode(begun))
    with pytest.raises(RefusedError, match="mapping 99"):
        Process(world).run()


def test_a_range_that_is_gone_from_the_log_is_refused() -> None:
    world = a_world()
    begun = foreign_intent(world, end=10_000)
    world.intents.append(key_of(begun), encode(begun))
    with pytest.raises(LogTruncatedError):
        Process(world).run()


@pytest.mark.parametrize("change", ["lost", "extra", "fresh log"])
def test_a_warehouse_that_does_not_hold_what_the_lane_says_is_refused(change: str) -> None:
    world = a_world()
    Process(world).run()
    if change == "lost":
        world.warehouse.facts.pop()
    elif change == "extra":
        world.warehouse.facts.append(world.warehouse.facts[0])
    else:
        world.intents.records.clear()
    with pytest.raises(WarehouseMismatchError):
        Process(world).run()


def test_garbage_goes_to_the_dead_letters_and_the_rest_goes_on() -> None:
    world = a_world()
    world.facts.append(0, b"garbage", b"its key")
    process = Process(world, share=0.5).run()
    assert_exact(world)
    assert [(letter.record.key, letter.record.value) for letter in world.dead_letters.letters] == [
        (b"its key", b"garbage")
    ]
    assert process.status.snapshot().positions[0] == len(world.facts.records[0])


def test_too_much_garbage_stops_the_sink_and_a_restart_does_not_let_it_through() -> None:
    world = a_world()
    for _ in range(500):
        world.facts.append(0, b"garbage")
    for _ in range(3):
        with pytest.raises(TooMuchPoisonError):
            Process(world, share=0.05).run()
    assert len(world.dead_letters.letters) <= 100


def test_positions_age_and_lag_are_told() -> None:
    world = a_world()
    process = Process(world).run()
    snapshot = process.status.snapshot()
    assert snapshot.recovered
    assert snapshot.trouble is None
    assert set(snapshot.lag.values()) == {0}
    assert process.notes.lags[-1] == dict(snapshot.lag)
    assert snapshot.as_of is not None
    assert snapshot.as_of <= process.clock.now()
    assert process.status.wait_for(process.ports.facts.ends(), 0)
    assert not process.status.wait_for({0: 10**9}, 0)


def test_offsets_are_committed_for_lag_monitors() -> None:
    world = a_world()
    process = Process(world).run()
    facts = process.ports.facts
    assert isinstance(facts, MemoryFactLog)
    assert set(facts.committed) == set(PARTITIONS)


def test_the_lane_is_tidied_down_to_what_recovery_needs() -> None:
    world = a_world()
    for writer in ("a", "b", "c"):
        Process(world, writer, cut=CutPolicy(5, 0.0, 0.0)).run()
        fill(world.facts, 0, random.Random(0))  # one more clock a partition: something to do for the next
    world.intents.compact()
    left = [intents.decode(key, value) for _, key, value in world.intents.records if value is not None]
    assert len(left) <= 3
    assert sum(isinstance(one, Position) for one in left) == 1


def test_a_start_does_not_tidy_again_what_was_tidied_before_it() -> None:
    """A broker may keep deleted records for a day: hundreds of thousands of batches."""
    world = a_world()
    Process(world, "a", cut=CutPolicy(5, 0.0, 0.0)).run()
    fill(world.facts, 0, random.Random(0))
    before = len(world.intents.records)
    Process(world, "b", cut=CutPolicy(1_000, 0.02, 0.0)).run()
    deleted = [key for _, key, value in world.intents.records[before:] if value is None]
    assert sorted(key.split(b"/")[1] for key in deleted) == [b"intent", b"position"]


def test_a_step_is_tried_until_it_works() -> None:
    world = a_world()
    process = Process(world)
    answers: list[Exception] = [RetryLaterError("away")] * 2
    topic_id = process.ports.facts.topic_id

    def unsure() -> str:
        if answers:
            raise answers.pop()
        return topic_id()

    process.ports.facts.topic_id = unsure  # type: ignore[method-assign]  # brokers that come back
    process.run()
    assert process.notes.retries == ["topic", "topic"]
