"""Trying a step again for as long as it takes: the same step, never another one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final, TypeVar

from services.analytics.errors import RetryLaterError, StopRequestedError
from services.analytics.sink.ports import Clock, Observer
from services.analytics.sink.status import Status

T = TypeVar("T")

_FIRST: Final = 0.1
_LONGEST: Final = 5.0
_log = logging.getLogger(__name__)


class Retry:
    """Runs steps until they succeed, are refused, or the process is asked to stop."""

    def __init__(self, stop: threading.Event, clock: Clock, status: Status, observer: Observer) -> None:
        self._stop = stop
        self._clock = clock
        self._status = status
        self._observer = observer

    def __call__(self, step: str, action: Callable[[], T]) -> T:
        """The result of `action`. Raises StopRequestedError between two tries."""
        pause, begun = _FIRST, self._clock.monotonic()
        while True:
            try:
                result = action()
            except RetryLaterError as error:
                _log.warning("%s: %s; again in %.1f s", step, error, pause)
                self._observer.retried(step)
                self._status.beat(self._clock.monotonic(), f"{step}: {error}")
                if self._stop.wait(pause):
                    raise StopRequestedError(step) from error
                pause = min(pause * 2, _LONGEST)
            else:
                now = self._clock.monotonic()
                self._status.beat(now)
                self._observer.took(step, now - begun)
                return result
