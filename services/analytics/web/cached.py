"""An answer kept for a moment, so that a thousand open boards ask the warehouse once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from services.analytics.errors import RetryLaterError
from services.analytics.sink.ports import Clock

T = TypeVar("T")


class Cached(Generic[T]):
    """The last value of `ask`, asked again when older than `seconds`. One caller asks, the others wait.

    A failure is not kept, but those who waited for it share it: were each of them to ask for itself, one
    after the other, a warehouse that is slow to fail would hold all threads of the service.
    """

    def __init__(self, ask: Callable[[], T], seconds: float, clock: Clock) -> None:
        self._ask = ask
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: tuple[float, T] | None = None
        self._failed: tuple[float, str] | None = None

    def get(self) -> T:
        """The value. Raises what `ask` raises."""
        came = self._clock.monotonic()
        with self._lock:
            if self._failed is not None and came <= self._failed[0]:
                raise RetryLaterError(self._failed[1])
            now = self._clock.monotonic()
            if self._kept is None or now - self._kept[0] > self._seconds:
                self._kept = (now, self._asked())
            return self._kept[1]

    def _asked(self) -> T:
        try:
            return self._ask()
        except RetryLaterError as error:
            self._failed = (self._clock.monotonic(), str(error))
            raise
