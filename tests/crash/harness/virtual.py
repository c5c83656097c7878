"""An event loop whose clock jumps to the next timer instead of waiting for it. Deterministic."""

from __future__ import annotations

import asyncio
import selectors


class StuckError(Exception):
    """Nobody has anything left to do, and yet somebody waits."""


class _Instant(selectors.SelectSelector):
    """Nothing ever arrives from outside; time passes by being asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let `timeout` seconds pass at once."""
        if timeout is None:
            raise StuckError("every task waits for another one")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Starts at second 0."""

    def __init__(self) -> None:
        self._instant = _Instant()
        super().__init__(self._instant)

    def time(self) -> float:
        """Seconds since the start."""
        return self._instant.now

    def skip(self, seconds: float) -> None:
        """Let time pass without anybody having had a turn."""
        self._instant.now += seconds
