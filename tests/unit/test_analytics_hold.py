"""Holding the sink still: when the tables stand exactly at its position, and who may write beside it."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from contracts.topics import DOSSIER_PARTITIONS
from services.analytics.domain.intents import Greeting, encode, key_of
from services.analytics.errors import FencedError, RetryLaterError, WarehouseMismatchError
from services.analytics.mending import mender
from services.analytics.rebuild import BehindError, Hold, Rebuilder
from services.analytics.service import CRASHED, Lane, Service
from services.analytics.sink.gate import Gate
from services.analytics.sink.loop import LaneSettings, Ports
from services.analytics.sink.status import Status
from tests.fakes.analytics import DiedError, FakeClock, MemoryFactLog, MemoryFacts, Notes, World
from tests.fakes.analytics_beside import MemoryBeside
from tests.fakes.analytics_facts import fill
from tests.fakes.analytics_tables import MemoryTables
from tests.unit.test_sink_behaviour import PARTITIONS, Process, a_world, assert_exact
from tests.waiting import wait_until


def test_the_tables_are_settled_only_between_batches() -> None:
    status = Status([0])
    assert not status.snapshot().settled
    status.moved({0: 3})
    assert status.snapshot().settled
    status.began()
    status.measured({0: 0}, 5.0)
    assert not status.snapshot().settled


def test_who_does_not_run_the_sink_is_no_writer() -> None:
    clock = FakeClock()
    world = World(MemoryFacts([0]))
    stopped = threading.Event()

    def connect() -> Ports:
        return world.ports(clock, lambda point: None, lambda: None)

    lane = Lane(LaneSettings("0of1", "w1", (0,)), lambda: None, connect, clock, Notes())
    service = Service(lane, stopped.set)
    with pytest.raises(FencedError, match="does not run"):
        service.confirm()
    service.start()
    assert wait_until(lambda: service.status.snapshot().settled, 30, "the sink to recover")
    with service.gate:
        service.confirm()
        newer = Greeting(lane="0of1", writer="w2", at=datetime(2020, 2, 1, tzinfo=UTC))
        world.intents.append(key_of(newer), encode(newer))
        with pytest.raises(FencedError, match="newer writer"):
            service.confirm()
    service.stop(30)
    with pytest.raises(FencedError):
        service.confirm()


def test_who_may_have_left_roll_ups_twice_ends_the_process_to_be_started_again() -> None:
    """Only a start counts what roll-ups are made of."""
    clock, world = FakeClock(), World(MemoryFacts([0]))
    stopped, tries = threading.Event(), 0

    class NoAnswer(MemoryBeside):
        def swap(self) -> None:
            nonlocal tries
            tries += 1
            raise RetryLaterError("the warehouse is not reachable")

    def connect() -> Ports:
        return world.ports(clock, lambda point: None, lambda: None)

    service = Service(
        Lane(LaneSettings("0of1", "w1", (0,)), lambda: None, connect, clock, Notes()), stopped.set
    )
    service.start()
    assert wait_until(lambda: service.status.snapshot().settled, 30, "the sink to recover")
    hold = Hold(service.status, service.gate, service.confirm, doubt=service.doubt)
    rebuilder = Rebuilder(lambda lane: NoAnswer(MemoryTables({}, [])), hold, patience=0.5)
    with pytest.raises(RetryLaterError):
        rebuilder.lane(0)
    assert tries > 1
    assert stopped.wait(30)
    service.stop(30)
    assert not service.alive
    assert service.exit_code == CRASHED


def test_a_batch_that_does_not_end_is_not_waited_for_for_ever() -> None:
    gate = Gate()
    hold = Hold(Status([0]), gate, lambda: None, patience=0.01)
    with gate, pytest.raises(BehindError, match="does not end"), hold.still():
        pass
    with hold.still():
        assert not gate.acquire(timeout=0)
    assert gate.acquire(timeout=0)


def test_a_sink_at_work_lets_the_others_have_their_turn() -> None:
    """Its next batch follows the last at once: with a plain lock nobody else would ever come in."""
    gate, asked, stop = Gate(), threading.Event(), threading.Event()
    batches = 0

    def batch_after_batch() -> None:
        nonlocal batches
        while not stop.is_set() and batches < 1_000_000:
            with gate:
                asked.wait(60)
                batches += 1

    sink = threading.Thread(target=batch_after_batch)
    sink.start()
    try:
        for _ in range(100):
            asked.set()
            assert gate.acquire(timeout=60)
            before = batches
            gate.release()
        assert before < 1_000_000, "the sink never stopped for it"
    finally:
        stop.set()
        sink.join(60)


def test_the_tables_are_mended_before_the_sink_looks_at_them() -> None:
    world = a_world()
    Process(world).run()
    lost = world.warehouse.facts.pop()
    with pytest.raises(WarehouseMismatchError, match="MOTCUA_REPAIR=1"):
        Process(world).run()
    told: list[Mapping[int, int]] = []

    def mend(positions: Mapping[int, int]) -> Mapping[int, int]:
        told.append(dict(positions))
        world.warehouse.facts.append(lost)
        return {}

    Process(world, mend=mend).run()
    assert told == [{partition: len(records) for partition, records in world.facts.records.items()}]
    assert_exact(world)


def test_new_roll_ups_are_filled_before_a_batch_begun_earlier_goes_on() -> None:
    world = a_world()

    def die(step: str) -> None:
        if step == "facts inserted":
            raise DiedError(step)

    with pytest.raises(DiedError):
        Process(world, reached=die).run()
    told: list[tuple[dict[int, int], int]] = []
    Process(world, fill=lambda positions: told.append((dict(positions), len(world.warehouse.facts)))).run()
    [(positions, rows)] = told
    assert positions == dict.fromkeys(PARTITIONS, 0), "its rows stand already, its position was never said"
    assert 0 < rows < len(world.warehouse.facts)
    assert_exact(world)


def test_what_a_repair_at_the_start_leaves_wrong_stops_the_process() -> None:
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, 20, random.Random(3))
    tables, told = MemoryTables({}, []), list[str]()

    def open_log() -> MemoryFactLog:
        return MemoryFactLog(facts, lambda point: None, lambda: None)

    beside = MemoryBeside(MemoryTables({}, []))  # mends what nobody asks
    with pytest.raises(WarehouseMismatchError, match="are left"):
        mender(open_log, tables, beside.of, lambda: None, told.append)({0: len(facts.records[0])})
    assert told[0] == "a repair from the log is under way", "before anything is read"
    steps = [re.sub(r"\d+ differences", "n differences", one) for one in told[1:]]
    assert steps == [
        f"{told[0]} ({step})"
        for step in (
            "partition 0: proven, n differences found",
            "partition 0: raw facts put right, n differences found",
            "lane 0: roll-ups made anew",
            "partition 0: proven, n differences found",
        )
    ]
