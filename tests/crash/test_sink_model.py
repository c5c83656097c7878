"""The sink under 2 000 random schedules in the model; defects put in on purpose are found."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from contracts.topics import DOSSIER_PARTITIONS
from deploy.local.broker import BrokerKind
from services.analytics.domain.batch import Batch
from services.analytics.domain.intents import Entry, Greeting, Position, encode, key_of
from services.analytics.sink.loop import Sink
from tests.crash.sink import real
from tests.crash.sink.fated import Fated
from tests.crash.sink.judge import Verdict
from tests.crash.sink.run import main
from tests.crash.sink.schedule import Schedule, survive
from tests.fakes.analytics import MemoryFacts
from tests.fakes.analytics_facts import fill
from tests.integration.sink_stack import interleaved

EACH = 500
Tamper = Callable[[Schedule], None]
ENOUGH = 200
"""Schedules within which a defect must be found; the ones below are by the first few dozen."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(1, 2001, EACH))
def test_whatever_dies_every_row_and_roll_up_is_exact(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--seed", str(seed), "--schedules", str(EACH)])
    out, err = capsys.readouterr()
    assert out == f"schedules {EACH}, missing 0, doubled 0, mismatched 0\n", err
    assert code == 0


class Unfenced(Sink):
    """Says its intents and positions and reads nothing back."""

    def _append(self, entry: Entry) -> None:
        if isinstance(entry, Greeting):
            super()._append(entry)
            return
        self._retry("append", lambda: self._put(key_of(entry), encode(entry)))
        self._reached(f"{type(entry).__name__.lower()} appended")
        self._log.apply(entry)

    def _look_again(self) -> None:
        """Nor does it look before it inserts."""


class PositionFirst(Sink):
    """Commits before it inserts."""

    _held: tuple[Batch, str, Position] | None = None

    def _insert(self, batch: Batch, token: str, after: Position) -> None:
        self._held = batch, token, after

    def _append(self, entry: Entry) -> None:
        super()._append(entry)
        if isinstance(entry, Position) and self._held is not None:
            held, self._held = self._held, None
            self._retry("insert", lambda: Sink._insert(self, *held))


class Uncounted(Sink):
    """Tries again without looking what stands there already."""

    def _insert(self, batch: Batch, token: str, after: Position) -> None:
        self._ports.warehouse.insert_facts(batch.rows, token)


class TokenOfTheClock(Sink):
    """Another token at every try."""

    def _insert(self, batch: Batch, token: str, after: Position) -> None:
        super()._insert(batch, str(self._ports.clock.now()), after)


def windowless(table: str) -> Tamper:
    """The table forgets every token, and the check at the start does not see it."""

    def tamper(schedule: Schedule) -> None:
        said = schedule.house.windows()
        schedule.house.windows = lambda: said  # type: ignore[method-assign]  # a check that is blind
        schedule.house.targets[table].window = 0

    return tamper


def untouched(schedule: Schedule) -> None:
    """The world as it is."""


@pytest.mark.parametrize(
    ("sink", "tamper", "wrong"),
    [
        pytest.param(Unfenced, untouched, "doubled", id="nothing read back"),
        pytest.param(PositionFirst, untouched, "missing", id="committed before the insert"),
        pytest.param(TokenOfTheClock, untouched, "doubled", id="token of the wall clock"),
        pytest.param(Uncounted, untouched, "doubled", id="nothing counted before another try"),
        pytest.param(Sink, windowless("facts"), "doubled", id="no window on the raw table"),
        pytest.param(Sink, windowless("dossier_states"), "doubled", id="no window on a roll-up"),
        pytest.param(Sink, windowless("stamp_states"), "doubled", id="no window on a rare roll-up"),
        pytest.param(Sink, windowless("step_times"), "mismatched", id="no window on a roll-up of sums"),
    ],
)
def test_a_defect_is_found(sink: type[Sink], tamper: Tamper, wrong: str) -> None:
    found = (survive(seed, sink, tamper)[0] for seed in range(1, ENOUGH))
    assert any(getattr(verdict, wrong) for verdict in found)


@pytest.mark.parametrize(
    ("said", "schedules", "away"),
    [
        (("--real", "1", "--schedules", "3"), 3, None),
        (("--real", "1"), 10, None),
        (("--real", "7"), 7, None),
        (("--real", "1", "--schedules", "1", "--away", "300"), 1, 300.0),
    ],
)
def test_the_command_runs_as_many_schedules_of_real_processes_as_asked(
    said: tuple[str, ...],
    schedules: int,
    away: float | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[tuple[object, ...]] = []

    def noted(*how: object) -> Verdict:
        asked.append(how)
        return Verdict()

    monkeypatch.setattr(real, "real", noted)
    assert main(["--seed", "4", *said]) == 0
    assert asked == [(4, schedules, BrokerKind.TANSU, away)]
    assert capsys.readouterr().out == f"schedules {schedules}, missing 0, doubled 0, mismatched 0\n"


def test_analytics_with_a_fate_is_given_all_that_analytics_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[tuple[object, ...], dict[str, object]]] = []
    monkeypatch.setattr(Sink, "__init__", lambda self, *world, **hooks: given.append((world, hooks)))
    monkeypatch.setattr("sys.argv", ["fated", "committed", "1", "9"])
    fated = Fated("ports", "settings", fill="fill", mend="mend")
    assert given == [(("ports", "settings"), {"fill": "fill", "mend": "mend", "reached": fated._pass})]


@pytest.mark.parametrize("schedules", [1, 7, 100])
def test_a_log_is_cut_into_as_many_schedules_as_asked(schedules: int) -> None:
    parts = real.portions(random.Random(4), schedules)
    assert [len(pieces) for pieces in parts] == [real.PIECES] * schedules
    assert all(piece for pieces in parts for piece in pieces)
    facts = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(facts, real.DOSSIERS * schedules, random.Random(4))
    assert [record for pieces in parts for piece in pieces for record in piece] == interleaved(facts)


def test_a_schedule_can_be_repeated_to_the_last_step() -> None:
    for seed in (7, 8, 9):
        one, other = (Schedule(random.Random(seed)) for _ in range(2))
        assert (one.run(), one.story, one.time.now) == (other.run(), other.story, other.time.now)
        assert one.broker.intents == other.broker.intents
