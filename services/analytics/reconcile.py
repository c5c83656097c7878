"""The proof on demand: read the facts again from the beginning, fold them, hold them against the tables.

Only this lane's partitions: its sink is the one that can be held still while its dossiers are looked at. And
whatever the tables hold for partitions that the log does not have: nobody's, so every lane tells it, and none
takes it away. A repair puts raw facts right from the log, makes roll-ups anew from them, and looks again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from contracts.topics import DOSSIER_PARTITIONS
from services.analytics.domain.batch import Record
from services.analytics.domain.comparison import Findings, PartitionProof, stray
from services.analytics.domain.intents import Range
from services.analytics.domain.lane import lane_of
from services.analytics.domain.rollups import RollUp
from services.analytics.errors import AnalyticsError
from services.analytics.reading import Tables, cells_of, clocks, dossiers_of, stamps_of, strays, stretch
from services.analytics.rebuild import BehindError as BehindError  # what a proof can say too
from services.analytics.rebuild import Hold, Rebuilder, Rebuilt
from services.analytics.rebuild import RowsDifferError as RowsDifferError  # what a rebuild can say too

_STRETCH: Final = 20_000


Work = Literal["reconcile", "repair", "rebuild"]


class RunningError(AnalyticsError):
    """Something that wants to be alone is running: `work` names it."""

    def __init__(self, work: Work) -> None:
        super().__init__(f"a {work} is running already")
        self.work = work


class RepairAtStartError(AnalyticsError):
    """The log makes other rows now than the sink has inserted: a dead letter of before can be decoded.

    Whoever adds them must say so in the lane's position, and only a start does."""


@dataclass(frozen=True)
class Repair:
    """What a repair found, and what a second look finds after it."""

    before: list[Findings]
    after: list[Findings]


class Log(Protocol):
    """The facts topic, read apart from the sink."""

    def true_ends(self) -> dict[int, int]:
        """One past the last record by partition."""
        ...

    def read(self, ranges: Sequence[Range]) -> list[Record]:
        """Exactly these ranges."""
        ...

    def close(self) -> None:
        """Done."""
        ...


class Reconciler:
    """Runs one proof, repair or rebuild at a time. `open_log` connects; `hold` holds the sink still; `tell`
    is told in words how far a proof or repair is."""

    def __init__(
        self,
        open_log: Callable[[], Log],
        tables: Tables,
        hold: Hold,
        rebuilder: Rebuilder,
        patience: float = 60.0,
        tell: Callable[[str], None] = lambda words: None,
    ) -> None:
        self._tell = tell
        self._open_log = open_log
        self._tables = tables
        self._hold = hold
        self._rebuilder = rebuilder
        self._patience = patience
        self._running: Work | None = None
        self._lock = threading.Lock()

    def run(self) -> list[Findings]:
        """Findings by partition, of everything the log held when asked, and of what came since.

        After this lane's partitions follow those the log does not have, when the tables hold any.

        Raises BehindError, RunningError, RetryLaterError (broker or warehouse away), or a RefusedError.
        """
        with self._alone("reconcile") as log:
            return self._prove(log, mend=False)

    def repair(self) -> Repair:
        """The same, then what differs put right from the log, and a second look.

        Raises likewise, and RepairAtStartError; then nothing was changed.
        """
        with self._alone("repair") as log:
            before = self._prove(log, mend=False)
            if any(one.unsaid for one in before):
                raise RepairAtStartError("the log makes other rows than were inserted")
            wrong = [one.partition for one in before if not one.clean and one.partition < DOSSIER_PARTITIONS]
            for partition in wrong:
                self._partition(log, partition, mend=True)
            for lane in sorted(set(map(lane_of, wrong))):
                self._rebuilder.lane(lane)
                self._tell(f"lane {lane}: roll-ups made anew")
            return Repair(
                before, before if all(one.clean for one in before) else self._prove(log, mend=False)
            )

    def rebuild(self) -> list[Rebuilt]:
        """The roll-ups of this lane made anew from the raw facts. Raises likewise, and RowsDifferError."""
        with self._alone("rebuild") as log:
            return [self._rebuilder.lane(lane) for lane in sorted(set(map(lane_of, self._ends(log))))]

    @contextmanager
    def _alone(self, work: Work) -> Iterator[Log]:
        with self._lock:
            if self._running is not None:
                raise RunningError(self._running)
            self._running = work
        try:
            log = self._open_log()
            try:
                yield log
            finally:
                log.close()
        finally:
            self._running = None

    def _ends(self, log: Log) -> Mapping[int, int]:
        ends: Mapping[int, int] = log.true_ends()
        if not self._hold.status.wait_for(ends, self._patience):
            raise BehindError("the warehouse has not caught up with the log")
        return ends

    def _prove(self, log: Log, *, mend: bool) -> list[Findings]:
        findings = [self._partition(log, partition, mend) for partition in sorted(self._ends(log))]
        return findings + [stray(*found) for found in strays(self._tables, DOSSIER_PARTITIONS)]

    def _partition(self, log: Log, partition: int, mend: bool) -> Findings:
        with self._hold.still():
            until = self._hold.position(partition)
            said = self._hold.said().get(partition)
            dossiers = dossiers_of(self._tables, partition)
            stamps = stamps_of(self._tables, partition)
            cells = {roll_up: cells_of(self._tables, roll_up, partition) for roll_up in RollUp}
            clock = clocks(self._tables).get(partition)
        proof = PartitionProof(partition)
        for start in range(0, until, _STRETCH):
            end = min(start + _STRETCH, until)
            records = log.read([Range(partition, start, end)])
            mending = proof.compare_stretch(records, stretch(self._tables, partition, start, end))
            if mend and any(mending):
                self._rebuilder.mend(partition, mending)
        proof.compare_dossiers(dossiers)
        proof.compare_stamps(stamps)
        proof.compare_roll_ups(cells)
        proof.compare_clock(clock)
        if mend and clock != proof.clock:
            self._rebuilder.set_clock(partition, until, proof.clock)
        proof.findings.until = until
        if said is not None:
            proof.findings.unsaid = proof.findings.facts - said
        done = "raw facts put right" if mend else "proven"
        self._tell(f"partition {partition}: {done}, {proof.findings.differences} differences found")
        return proof.findings
