"""Whose turn it is to have a full list of reached deadlines on its way through the log.

A worker with many partitions meets a herd (all due in the same second) in each of them. Were each to append
its lists as fast as it can, an ordinary command would wait for a list of every partition; so few of them are
unapplied at once, in the whole process, and the partitions take turns.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

Wake = Callable[[], None]


class Turns:
    """`limit` turns. A partition is known by the function that wakes it; it has one turn at the most."""

    def __init__(self, limit: int) -> None:
        self._limit: Final = limit
        self._taken: Final[set[Wake]] = set()
        self._waiting: Final[deque[Wake]] = deque()

    def take(self, wake: Wake) -> bool:
        """Whether it is the partition's turn now; when not, `wake` is called as soon as it may be."""
        if wake not in self._waiting:
            self._waiting.append(wake)
        if len(self._taken) >= self._limit or self._waiting[0] != wake:
            return False
        self._waiting.popleft()
        self._taken.add(wake)
        return True

    def awaited_by(self, wake: Wake) -> bool:
        """Whether the partition waits for a turn, and will be woken for it."""
        return wake in self._waiting

    def leave(self, wake: Wake) -> None:
        """Give the turn back, or wait for none any more; harmless without either."""
        if wake in self._taken:
            self._taken.remove(wake)
        elif wake in self._waiting:
            self._waiting.remove(wake)
        else:
            return
        if self._waiting and len(self._taken) < self._limit:
            self._waiting[0]()
