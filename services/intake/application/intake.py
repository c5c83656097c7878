"""One intake process, put together around a broker: what reads, what judges at the door, what waits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct

from contracts.access import Client
from contracts.codec import UndecodableError, decode_outcome
from contracts.topics import LAW, OUTCOMES, SERIALS
from contracts.words import Clock
from services.intake.application.bulk import Bulk, LineResult
from services.intake.application.door import Door
from services.intake.application.law import LawDesk
from services.intake.application.metrics import Metrics
from services.intake.application.serials import SerialDesk
from services.intake.application.signatures import SignatureDesk
from services.intake.application.waiting import Waiters
from services.intake.domain.admission import Gate
from services.intake.domain.inventory import inventory, seal_valid
from services.intake.domain.times import local_day
from services.intake.ports import Broker, Fatal, Record, Signatures, Unavailable, report_to

_log = logging.getLogger(__name__)


class Terms(Struct, frozen=True, kw_only=True):
    """How one process runs. Seconds are seconds of waiting, never of law."""

    clock: Clock
    province_key: bytes
    claimant: str
    analytics_url: str
    patience: float = 11.0
    """Longest wait for an ack: a little more than the producer's own limit, so that it mostly knows."""
    forward_interval: float = 10.0
    probe_interval: float = 1.0
    """While the broker is in doubt, how often it is tried."""


class Intake:
    """The use cases of one process. `now` gives the wall clock, aware."""

    def __init__(
        self,
        broker: Broker,
        gate: Gate,
        metrics: Metrics,
        terms: Terms,
        now: Callable[[], datetime],
        signatures: Signatures | None = None,
    ) -> None:
        self.terms = terms
        self.now = now
        self.gate = gate
        self.metrics = metrics
        self.law = LawDesk(broker, metrics, now, patience=terms.patience)
        self.waiters = Waiters(metrics)
        self.door = Door(
            broker,
            self.law,
            SerialDesk(broker, terms.claimant, metrics, patience=terms.patience),
            self.waiters,
            clock=terms.clock,
            now=now,
            province_key=terms.province_key,
            patience=terms.patience,
        )
        self.signatures = SignatureDesk(signatures, terms.province_key, now)
        self._broker = broker
        self._keepers: list[asyncio.Task[None]] = []
        self._law_read = False
        metrics.ready.set_function(lambda: float(self.why_not_ready() is None))

    async def start(self, fatal: Fatal) -> None:
        """Open the broker, take in law and claims, forward what was left behind, then open the gate.

        Returns when requests are taken; until then every request is told to come back. `fatal` hears of
        what makes going on impossible.
        """
        await self._broker.open(self._deliver_or(fatal), fatal)
        self._law_read = True
        try:
            await self.law.forward()
        except Unavailable as error:
            _log.warning("law left unforwarded at start: %s", error.reason)
        for work in (self.law.keep_forwarded(self.terms.forward_interval), self._keep_probing()):
            keeper = asyncio.create_task(work)
            keeper.add_done_callback(report_to(fatal))
            self._keepers.append(keeper)
        self.gate.open = True
        _log.info("taking requests, law version %d", self.law.book.forwarded)

    def why_not_ready(self) -> str | None:
        """Why requests would be told to come back; None when they are taken.

        Before there is any law nothing harmless can be written to try the broker, so doubt about it must
        not keep requests away: they are the only ones who can remove it.
        """
        why = self.gate.why_not(time.monotonic())
        return None if why == "broker_failing" and not self.law.book.forwarded else why

    async def check_law_read(self) -> None:
        """Raises Unavailable until the law is read: before that it seems that nothing is in force."""
        if not self._law_read:
            raise Unavailable("not_ready")

    def measure_register(self) -> None:
        """Set the gauges of certificates and seals: time alone changes them."""
        now, law = self.now(), self.law.book.in_force
        self.metrics.set_register(
            inventory(law.certificates.values(), now),
            sum(seal_valid(seal, local_day(now)) for seal in law.seals.values()),
        )

    def take_many(self, client: Client, lines: Sequence[bytes]) -> asyncio.Future[list[LineResult]]:
        """A bulk request under way."""
        return asyncio.ensure_future(Bulk(self.door, client, patience=self.terms.patience).take(lines))

    def stop_waiting(self) -> None:
        """Take nothing more, and let those go who wait for an outcome."""
        self.gate.open = False
        self.waiters.close()

    async def close(self, grace: float) -> None:
        """Wait for what is under way, up to `grace` seconds, and let go of the broker."""
        self.stop_waiting()
        for keeper in self._keepers:
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper
        await self._broker.close(grace)

    async def _keep_probing(self) -> None:
        """For ever: while the broker is in doubt, try it, so that no request has to."""
        while True:
            await asyncio.sleep(self.terms.probe_interval)
            if self.gate.in_doubt and not self.gate.records:
                try:
                    await self.law.say_again()
                except Unavailable as error:
                    _log.info("the broker is still in doubt: %s", error.reason)

    def _deliver_or(self, fatal: Fatal) -> Callable[[Sequence[Record]], None]:
        def deliver(records: Sequence[Record]) -> None:
            try:
                for record in records:
                    self._read(record)
            except Exception as error:
                # A reader that skipped what it could not take in would disagree with the other replicas.
                fatal(error)

        return deliver

    def _read(self, record: Record) -> None:
        if record.topic == OUTCOMES:
            if not self.waiters:
                return
            try:
                self.waiters.resolve(decode_outcome(record.value))
            except UndecodableError:
                # Whoever waits is told to ask again elsewhere; the command stands.
                self.metrics.undecodable.labels(OUTCOMES).inc()
        elif record.topic == LAW:
            self.law.read(record)
        elif record.topic == SERIALS:
            self.door.serials.read(record)
