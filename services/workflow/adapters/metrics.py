"""What workflow tells Prometheus, and the observer that counts it.

Labels are closed lists or partition numbers, never a dossier. Counters restart with the process; the exact
figures live in the log.
"""

from __future__ import annotations

import contextlib
from collections import Counter as Tally
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from contracts.commands import DeadlinesReached
from contracts.facts import CommandRefused, Fact, FactRecord
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import Output

_BATCH_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class Metrics:
    """The meters of one worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        prefix = "motcua_workflow"
        self._records = Counter(
            f"{prefix}_records_total", "Command records applied", ["partition"], registry=registry
        )
        self._skipped = Counter(
            f"{prefix}_records_skipped_total", "Records applied before a restart", registry=registry
        )
        self._facts = Counter(f"{prefix}_facts_total", "Facts published", ["type"], registry=registry)
        self._outcomes = Counter(
            f"{prefix}_outcomes_total", "Commands answered", ["result"], registry=registry
        )
        self._refusals = Counter(
            f"{prefix}_refusals_total", "Commands refused", ["reason"], registry=registry
        )
        self._forwards = Counter(
            f"{prefix}_draws_forwarded_total", "Stamps for which a number was asked", registry=registry
        )
        self._poison = Counter(
            f"{prefix}_dead_letters_total",
            "Records nobody could decode or decide, dead-lettered",
            registry=registry,
        )
        self._batch_seconds = Histogram(
            f"{prefix}_batch_seconds",
            "From decided to durable",
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )

        self._gauges: list[Gauge] = []

        def level(name: str, meaning: str) -> Gauge:
            self._gauges.append(Gauge(f"{prefix}_{name}", meaning, ["partition"], registry=registry))
            return self._gauges[-1]

        self._applied = level("applied_offset", "Offset last applied")
        self._dossiers = level("dossiers", "Dossiers in the state")
        self._deadlines = level("deadlines", "Deadlines in the index")
        self._parked = level("parked_dossiers", "Dossiers that stand still")
        self._law = level("law_version", "Law version in force")
        self._law_rejected = level("law_rejected", "Changes of law that could not be applied")
        self._recovery = level("recovery_seconds", "Last recovery")
        self._delay = Histogram(
            f"{prefix}_deadline_delay_seconds",
            "From a list's first due date to its record in the log (system clock)",
            buckets=_BATCH_BUCKETS,
            registry=registry,
        )
        self._last_batch = Gauge(
            f"{prefix}_last_batch_timestamp_seconds", "When a batch last became durable", registry=registry
        )

    def recovered(self, partition: Partition, seconds: float) -> None:
        """A partition is ready."""
        self._recovery.labels(partition.number).set(seconds)
        self._levels(partition)

    def batch(self, partition: Partition, records: int, output: Output, seconds: float) -> None:
        """A batch is durable."""
        self._records.labels(partition.number).inc(records)
        self._skipped.inc(output.skipped)
        self._forwards.inc(len(output.forwards))
        self._poison.inc(len(output.poison))
        self._batch_seconds.observe(seconds)
        self._last_batch.set(datetime.now(UTC).timestamp())
        for name, number in Tally(_kind(fact) for fact in output.facts).items():
            self._facts.labels(name).inc(number)
        refused = (fact.body for fact in output.facts if isinstance(fact, Fact))
        for body in refused:
            if isinstance(body, CommandRefused):
                self._refusals.labels(body.reason).inc()
        results = ("repeated" if outcome.repeated else outcome.result.value for outcome in output.outcomes)
        for result, number in Tally(results).items():
            self._outcomes.labels(result).inc(number)
        self._levels(partition)

    def deadlines(self, partition: Partition, record: DeadlinesReached, now: datetime) -> None:
        """A time record was appended; its delay is known only where the wall clock is the clock."""
        earliest = partition.deadlines.next_at()
        if earliest is not None and record.at == now:
            self._delay.observe(max(0.0, now.timestamp() - earliest))

    def dropped(self, partition: Partition) -> None:
        """A partition is another worker's: its levels are no longer this one's to tell."""
        for gauge in self._gauges:
            with contextlib.suppress(KeyError):  # it was taken away before it had any
                gauge.remove(partition.number)

    def _levels(self, partition: Partition) -> None:
        number = partition.number
        self._dossiers.labels(number).set(len(partition))
        self._deadlines.labels(number).set(len(partition.deadlines))
        self._law.labels(number).set(partition.law.version)
        self._law_rejected.labels(number).set(len(partition.law.rejected))
        self._applied.labels(number).set(partition.last_offset)
        self._parked.labels(number).set(partition.parking.standing(partition.last_offset))


def _kind(record: FactRecord) -> str:
    return type(record.body if isinstance(record, Fact) else record).__name__
