"""The wall clock and the stopwatch of the process."""

from __future__ import annotations

import time


class SystemClock:
    """Implements `services.analytics.sink.ports.Clock`."""

    def now(self) -> float:
        """Seconds since 1970 UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of a stopwatch that never goes back."""
        return time.monotonic()
