"""The right to write: the group's coordinator has heard of this worker less than a session ago.

A worker that was stopped for longer (a frozen machine, a long pause) has a successor by now. It must not
write what it decided before; what it might write all the same, in the instant between the look at the
clock and the network, loses at recovery against the higher applied offset and at the readers against
their watermark.
"""

from __future__ import annotations

from collections.abc import Callable


class LeaseExpiredError(Exception):
    """Too long without a heartbeat: exit without writing; the partitions have another owner."""


class Lease:
    """`seconds` is the group's session time-out, `now` a monotonic clock that runs on while stopped."""

    def __init__(self, seconds: float, now: Callable[[], float]) -> None:
        self._seconds = seconds
        self._now = now
        self._renewed = now()

    def renew(self, at: float | None = None) -> None:
        """The coordinator answered a heartbeat sent at `at` (now, when left out)."""
        self._renewed = max(self._renewed, self._now() if at is None else at)

    def check(self, grace: float = 0.0) -> None:
        """Raises LeaseExpiredError when a successor may have taken over, more than `grace` seconds ago."""
        silent = self._now() - self._renewed
        if silent > self._seconds + grace:
            raise LeaseExpiredError(
                f"no heartbeat for {silent:.1f} s, a session lasts {self._seconds:g} s: another worker "
                f"may own the partitions; ending without writing"
            )
