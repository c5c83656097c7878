"""Every metric of intake, one list. Labels are closed sets; nothing about dossiers or persons."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.intake.domain.inventory import Inventory, State

_SECONDS: Final = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one process in a registry of its own."""

    def __init__(self) -> None:
        self.registry: Final = CollectorRegistry()
        r = self.registry
        n = "motcua_intake_"
        self.requests = Counter(
            n + "requests_total", "Requests answered.", ["method", "route", "status"], registry=r
        )
        self.request_seconds = Histogram(
            n + "request_seconds", "From the request to its answer.", ["route"], registry=r, buckets=_SECONDS
        )
        self.in_flight_records = Gauge(n + "in_flight_records", "Records not yet acked.", registry=r)
        self.in_flight_bytes = Gauge(n + "in_flight_bytes", "Bytes of records not yet acked.", registry=r)
        self.reserved_bytes = Gauge(n + "reserved_bytes", "Bytes set aside for requests.", registry=r)
        self.ack_seconds = Histogram(
            n + "ack_seconds",
            "From handing a record over to its ack; the slowest of each batch of acks.",
            registry=r,
            buckets=_SECONDS,
        )
        self.published = Counter(n + "published_total", "Records acked.", ["topic"], registry=r)
        self.produce_errors = Counter(
            n + "produce_errors_total", "Records not acked.", ["topic", "reason"], registry=r
        )
        self.unresolved = Counter(
            n + "unresolved_total",
            "Records given up because the client library never said what became of them.",
            ["topic"],
            registry=r,
        )
        self.producers = Counter(
            n + "producers_total", "Producers made; beyond the first, one had to be replaced.", registry=r
        )
        self.refusals = Counter(
            n + "refusals_total", "Requests and lines refused, by reason.", ["reason"], registry=r
        )
        self.turned_away = Counter(
            n + "turned_away_total", "Requests and lines answered 503, by reason.", ["reason"], registry=r
        )
        self.serial_blocks = Counter(
            n + "serial_blocks_total", "Serial blocks this process claimed.", ["result"], registry=r
        )
        self.serials_scarce = Counter(
            n + "serials_scarce_total", "Blocks claimed beyond number 9 000 of a day.", registry=r
        )
        self.outcomes = Counter(
            n + "outcomes_total", "Waits for an outcome, by how they ended.", ["result"], registry=r
        )
        self.undecodable = Counter(
            n + "undecodable_total", "Records read that are no message of their topic.", ["topic"], registry=r
        )
        self.ready = Gauge(n + "ready", "1 when requests are taken.", registry=r)
        self._law(r, n)

    def _law(self, r: CollectorRegistry, n: str) -> None:
        self.law_version = Gauge(n + "law_version", "Version of the law in force here.", registry=r)
        self.law_unforwarded = Gauge(
            n + "law_unforwarded", "Versions enacted and not in force here yet.", registry=r
        )
        self.law_void = Counter(
            n + "law_void_total",
            "Changes of the law read that mean nothing, an earlier one stands.",
            registry=r,
        )
        self.certificates = Gauge(
            n + "certificates", "Certificates of the register.", ["kind", "state"], registry=r
        )
        self.certificates_expiring = Gauge(
            n + "certificates_expiring",
            "Valid certificates that end within so many days.",
            ["days"],
            registry=r,
        )
        self.seals_valid = Gauge(n + "seals_valid", "Seals that may be used today.", registry=r)

    def set_register(self, register: Inventory, seals: int) -> None:
        """The register of certificates as it is now, and how many seals are valid."""
        for kind, counts in register.kinds.items():
            for state in State:
                self.certificates.labels(kind, state).set(getattr(counts, state))
        for days, count in register.total.expiring.items():
            self.certificates_expiring.labels(str(days)).set(count)
        self.seals_valid.set(seals)
