"""The proof on demand: read the facts again from the beginning, fold them, hold them against the tables.

Only this lane's partitions: its sink is the one that can be held still while its dossiers are looked at. And
whatever the tables hold for partitions that the log does not have: nobody's, so every lane tells it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from contracts.topics import DOSSIER_PARTITIONS
from services.analytics.domain.batch import Record
from services.analytics.domain.comparison import Findings, PartitionProof, stray
from services.analytics.domain.intents import Range
from services.analytics.errors import AnalyticsError
from services.analytics.reading import Tables, clocks, dossiers_of, stamps_of, strays, stretch
from services.analytics.sink.status import Status

_STRETCH: Final = 20_000


class BehindError(AnalyticsError):
    """The sink has not caught up in time, or does not let go of a batch: ask again."""


class RunningError(AnalyticsError):
    """Another proof is running."""


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
    """Runs one proof at a time. `open_log` connects; `gate` is the sink's, held while dossiers are read."""

    def __init__(
        self,
        open_log: Callable[[], Log],
        tables: Tables,
        status: Status,
        gate: threading.Lock,
        patience: float = 60.0,
    ) -> None:
        self._open_log = open_log
        self._tables = tables
        self._status = status
        self._gate = gate
        self._patience = patience
        self._running = threading.Lock()

    def run(self) -> list[Findings]:
        """Findings by partition, of everything the log held when asked, and of what came since.

        After this lane's partitions follow those the log does not have, when the tables hold any.

        Raises BehindError, RunningError, RetryLaterError (broker or warehouse away), or a RefusedError.
        """
        if not self._running.acquire(blocking=False):
            raise RunningError("a proof is running already")
        try:
            log = self._open_log()
            try:
                return self._prove(log)
            finally:
                log.close()
        finally:
            self._running.release()

    def _prove(self, log: Log) -> list[Findings]:
        ends: Mapping[int, int] = log.true_ends()
        if not self._status.wait_for(ends, self._patience):
            raise BehindError("the warehouse has not caught up with the log")
        findings = [self._partition(log, partition) for partition in sorted(ends)]
        return findings + [stray(*found) for found in strays(self._tables, DOSSIER_PARTITIONS)]

    def _partition(self, log: Log, partition: int) -> Findings:
        if not self._gate.acquire(timeout=self._patience):
            raise BehindError("a batch is on its way and does not end")
        try:
            until = self._status.snapshot().positions[partition]
            dossiers = dossiers_of(self._tables, partition)
            stamps = stamps_of(self._tables, partition)
            clock = clocks(self._tables).get(partition)
        finally:
            self._gate.release()
        proof = PartitionProof(partition)
        for start in range(0, until, _STRETCH):
            end = min(start + _STRETCH, until)
            records = log.read([Range(partition, start, end)])
            proof.compare_stretch(records, stretch(self._tables, partition, start, end))
        proof.compare_dossiers(dossiers)
        proof.compare_stamps(stamps)
        proof.compare_clock(clock)
        proof.findings.until = until
        return proof.findings
