"""What puts roll-ups and raw rows right, and what there is to put right: works that a process may die in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.crash.sink.lane import Process
from tests.integration.test_analytics_rollups import Damage, House, change, double, lose, turn_the_clock


def spoil(values: str) -> Damage:
    """A piece of a roll-up that nothing calls for."""

    def damage(house: House) -> None:
        house.connection.run(f"INSERT INTO {values}")

    return damage


# As many facts as there must be, saying something else: no start finds it, and every one goes on.
FALSE_ROLL_UPS: Final = (
    change("dossier_states", "dossier_code = 'X'", "1"),
    change("stamp_states", "number = number + 1", "1"),
    change("lives", "channel = 'X'", "seq = 2"),
    change("figures", "dossiers = dossiers + 1", "1"),
    change("step_times", "micros = micros + 1", "1"),
)
FALSE_ROWS: Final = (
    change("facts", "score = 9", "log_offset < 9"),
    turn_the_clock,
    lose("clocks", "log_partition = 8"),
    *FALSE_ROLL_UPS,
)
# What every start refuses.
WRONG_NUMBERS: Final = (
    lose("facts", "log_partition = 1 AND log_offset BETWEEN 2 AND 9"),
    lose("facts", "log_partition = 8 AND log_offset > 10"),
    double,
    turn_the_clock,
    lose("figures", "log_partition = 1"),
    spoil("ratings (rated_on, log_partition, score, ratings) VALUES ('2020-02-01', 8, 1, 1)"),
)


@dataclass(frozen=True)
class Work:
    """What is done to `damage`; `at_start`: by a start itself."""

    damage: tuple[Damage, ...]
    do: Callable[[Process], object]
    at_start: bool = False
    pending: bool = False


WORKS: Final = {
    "rebuild": Work(FALSE_ROLL_UPS, lambda process: process.reconciler.rebuild()),
    "repair": Work(FALSE_ROWS, lambda process: process.reconciler.repair()),
    "repair of numbers": Work(WRONG_NUMBERS, lambda process: process.reconciler.repair()),
    "repair at the start": Work(WRONG_NUMBERS, lambda process: process.run(repair=True), at_start=True),
    "first filling": Work((), lambda process: process.run(), at_start=True, pending=True),
}
