"""Who sees the facts come: a reader of the warehouse beside the load, and what the sink says of its steps."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple, Protocol

import httpx
from prometheus_client.parser import text_string_to_metric_families

from contracts.topics import DOSSIER_PARTITIONS
from services.analytics.adapters.clickhouse import Connection
from services.analytics.domain.rows import NUMBER_DRAWN

PAUSE: Final = 0.02
"""Seconds between two looks."""
STEP_METRIC: Final = "motcua_analytics_step_seconds"

# Answered from what the engine knows of its parts: all that is asked while nothing comes.
_COUNT: Final = "SELECT count() FROM facts"
_FACTS: Final = f"""
SELECT log_partition, max(log_offset) + 1, countIf(type != '{NUMBER_DRAWN}') FROM facts GROUP BY log_partition
"""
_DOSSIERS: Final = "SELECT log_partition, sum(facts) FROM dossiers GROUP BY log_partition"


class Sight(NamedTuple):
    """What one look found: begun and ended (stopwatch), by partition the place after the last raw fact, and
    how many facts of dossiers their roll-up has counted."""

    asked: float
    seen: float
    ends: Mapping[int, int]
    counted: Mapping[int, int]


class Seen(Protocol):
    """A fact that is waited for, to be dated."""

    @property
    def partition(self) -> int:
        """Where it stands."""
        ...

    @property
    def kind(self) -> str:
        """Its type."""
        ...

    offset: int
    visible: float


class Lookout:
    """Looks while the block runs. Facts are expected in the order in which they stand in their partition."""

    def __init__(self, warehouse: str) -> None:
        self.sights: list[Sight] = []
        self.looks: list[tuple[float, float]] = []
        self._warehouse = warehouse
        self._stop = threading.Event()
        self._failed: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="lookout", daemon=True)
        self._facts = [0] * DOSSIER_PARTITIONS
        self._of_dossiers = [0] * DOSSIER_PARTITIONS

    def __enter__(self) -> Lookout:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def date(self, journeys: Iterable[Seen], patience: float) -> bool:
        """Wait until all are visible and say since when each is; False when they are not in time.

        Raises ValueError for one whose offset is not the next of its partition: somebody else writes too.
        """
        waiting = sorted(journeys, key=lambda one: (one.partition, one.offset))
        needed = []
        for one in waiting:
            if one.offset != self._facts[one.partition]:
                raise ValueError(f"offset {one.offset} instead of {self._facts[one.partition]}")
            self._facts[one.partition] += 1
            self._of_dossiers[one.partition] += one.kind != NUMBER_DRAWN
            needed.append((one, self._of_dossiers[one.partition]))
        until = time.monotonic() + patience
        while not self._holds_all():
            if self._failed is not None:
                raise self._failed
            if time.monotonic() > until:
                return False
            time.sleep(PAUSE)
        sights, at = list(self.sights), dict.fromkeys(range(DOSSIER_PARTITIONS), 0)
        for one, place in needed:
            p = one.partition
            while sights[at[p]].ends.get(p, 0) <= one.offset or sights[at[p]].counted.get(p, 0) < place:
                at[p] += 1
            one.visible = sights[at[p]].seen
        return True

    def _holds_all(self) -> bool:
        if not self.sights:
            return False
        last = self.sights[-1]
        return all(
            last.ends.get(p, 0) >= self._facts[p] and last.counted.get(p, 0) >= self._of_dossiers[p]
            for p in range(DOSSIER_PARTITIONS)
        )

    def _run(self) -> None:
        connection = Connection(self._warehouse)
        known, settled = -1, False
        try:
            while not self._stop.wait(PAUSE):
                asked = time.monotonic()
                ((count,),) = connection.rows(_COUNT)
                if count != known or not settled:
                    rows = connection.rows(_FACTS)
                    counted = dict(connection.rows(_DOSSIERS))
                    ends = {p: end for p, end, _ in rows}
                    self.sights.append(Sight(asked, time.monotonic(), ends, counted))
                    # A feed may come later than the raw rows: look on until both say the same.
                    known, settled = count, all(counted.get(p, 0) == n for p, _, n in rows)
                self.looks.append((asked, time.monotonic()))
        except Exception as error:
            self._failed = error
        finally:
            connection.close()


def steps_of(analytics_url: str) -> dict[str, tuple[float, float]]:
    """Seconds and number of passes so far of each step of the sink."""
    found: dict[str, dict[str, float]] = {}
    text = httpx.get(f"{analytics_url}/metrics", timeout=10).text
    for family in text_string_to_metric_families(text):
        if family.name == STEP_METRIC:
            for sample in family.samples:
                found.setdefault(sample.labels["step"], {})[sample.name.removeprefix(STEP_METRIC)] = (
                    sample.value
                )
    return {step: (parts["_sum"], parts["_count"]) for step, parts in found.items()}


def pauses(looks: Sequence[tuple[float, float]]) -> list[float]:
    """Seconds from the beginning of each look to the end of the next: no fact is dated later than that."""
    return [after[1] - before[0] for before, after in pairwise(looks)]
