"""A position that lands late, a part that was lost: what the sink says of rows is what is there."""

from __future__ import annotations

import msgspec
import pytest

from services.analytics.domain import intents
from services.analytics.domain.intents import PartitionPosition, Position, encode, key_of
from services.analytics.errors import OtherLanesError, WarehouseMismatchError
from tests.fakes.analytics import World, away
from tests.unit.test_sink_behaviour import Process, a_world, assert_exact, foreign_intent


def positions_said(world: World) -> list[Position]:
    """The positions in the intents topic, in their order."""
    said = [intents.decode(key, value) for _, key, value in world.intents.records if value is not None]
    return [one for one in said if isinstance(one, Position)]


def test_a_dead_writers_position_that_comes_in_late_is_not_counted_twice() -> None:
    """It died with its batch inserted and its position on the wire; its successor is still inserting."""
    world = a_world()
    begun = foreign_intent(world, end=4)
    world.intents.append(key_of(begun), encode(begun))
    parts = (PartitionPosition(0, 4, 3, 0, 4), PartitionPosition(1, 0))
    late = Position(lane="0of1", batch=1, writer="other", topic_id="topic-1", partitions=parts)

    def deliver(step: str) -> None:
        if step == "dead letters acked" and not positions_said(world):
            world.intents.append(key_of(late), encode(late))
            process.clock.at += 60  # long enough for the writer to look again

    process = Process(world, reached=deliver)
    process.run()
    first, ours = positions_said(world)[:2]
    assert first == late
    assert (ours.batch, ours.by_partition()[0].rows) == (1, 4)
    assert_exact(world)


def test_a_part_that_was_lost_with_its_token_noted_is_seen_before_the_position_is_said() -> None:
    world = a_world()
    begun = foreign_intent(world, end=4)
    world.intents.append(key_of(begun), encode(begun))
    world.warehouse.tokens.add(("facts", begun.token()))
    world.warehouse.away = away(1)
    with pytest.raises(WarehouseMismatchError, match="holds 0 facts, 4 were inserted"):
        Process(world).run()
    assert positions_said(world) == []
    assert not world.warehouse.vouched, "nobody may tell figures of it"


def test_a_start_vouches_for_its_partitions_once_it_has_found_them_right() -> None:
    world = a_world()
    Process(world).run()
    assert world.warehouse.vouched == {*world.facts.records}
    world.warehouse.vouched.clear()
    world.warehouse.facts.clear()
    with pytest.raises(WarehouseMismatchError, match="holds 0 facts"):
        Process(world).run()
    assert not world.warehouse.vouched


def test_partitions_divided_in_another_way_are_refused_at_start_and_before_an_insert() -> None:
    world = a_world()
    parts = (PartitionPosition(1, 4, 3, 0, 4),)
    other = Position(lane="1of2", batch=1, writer="other", topic_id="topic-1", partitions=parts)
    world.intents.append(key_of(other), encode(other))
    with pytest.raises(OtherLanesError, match="lane 1of2 has said how far partition 1 is"):
        Process(world).run()
    assert world.warehouse.facts == []

    world = a_world()
    begun = msgspec.structs.replace(foreign_intent(world, end=4), lane="0of2")

    def start(step: str) -> None:
        if step == "gathered":
            world.intents.append(key_of(begun), encode(begun))

    with pytest.raises(OtherLanesError, match="lane 0of2 has said how far partition 0 is"):
        Process(world, reached=start).run()
    assert world.warehouse.facts == []
