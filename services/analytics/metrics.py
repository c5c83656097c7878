"""What Prometheus sees of analytics. Operational numbers only; the exact figures live in the warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from contracts.words import Role
from services.analytics.domain.batch import Batch
from services.analytics.domain.comparison import Findings

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_ROWS = (1, 10, 100, 1_000, 5_000, 10_000, 20_000)


class Metrics:
    """All metrics of one process, in a registry of its own. Implements the sink's Observer port."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._rows = Counter("motcua_analytics_rows_inserted_total", "Facts inserted.", registry=registry)
        self._repeats = Counter(
            "motcua_analytics_repeats_dropped_total", "Facts at or below the watermark.", registry=registry
        )
        self._batch_rows = Histogram(
            "motcua_analytics_batch_rows", "Rows of a batch.", buckets=_ROWS, registry=registry
        )
        self._batch_seconds = Histogram(
            "motcua_analytics_batch_seconds",
            "Seconds to insert a batch.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._event_age = Histogram(
            "motcua_analytics_event_age_seconds",
            "Age of the oldest record of a batch once it is visible.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._retries = Counter(
            "motcua_analytics_retries_total", "Steps tried again.", ["step"], registry=registry
        )
        self._step_seconds = Histogram(
            "motcua_analytics_step_seconds",
            "Seconds of a step of the sink with all its tries; read facts includes waiting for them.",
            ["step"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._dead = Counter(
            "motcua_analytics_dead_letters_total", "Facts that cannot be decoded.", registry=registry
        )
        self._lag = Gauge(
            "motcua_analytics_lag_records", "Facts not yet inserted.", ["partition"], registry=registry
        )
        self.age = Gauge("motcua_analytics_figures_age_seconds", "Age of the figures.", registry=registry)
        self.ready = Gauge("motcua_analytics_ready", "1 when the service is ready.", registry=registry)
        self._of_answers(registry)

    def _of_answers(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "motcua_analytics_http_requests_total",
            "Requests by route, method and status.",
            ["route", "method", "status"],
            registry=registry,
        )
        self._request_seconds = Histogram(
            "motcua_analytics_http_request_seconds",
            "Seconds to answer a request.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._samples = Counter(
            "motcua_analytics_samples_total", "Random samples drawn.", ["role"], registry=registry
        )
        self._prove(registry)

    def _prove(self, registry: CollectorRegistry) -> None:
        self._drift = Gauge(
            "motcua_analytics_roll_up_drift",
            "Cells of roll-ups that were off at the last proof; zero is the only good answer.",
            registry=registry,
        )
        self._gaps = Gauge(
            "motcua_analytics_reconcile_gaps",
            "Places where the log itself lacked a fact's or a register's number at the last proof.",
            registry=registry,
        )
        self._reconciled_facts = Gauge(
            "motcua_analytics_reconcile_facts", "Facts compared by the last proof.", registry=registry
        )
        self._repaired = Counter(
            "motcua_analytics_repaired_differences_total",
            "Differences put right by repairs.",
            registry=registry,
        )
        self._reconciled_at = Gauge(
            "motcua_analytics_reconcile_timestamp_seconds", "When the last proof ended.", registry=registry
        )
        self._reconciled = Gauge(
            "motcua_analytics_reconcile_differences",
            "Differences between log and warehouse at the last proof; zero is the only good answer.",
            ["kind"],
            registry=registry,
        )

    def works(self, lane: int, lanes: int) -> None:
        """This process has `lane` of so many. To be said once."""
        mine, all_of_them = "1 for the lane of this process.", "Lanes there are; each needs a process."
        Gauge("motcua_analytics_lane", mine, ["lane"], registry=self.registry).labels(str(lane)).set(1)
        Gauge("motcua_analytics_lanes", all_of_them, registry=self.registry).set(lanes)

    def inserted(self, batch: Batch, seconds: float, oldest_age: float | None) -> None:
        """A batch stands inserted."""
        self._rows.inc(len(batch.rows))
        self._repeats.inc(batch.repeats)
        self._dead.inc(len(batch.poison))
        self._batch_rows.observe(len(batch.rows))
        self._batch_seconds.observe(seconds)
        if oldest_age is not None:
            self._event_age.observe(oldest_age)

    def retried(self, step: str) -> None:
        """A step has to be tried again."""
        self._retries.labels(step).inc()

    def took(self, step: str, seconds: float) -> None:
        """A step is done."""
        self._step_seconds.labels(step).observe(seconds)

    def lag(self, records: Mapping[int, int]) -> None:
        """Records not yet inserted, by partition."""
        for partition, number in records.items():
            self._lag.labels(str(partition)).set(number)

    def reconciled(self, findings: Iterable[Findings], at: float) -> None:
        """A proof ended at `at` (seconds since 1970)."""
        found = list(findings)
        for kind in ("missing", "duplicated", "mismatched"):
            self._reconciled.labels(kind).set(sum(getattr(one, kind) for one in found))
        self._drift.set(sum(one.drift for one in found))
        self._gaps.set(sum(one.gaps for one in found))
        self._reconciled_facts.set(sum(one.facts for one in found))
        self._reconciled_at.set(at)

    def repaired(self, differences: int) -> None:
        """A repair put so many differences right."""
        self._repaired.inc(differences)

    def sampled(self, role: Role) -> None:
        """Somebody of that role drew a random sample."""
        self._samples.labels(role.value).inc()

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered; `route` is the template, never the path."""
        self._requests.labels(route, method, str(status)).inc()
        self._request_seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """The exposition."""
        return generate_latest(self.registry)
