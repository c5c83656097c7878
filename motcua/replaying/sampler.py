"""Watching the memory of a stack from aside."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final

from deploy.local.errors import StackError

INTERVAL: Final = 0.5


class Sampler:
    """The largest value seen while the block runs, read every half second by a thread."""

    def __init__(self, read: Callable[[], int]) -> None:
        self._read: Final = read
        self._over: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._watch, name="sampler", daemon=True)
        self.peak = 0

    def __enter__(self) -> Sampler:
        self._sample()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._sample()

    def _watch(self) -> None:
        while not self._over.wait(INTERVAL):
            self._sample()

    def _sample(self) -> None:
        try:
            self.peak = max(self.peak, self._read())
        except StackError:
            return  # the stack has gone; whoever runs it will say so
