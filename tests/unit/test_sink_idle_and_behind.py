"""A sink with nothing to do says that its figures are of now; one far behind holds one batch."""

from __future__ import annotations

from services.analytics.domain.batch import Record
from services.analytics.domain.cut import CutPolicy
from tests.fakes.analytics import MemoryFacts, World, away
from tests.unit.test_sink_behaviour import PARTITIONS, Process, a_world, assert_exact


def test_a_sink_far_behind_a_warehouse_that_is_away_holds_one_batch() -> None:
    world = a_world(dossiers=60)
    world.warehouse.away = away(3)
    process = Process(world, cut=CutPolicy(7, 0.0, 0.0))
    poll, held = process.ports.facts.poll, [0]

    def counted(max_records: int, seconds: float) -> list[Record]:
        found = poll(max_records, seconds)
        held.append(held[-1] + len(found))
        assert held[-1] <= 7, "records read beyond the batch that waits"
        return found

    def let_go(step: str) -> None:
        if step == "committed":
            held.append(0)

    process.ports.facts.poll = counted  # type: ignore[method-assign]  # a log that counts
    process.passed = let_go
    process.run()
    assert_exact(world)
    assert max(held) == 7
    assert len(world.facts.records[0]) > 70


def test_figures_of_a_system_where_nothing_happens_stay_of_now() -> None:
    """With every answer of the brokers that there is no more, the figures are of a later moment."""
    process = Process(World(MemoryFacts(PARTITIONS)), tick=0.2)
    dates: list[float | None] = []
    ends = process.ports.facts.ends

    def watched() -> dict[int, int]:
        dates.append(process.status.snapshot().as_of)
        return ends()

    process.ports.facts.ends = watched  # type: ignore[method-assign]  # brokers that are watched
    process.run()
    first, *later = dates
    assert first is None, "nobody had been asked yet"
    known = [at for at in later if at is not None]
    assert len(known) == len(later) > 5
    assert known == sorted(set(known))
