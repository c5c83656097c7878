"""An answer kept for a moment, so that a thousand open boards ask the warehouse once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from services.analytics.sink.ports import Clock

T = TypeVar("T")


class Cached(Generic[T]):
    """The last value of `ask`, asked again when older than `seconds`. One caller asks, the others wait."""

    def __init__(self, ask: Callable[[], T], seconds: float, clock: Clock) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None

    def get(self) -> T:
        """The value. Raises what `ask` raises; a failure is not kept."""
        with self._lock:
            now = self._clock.monotonic()
            if self._kept is None or now - self._kept[0] > self._seconds:
                self._kept = (now, self._ask())
            return self._kept[1]
