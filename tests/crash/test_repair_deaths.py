"""A rebuild, a repair, a repair at the start, and the first filling, ended at the statements they give.

Over a real warehouse. A process dies before its statement or after it, or its answer is lost and it lives on,
or it is frozen and goes on when another one has taken over; or the warehouse itself dies during it.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from services.analytics import reconcile
from tests.crash.sink.doomed import Fate
from tests.crash.sink.estate import Estate
from tests.crash.sink.trial import Trial
from tests.crash.sink.works import WORKS
from tests.warehouse_process import WarehouseProcess

_REPAIR: Final = "repair at the start"
# A work, and how a statement of it begins during which the warehouse dies.
KILLS: Final = (
    ("rebuild", "ALTER TABLE figures REPLACE"),
    *(
        pytest.param(*kill, marks=pytest.mark.long)
        for kill in (
            (_REPAIR, "ALTER TABLE facts ATTACH"),
            ("rebuild", "INSERT INTO figures__1"),
            ("rebuild", "DROP TABLE"),
            (_REPAIR, "ALTER TABLE facts DELETE"),
            (_REPAIR, "ALTER TABLE clocks DELETE"),
        )
    ),
)
# How a work ends in every run of the tests; all ends of all works take an hour or more.
ENDS: Final = (
    ("rebuild", Fate.AFTER),
    ("repair of numbers", Fate.FROZEN),
    ("first filling", Fate.LOST),
)


class Warehouse:
    """A warehouse that can be killed, and comes back on the same folder and port."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = WarehouseProcess(path)
        self._rng = random.Random(1)
        # A leash ends a process with the thread that started it: this one lives on.
        self._thread = ThreadPoolExecutor(1)
        self.url = f"clickhouse://default@127.0.0.1:{self._process.port}/default"

    def kill(self) -> None:
        """Within the next 30 ms, while whoever asks for it goes on."""
        self._again = self._thread.submit(self._restart, self._rng.random() * 0.03)

    def _restart(self, delay: float) -> None:
        time.sleep(delay)  # a moment to die in; nothing waits for it
        self._process.kill()
        self._process = WarehouseProcess(self._path, port=self._process.port)

    def back(self) -> None:
        """Wait until it has come back."""
        self._again.result(60)

    def end(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._thread.shutdown()


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    one = Warehouse(tmp_path_factory.mktemp("deaths") / "data")
    yield one
    one.end()


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partition 8 is the log's, and a partition is proven in more than one stretch."""
    monkeypatch.setattr(reconcile, "DOSSIER_PARTITIONS", 16)
    monkeypatch.setattr(reconcile, "_STRETCH", 30)


@contextlib.contextmanager
def a_trial(warehouse: Warehouse, name: str) -> Iterator[Trial]:
    with contextlib.closing(Estate(warehouse.url, WORKS[name].damage)) as estate:
        yield Trial(estate, WORKS[name])


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "fate"), ENDS)
def test_an_end_of_each(warehouse: Warehouse, name: str, fate: Fate) -> None:
    with a_trial(warehouse, name) as trial:
        trial.end(fate, random.Random(name).choice(trial.changing()))


@pytest.mark.long
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("name", WORKS)
def test_every_end(warehouse: Warehouse, name: str) -> None:
    with a_trial(warehouse, name) as trial:
        places = trial.changing()
        trial.end(Fate.BEFORE, places[0])
        for number, at in enumerate(places):
            trial.end(Fate.AFTER, at)
            trial.end((Fate.LOST, Fate.FROZEN)[number % 2], at)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "beginning"), KILLS)
def test_the_warehouse_dies_during_a_statement(warehouse: Warehouse, name: str, beginning: str) -> None:
    with a_trial(warehouse, name) as trial:
        trial.end(Fate.KILLED, beginning, warehouse.kill, warehouse.back)
