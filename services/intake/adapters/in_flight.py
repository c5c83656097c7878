"""Records handed to the client library and not yet answered for, each answered for exactly once.

The library's threads report what became of a record; the event loop hears of it in batches. A record the
library forgets is given up by :meth:`InFlight.give_up`, because its budget and its sender cannot wait for
ever; whatever the library says about it later is too late and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque

from services.intake.application.metrics import Metrics
from services.intake.domain.admission import Gate
from services.intake.ports import Ack, Unavailable

_log = logging.getLogger(__name__)


class Pending:
    """A record under way. `sent_at` is monotonic."""

    __slots__ = ("future", "sent_at", "size", "topic")

    def __init__(self, future: asyncio.Future[Ack], topic: str, size: int, sent_at: float) -> None:
        self.future = future
        self.topic = topic
        self.size = size
        self.sent_at = sent_at


class InFlight:
    """Everything under way, its share of the gate's budget, and how long nothing was acked.

    All but :meth:`settle` is for the event loop's thread.
    """

    def __init__(self, gate: Gate, metrics: Metrics) -> None:
        self._gate = gate
        self._metrics = metrics
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: dict[Pending, None] = {}  # in the order of sending
        self._settled: deque[tuple[Pending, Ack | BaseException]] = deque()
        self._armed = False
        self._idle = asyncio.Event()
        self._unacked_since: float | None = None
        metrics.in_flight_records.set_function(lambda: gate.records)
        metrics.in_flight_bytes.set_function(lambda: gate.record_bytes)

    def add(self, topic: str, size: int, now: float) -> Pending:
        """A record was handed to the library."""
        self._loop = asyncio.get_running_loop()
        future: asyncio.Future[Ack] = self._loop.create_future()
        # A caller that gave up is not there to collect an error; that is no error of its own.
        future.add_done_callback(_collect)
        pending = Pending(future, topic, size, now)
        self._under_way[pending] = None
        if self._unacked_since is None:
            self._unacked_since = now
        self._gate.sent(size, now)
        self._idle.clear()
        return pending

    def settle(self, pending: Pending, result: Ack | BaseException) -> None:
        """The library says what became of a record. From any thread."""
        self._settled.append((pending, result))
        if not self._armed and self._loop is not None:
            self._armed = True
            try:
                self._loop.call_soon_threadsafe(self._drain)
            except RuntimeError:  # the loop is closed: nobody is left to hear it
                _log.warning("an ack came after the end")

    def give_up(self, before: float) -> int:
        """Answer "unknown" for all that was sent at or before `before`; how many that were."""
        now = time.monotonic()
        lost = [pending for pending in self._under_way if pending.sent_at <= before]
        for pending in lost:
            self._metrics.unresolved.labels(pending.topic).inc()
            self._finish(pending, Unavailable("not_acked"), now)
        return len(lost)

    def silence(self, now: float) -> float:
        """Seconds since the first record after the last ack; 0 when nothing was sent since."""
        return 0.0 if self._unacked_since is None else now - self._unacked_since

    def start_anew(self) -> None:
        """Another producer takes over: its silence has not begun."""
        self._unacked_since = None

    async def until_idle(self) -> None:
        """Nothing is under way."""
        while self._under_way:
            await self._idle.wait()

    def __len__(self) -> int:
        return len(self._under_way)

    def _drain(self) -> None:
        self._armed = False
        now = time.monotonic()
        slowest = None
        while self._settled:
            pending, result = self._settled.popleft()
            if pending not in self._under_way:
                continue
            if isinstance(result, Ack):
                self._unacked_since = None
                self._metrics.published.labels(pending.topic).inc()
                slowest = max(slowest or 0.0, now - pending.sent_at)
            else:
                self._metrics.produce_errors.labels(pending.topic, type(result).__name__).inc()
            self._finish(pending, result, now)
        if slowest is not None:
            self._metrics.ack_seconds.observe(slowest)

    def _finish(self, pending: Pending, result: Ack | BaseException, now: float) -> None:
        del self._under_way[pending]
        if isinstance(result, Ack):
            self._gate.acked(pending.size, now)
        else:
            self._gate.failed(pending.size, now)
        if not pending.future.done():
            if isinstance(result, Ack):
                pending.future.set_result(result)
            else:
                pending.future.set_exception(Unavailable("not_acked"))
        if not self._under_way:
            self._idle.set()


def _collect(future: asyncio.Future[Ack]) -> None:
    if not future.cancelled():
        future.exception()
