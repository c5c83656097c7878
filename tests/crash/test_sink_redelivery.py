"""What comes again, as a table: the log repeats a batch, or a successor would cut what was begun otherwise.

Either way five cases: the same, overlapping, containing, cropped, new; and a death at every point on the way.
"""

from __future__ import annotations

import threading
from typing import Final

import pytest

from services.analytics.domain.cut import CutPolicy
from services.analytics.sink.gate import Gate
from services.analytics.sink.loop import LaneSettings, Sink
from services.analytics.sink.status import Status
from tests.crash.sink.judge import Found, judge
from tests.crash.sink.oracle import wanted
from tests.crash.sink.tables import as_dossier
from tests.crash.sink.workload import lives
from tests.fakes.analytics import Chaos, DiedError, FakeClock, MemoryFacts, World

LINES: Final = lives(1, 5)[0]
BEGUN: Final = 12
"""Records of the batch that comes again begin at 6 and end here."""
# The batch as it stands at first, and what is told after the crash: lines from, to.
TOLD: Final = {
    "same": ((6, 12), (6, 12)),
    "overlapping": ((6, 12), (9, 20)),
    "contains": ((6, 12), (3, 20)),
    "cropped": ((6, 9), (6, 12)),
    "new": ((6, 12), (12, 20)),
}
# How many records there are when the successor looks, and how many it would take.
CUT: Final = {
    "same": (12, 12),
    "overlapping": (20, 7),
    "contains": (20, 20),
    "cropped": (12, 5),
    "new": (20, 200),
}


def run(world: World, writer: str, chaos: Chaos, size: int = 200) -> None:
    """One process, to the end of the log or its own."""
    stop, status = threading.Event(), Status((0,))
    lane = LaneSettings("0of1", writer, (0,), CutPolicy(size, 0.02, 0.0), poison_share=1.0)
    Sink(world.ports(FakeClock(), chaos, stop.set), lane, stop, status, Gate(), chaos).run()


def tell(world: World, start: int, end: int) -> None:
    """These lines at the end of the log."""
    for value, key in LINES[start:end]:
        world.facts.append(0, value, key)


def assert_exact(world: World, why: str) -> None:
    """By the oracle over the log as it stands."""
    want = wanted((r.partition, r.offset, r.value) for r in world.facts.records[0])
    dossiers = {key: as_dossier(state) for key, state in world.warehouse.merged().items()}
    clocks = {p: {"moved_to": to} for p, to in world.warehouse.clocks.items()}
    found = Found(
        [row._asdict() for row in world.warehouse.facts],
        {"dossier_states": dossiers, "clocks": clocks},
        set(),
    )
    want.rollups = {name: want.rollups[name] for name in found.rollups}  # these tables have no others
    verdict = judge(want, found)
    assert not verdict, (why, verdict.said)
    assert want.raw


def passed(world: World) -> list[str]:
    """The points one undisturbed process passes from here to the end."""
    chaos = Chaos()
    run(world, "counting", chaos)
    return chaos.passed


def world_told(kind: str) -> World:
    """The sink is at the end of a first telling; then the log says it again."""
    world, (first, again) = World(MemoryFacts((0,))), TOLD[kind]
    tell(world, 0, first[0])
    tell(world, *first)
    run(world, "first", Chaos())
    tell(world, *again)
    return world


@pytest.mark.parametrize("kind", TOLD)
def test_what_the_log_repeats_counts_once(kind: str) -> None:
    world = world_told(kind)
    points = passed(world)
    assert_exact(world, "undisturbed")
    assert len(world.warehouse.facts) == max(end for _, end in TOLD[kind])
    for place, point in enumerate(points):
        world = world_told(kind)
        with pytest.raises(DiedError):
            run(world, "second", Chaos(place), size=4)
        run(world, "third", Chaos(), size=7)
        assert_exact(world, point)


@pytest.mark.parametrize("kind", CUT)
def test_a_successor_finishes_what_was_begun_however_it_would_cut(kind: str) -> None:
    there, size = CUT[kind]
    fresh = World(MemoryFacts((0,)))
    tell(fresh, 0, BEGUN)
    for place, point in enumerate(passed(fresh)):
        world = World(MemoryFacts((0,)))
        tell(world, 0, BEGUN)
        with pytest.raises(DiedError):
            run(world, "first", Chaos(place))
        tell(world, BEGUN, there)
        run(world, "second", Chaos(), size)
        assert_exact(world, point)
