"""The lock between the sink's batches and whoever must find the tables standing still."""

from __future__ import annotations

import threading
from types import TracebackType


class Gate:
    """A lock whose waiters come in turn.

    A plain one goes to whoever asks first after it is free, and under load that is the sink again: its next
    batch follows the last at once, and a proof or a rebuild would wait for ever.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._lock = threading.Lock()

    def acquire(self, timeout: float = -1) -> bool:
        """Wait for it, `timeout` seconds at most for each of the turn and the lock; whether it is ours."""
        if not self._turn.acquire(timeout=timeout):
            return False
        try:
            return self._lock.acquire(timeout=timeout)
        finally:
            self._turn.release()

    def release(self) -> None:
        """Let the next one have it."""
        self._lock.release()

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
