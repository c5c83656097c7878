"""The law beside the figures: a thread that reads ``law.v1`` from its beginning and stays with it.

Names and calendars decide nothing here. So trouble is told in the log, tried again, and never stops the
service or makes it unready; until a name has come, the code stands alone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from contracts.codec import UndecodableError, decode_law
from services.analytics.domain.lawbook import LawBook
from services.analytics.errors import AnalyticsError

_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0

_log = logging.getLogger(__name__)


class LawLog(Protocol):
    """``law.v1`` from its beginning."""

    def poll(self) -> Sequence[bytes | None]:
        """The values of the next records, in order; empty when none came for a moment."""
        ...

    def close(self) -> None:
        """Done."""
        ...


class Naming:
    """Keeps `book` current. `open_log` connects; it and the log may raise any AnalyticsError."""

    def __init__(self, open_log: Callable[[], LawLog], pause: float = _PAUSE) -> None:
        self.book = LawBook()
        self._open_log = open_log
        self._first_pause = self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="law", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Ask it to stop and wait."""
        self._stop.set()
        self._thread.join(seconds)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                self._follow()
            except AnalyticsError as error:
                _log.warning("the law is not kept current, trying again: %s", error)
                self._stop.wait(self._pause)
                self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def _follow(self) -> None:
        log = self._open_log()
        try:
            while not self._stop.is_set():
                for value in log.poll():
                    self._read(value)
                self._pause = self._first_pause
        finally:
            log.close()

    def _read(self, value: bytes | None) -> None:
        try:
            self.book.apply(decode_law(value))
        except UndecodableError:
            # Its writer and the workflow judge the law; what it tells is not worth stopping the figures for.
            _log.warning("an entry of the law cannot be decoded; what it says is not shown")
