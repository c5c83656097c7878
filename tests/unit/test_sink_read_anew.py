"""A fact that an older release made a dead letter of, and this one can decode: who adds it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from contracts.codec import UndecodableError, decode_fact
from contracts.facts import FactRecord
from services.analytics.domain import batch
from services.analytics.domain.batch import translate
from services.analytics.domain.comparison import PartitionProof
from services.analytics.domain.intents import Intent, Position, decode
from services.analytics.errors import WarehouseMismatchError
from tests.fakes.analytics import World
from tests.unit.test_sink_behaviour import PARTITIONS, Process, a_world, assert_exact


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The older release has read all of the log."""
    one = a_world()
    victim = one.facts.records[0][3].value

    def old(value: bytes | None) -> FactRecord:
        if value == victim:
            raise UndecodableError("a type of a newer writer")
        return decode_fact(value)

    with monkeypatch.context() as then:
        then.setattr(batch, "decode_fact", old)
        Process(one, "old").run()
    return one


def repaired(world: World) -> Mapping[int, int]:
    """As a start with MOTCUA_REPAIR=1 does it; what it answers the sink."""
    said = {}
    for partition in PARTITIONS:
        proof = PartitionProof(partition)
        rows = [row for row in sorted(world.warehouse.facts) if row.log_partition == partition]
        more = proof.compare_stretch(world.facts.records[partition], rows).rows
        world.warehouse.facts += more
        for row in more:
            world.warehouse.dossiers[(partition, row.dossier_id)].append(row)
        said[partition] = proof.findings.facts
    return said


def test_a_release_that_can_decode_a_dead_letter_leaves_it_until_it_is_told_to_repair(world: World) -> None:
    assert len(world.dead_letters.letters) == 1
    Process(world, "new").run()
    with pytest.raises(AssertionError):
        assert_exact(world)


def test_rows_that_somebody_else_added_are_too_many(world: World) -> None:
    repaired(world)
    with pytest.raises(WarehouseMismatchError, match="were inserted"):
        Process(world, "new").run()


def test_a_repair_at_the_start_says_what_it_left_and_later_starts_go_on_from_there(world: World) -> None:
    Process(world, "new", mend=lambda positions: repaired(world)).run()
    assert_exact(world)
    Process(world, "next").run()
    assert_exact(world)


@pytest.mark.parametrize("step", ["intent appended", "intent read back", "position appended"])
def test_a_repair_that_dies_while_it_says_so_is_finished_by_the_next_one(world: World, step: str) -> None:
    def die(passed: str) -> None:
        if passed == step:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Process(world, "dying", reached=die, mend=lambda positions: repaired(world)).run()
    Process(world, "new", mend=lambda positions: repaired(world)).run()
    assert_exact(world)
    Process(world, "next").run()


def test_a_repair_that_adds_nothing_says_nothing(world: World) -> None:
    Process(world, "new", mend=lambda positions: repaired(world)).run()
    said = len(world.intents.records)
    Process(world, "again", mend=lambda positions: repaired(world)).run()
    fresh = [decode(key, value) for _, key, value in world.intents.records[said:] if value is not None]
    assert not [one for one in fresh if isinstance(one, (Intent, Position))]


def test_the_rows_said_are_those_the_log_calls_for(world: World) -> None:
    process = Process(world, "new", mend=lambda positions: repaired(world)).run()
    wanted = {p: len(translate(world.facts.records[p], {}).rows) for p in PARTITIONS}
    assert process.sink.said() == wanted
