"""Whether the door may take another request: limits on what is under way, and doubt about the broker.

Pure bookkeeping; `now` is a monotonic number of seconds given by the caller. A request is admitted
before its body is read and holds a share of the byte budget until it is answered.
"""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds of one process. Bytes cover records not yet acked and bodies being read."""

    records: int = 20_000
    bytes: int = 64 * 1024 * 1024
    ack_silence: float = 5.0
    """Seconds without any ack while records are under way, after which the broker counts as slow."""
    probe_interval: float = 1.0
    """While the broker is in doubt, one request in this many seconds may try it, and only one at a time."""


class Gate:
    """What is under way, and the answer to "may one more come in"."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.records = 0
        self.record_bytes = 0
        self.reserved_bytes = 0
        self.open = False
        self._progress = 0.0
        self.in_doubt = False
        """The last record that was answered for failed."""
        self._probed = 0.0

    def admit(self, size: int, now: float) -> str | None:
        """Reserve `size` bytes for a request: None when it may come in, else the reason why not.

        An admitted request must be given back with :meth:`leave`.
        """
        reason = self._reason(size, now)
        if reason is None:
            self.reserved_bytes += size
            if self.in_doubt:
                self._probed = now
        return reason

    def _reason(self, size: int, now: float) -> str | None:
        if not self.open:
            return "not_ready"
        if self.records >= self.limits.records:
            return "too_many_in_flight"
        if self.record_bytes + self.reserved_bytes + size > self.limits.bytes:
            return "too_much_in_flight"
        if self._silent(now):
            return "broker_slow"
        if self.in_doubt and (self.records or now - self._probed < self.limits.probe_interval):
            return "broker_failing"
        return None

    def why_not(self, now: float) -> str | None:
        """Why no request should be sent here at present; None when they are welcome.

        Unlike :meth:`admit` it is no matter of sizes or of a full buffer, which pass by themselves.
        """
        if not self.open:
            return "not_ready"
        if self._silent(now):
            return "broker_slow"
        return "broker_failing" if self.in_doubt else None

    def _silent(self, now: float) -> bool:
        return self.records > 0 and now - self._progress > self.limits.ack_silence

    def leave(self, size: int) -> None:
        """A request that was admitted with `size` has been answered."""
        self.reserved_bytes -= size

    def has_room(self, size: int) -> bool:
        """Whether a record of `size` bytes may be handed to the broker."""
        return self.records < self.limits.records and self.record_bytes + size <= self.limits.bytes

    def sent(self, size: int, now: float) -> None:
        """A record was handed to the broker."""
        if not self.records:
            self._progress = now
        self.records += 1
        self.record_bytes += size

    def acked(self, size: int, now: float) -> None:
        """The broker has it."""
        self._done(size)
        self._progress = now
        self.in_doubt = False

    def failed(self, size: int, now: float) -> None:
        """The broker gave an error or no answer in time."""
        self._done(size)
        self.in_doubt = True
        self._probed = now

    def _done(self, size: int) -> None:
        self.records -= 1
        self.record_bytes -= size
