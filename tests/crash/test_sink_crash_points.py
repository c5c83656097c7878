"""The sink killed at every point it passes and started again: each fact stands in the tables once."""

from __future__ import annotations

import random
import threading

import pytest

from services.analytics.domain.cut import CutPolicy
from services.analytics.errors import FencedError
from services.analytics.sink.gate import Gate
from services.analytics.sink.loop import LaneSettings, Sink
from services.analytics.sink.status import Status
from tests.fakes.analytics import Chaos, DiedError, FakeClock, MemoryFacts, Notes, World
from tests.fakes.analytics_facts import fill, truth

PARTITIONS = (0, 1, 2)
SMALL = CutPolicy(max_records=17, linger=0.05, interval=0.05)


def a_world(seed: int, dossiers: int = 12) -> World:
    facts = MemoryFacts(PARTITIONS)
    fill(facts, dossiers, random.Random(seed))
    return World(facts)


def run_once(
    world: World,
    writer: str,
    chaos: Chaos,
    cut: CutPolicy = SMALL,
    clock: FakeClock | None = None,
    notes: Notes | None = None,
) -> Status:
    """One process from start to the end of the log, unless it dies before."""
    stop, status = threading.Event(), Status(PARTITIONS)
    settings = LaneSettings("0of1", writer, PARTITIONS, cut, poison_share=1.0)
    ports = world.ports(clock or FakeClock(), chaos, stop.set, notes)
    Sink(ports, settings, stop, status, Gate(), chaos).run()
    return status


def assert_exact(world: World) -> None:
    wanted = truth(record for records in world.facts.records.values() for record in records)
    tables = world.warehouse
    places = [((row.dossier_id, row.seq), (row.log_partition, row.log_offset)) for row in tables.facts]
    assert len(places) == len(set(places)) == len(wanted.places)
    assert dict(places) == wanted.places
    assert {(row.dossier_id, row.seq): row.type for row in tables.facts} == wanted.types
    pieces = sorted((row.dossier_id, row.seq) for rows in tables.dossiers.values() for row in rows)
    assert pieces == sorted(wanted.places), "the states must have taken in every fact once too"
    assert set(tables.clocks) == set(wanted.clocks)
    letters = {(letter.record.partition, letter.record.offset) for letter in world.dead_letters.letters}
    assert len(letters) == wanted.garbage


def points(seed: int) -> list[str]:
    chaos = Chaos()
    run_once(a_world(seed), "first", chaos)
    return chaos.passed


def test_an_undisturbed_run_is_exact() -> None:
    world, notes = a_world(1), Notes()
    status = run_once(world, "only", Chaos(), notes=notes)
    assert_exact(world)
    assert notes.rows == len(world.warehouse.facts)
    ends = {partition: len(records) for partition, records in world.facts.records.items()}
    assert dict(status.snapshot().positions) == ends
    assert {"before intent", "between facts and dossiers", "after position", "commit"} <= set(points(1))


@pytest.mark.parametrize("compacting", [False, True], ids=["plain", "compacted"])
def test_death_at_every_point_loses_and_doubles_nothing(compacting: bool) -> None:
    for place, point in enumerate(points(2)):
        world = a_world(2)
        with pytest.raises(DiedError):
            run_once(world, "first", Chaos(place))
        if compacting:
            world.intents.compact()
        # The successor cuts differently; what the first had begun it must finish as that one cut it.
        run_once(world, "second", Chaos(), CutPolicy(max_records=5, linger=0.0, interval=0.0))
        try:
            assert_exact(world)
        except AssertionError as error:
            raise AssertionError(f"died at {point} ({place})") from error


@pytest.mark.parametrize("seed", range(40))
def test_many_deaths_in_a_row_lose_and_double_nothing(seed: int) -> None:
    rng = random.Random(seed)
    world = a_world(seed, dossiers=20)
    for life in range(60):
        cut = CutPolicy(max_records=rng.choice([1, 7, 50]), linger=0.02, interval=0.0)
        try:
            run_once(world, f"writer-{life}", Chaos(rng.randint(0, 60)), cut)
        except DiedError:
            if rng.random() < 0.3:
                world.intents.compact()
        else:
            break
    run_once(world, "last", Chaos())
    assert_exact(world)


class Frozen:
    """A process that is stopped at one point and goes on when told: a zombie."""

    def __init__(self, at: int) -> None:
        self._at = at
        self._passed = 0
        self.asleep, self.wake = threading.Event(), threading.Event()

    def __call__(self, point: str) -> None:
        if self._passed == self._at:
            self.asleep.set()
            assert self.wake.wait(30)
        self._passed += 1


def run_zombie(world: World, zombie: Frozen, clock: FakeClock) -> tuple[threading.Thread, list[Exception]]:
    stop = threading.Event()
    settings = LaneSettings("0of1", "zombie", PARTITIONS, SMALL, poison_share=1.0)
    ports = world.ports(clock, zombie, stop.set)
    sink = Sink(ports, settings, stop, Status(PARTITIONS), Gate(), zombie)
    ended: list[Exception] = []

    def work() -> None:
        try:
            sink.run()
        except FencedError as error:
            ended.append(error)
        finally:
            zombie.asleep.set()

    thread = threading.Thread(target=work)
    thread.start()
    return thread, ended


@pytest.mark.parametrize("forgetful", [False, True], ids=["tokens kept", "tokens forgotten"])
def test_a_writer_frozen_at_any_point_and_replaced_does_no_harm(forgetful: bool) -> None:
    fenced = 0
    every = points(3)
    for place, point in enumerate(every):
        if forgetful and point in ("before facts", "between facts and dossiers"):
            continue  # frozen after its last look, inside the insert itself: only the token protects there
        world, zombie, clock = a_world(3), Frozen(place), FakeClock()
        thread, ended = run_zombie(world, zombie, clock)
        assert zombie.asleep.wait(30)
        run_once(world, "successor", Chaos())
        if forgetful:
            world.warehouse.forget_tokens()
            clock.at += 3_600
        zombie.wake.set()
        thread.join(30)
        assert not thread.is_alive()
        fenced += len(ended)
        run_once(world, "after both", Chaos())
        try:
            assert_exact(world)
        except AssertionError as error:
            raise AssertionError(f"frozen at {point} ({place})") from error
    assert fenced > len(every) // 3
