"""What the tables hold against what the lane says: windows that forget, parts that were lost."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from services.analytics.domain.intents import Intent, encode, key_of
from services.analytics.domain.rows import FactRow
from services.analytics.errors import RetryLaterError, WarehouseMismatchError
from tests.fakes.analytics import MemoryFacts, World, away
from tests.fakes.analytics_facts import fill
from tests.unit.test_sink_behaviour import PARTITIONS, Process, a_world, assert_exact, foreign_intent
from tests.unit.test_sink_late_and_lost import positions_said


class GoneError(BaseException):
    """The process is gone."""


def test_what_a_dead_writer_had_inserted_is_not_inserted_again_though_the_token_is_forgotten() -> None:
    """Somebody shrank a window and put it back while the batch had no writer."""
    world = a_world()

    def die(step: str) -> None:
        if step == "facts inserted":
            raise GoneError

    with pytest.raises(GoneError):
        Process(world, reached=die).run()
    world.warehouse.forget_tokens()
    Process(world, "successor").run()
    assert_exact(world)


def test_an_insert_whose_answer_was_lost_is_not_done_again_though_the_token_is_forgotten() -> None:
    world = a_world()
    process = Process(world)
    insert = process.ports.warehouse.insert_facts
    answers = [RetryLaterError("no answer came")]

    def unanswered(rows: Sequence[FactRow], token: str) -> None:
        insert(rows, token)
        world.warehouse.forget_tokens()
        if answers:
            raise answers.pop()

    process.ports.warehouse.insert_facts = unanswered  # type: ignore[method-assign]  # an answer on its way
    process.run()
    assert_exact(world)


@pytest.mark.parametrize("adopted", [True, False])
def test_nothing_is_tried_again_while_a_window_is_too_small(adopted: bool) -> None:
    world = a_world()
    world.warehouse.window = 1
    if adopted:
        begun = foreign_intent(world, end=4)
        world.intents.append(*_record(begun))
    else:
        world.warehouse.away = away(1)
    with pytest.raises(WarehouseMismatchError, match="window"):
        Process(world).run()
    assert world.warehouse.facts == []


def _record(entry: Intent) -> tuple[bytes, bytes]:
    return key_of(entry), encode(entry)


def test_an_idle_sink_notices_a_window_that_was_shrunk() -> None:
    world = World(MemoryFacts(PARTITIONS))
    process = Process(world, tick=0.2)
    ends = process.ports.facts.ends

    def shrunk() -> dict[int, int]:
        world.warehouse.window = 0
        process.clock.at += 60
        return ends()

    process.ports.facts.ends = shrunk  # type: ignore[method-assign]  # somebody alters a table under us
    with pytest.raises(WarehouseMismatchError, match="window"):
        process.run()


def test_a_warehouse_that_is_away_when_its_windows_are_looked_at_stops_nobody() -> None:
    world = a_world()
    process = Process(world)

    def absent() -> None:
        raise RetryLaterError("away")

    process.ports.warehouse.check_windows = absent  # type: ignore[method-assign]  # as its port may
    process.run()
    assert_exact(world)
    assert process.notes.retries == [], "the next insert will tell"


def test_a_lost_part_of_a_roll_up_is_seen_at_the_start() -> None:
    world = a_world()
    Process(world).run()
    partition, dossier = next(iter(world.warehouse.dossiers))
    lost = len(world.warehouse.dossiers.pop((partition, dossier)))
    there = sum(len(rows) for (p, _), rows in world.warehouse.dossiers.items() if p == partition)
    said = f"partition {partition}: dossiers is made of {there} facts, {there + lost} were inserted"
    with pytest.raises(WarehouseMismatchError, match=said):
        Process(world).run()


def test_a_part_of_a_roll_up_lost_with_its_token_noted_is_seen_before_the_position_is_said() -> None:
    world = a_world()
    begun = foreign_intent(world, end=4)
    world.intents.append(*_record(begun))
    world.warehouse.tokens.add(("dossiers", begun.token()))
    with pytest.raises(WarehouseMismatchError, match="dossiers is made of 0 facts, 4 were inserted"):
        Process(world).run()
    assert positions_said(world) == []


def test_a_successor_counts_what_it_finishes_before_it_says_so() -> None:
    """The raw table noted the token and lost the part; the successor's one try is taken for a repetition."""
    world = World(MemoryFacts(PARTITIONS))
    fill(world.facts, 8, random.Random(1), noise=False)
    begun = foreign_intent(world, end=4)
    world.intents.append(*_record(begun))
    world.warehouse.tokens.add(("facts", begun.token()))
    with pytest.raises(WarehouseMismatchError, match="holds 0 facts, 4 were inserted"):
        Process(world).run()
    assert positions_said(world) == []
