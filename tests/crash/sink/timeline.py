"""Virtual time for code that blocks: threads of which one runs at a time, and waiting costs nothing.

A task runs until it sleeps; then whatever is due first goes on. Who runs when depends on nothing but what was
asked, so a schedule repeats to the last step.
"""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable


class DiedError(BaseException):
    """The process is gone at once; nothing may catch it."""


class Timeline:
    """Seconds since the start, and what is due when."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do it then; what is due at the same time is done in the order of asking."""
        self._count += 1
        heapq.heappush(self._due, (max(when, self.now), self._count, action))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do it in so many seconds."""
        self.at(self.now + seconds, action)

    @property
    def next(self) -> float:
        """When something is due next; infinite when nothing is."""
        return self._due[0][0] if self._due else float("inf")

    def run(self, done: Callable[[], bool], limit: float) -> bool:
        """Go on until `done`; False when time passed `limit` or nothing was left to do before that."""
        while not done():
            if not self._due or self._due[0][0] > limit:
                return False
            when, _, action = heapq.heappop(self._due)
            self.now = max(self.now, when)
            action()
        return True


class Task:
    """A thread that runs only when it is its turn. `freeze` is SIGSTOP and SIGCONT, `kill` is SIGKILL."""

    def __init__(self, timeline: Timeline, work: Callable[[], None]) -> None:
        self.ended = False
        self._timeline, self._work = timeline, work
        self._turn, self._back = threading.Lock(), threading.Lock()
        self._turn.acquire()
        self._back.acquire()
        self._doomed = False
        self._asleep = 0
        self._thawed = 0.0
        self._thread = threading.Thread(target=self._live, daemon=True)

    @property
    def frozen(self) -> bool:
        """Whether it is stopped just now."""
        return self._timeline.now < self._thawed

    def start(self) -> None:
        """Run it until it first sleeps."""
        self._thread.start()
        self._resume()

    def sleep(self, seconds: float) -> None:
        """From within: let time pass."""
        until = self._timeline.now + seconds
        if self._timeline.next > until and self._thawed <= until:
            self._timeline.now = until
            return
        self.wait(seconds)

    def wait(self, seconds: float) -> None:
        """From within: let time pass, or be roused before."""
        until = self._timeline.now + seconds
        self._asleep += 1
        self._wake_at(max(until, self._thawed))
        self._back.release()
        self._turn.acquire()
        if self._doomed:
            raise DiedError

    def rouse(self) -> None:
        """From outside: what it waits for has come. It must wait."""
        self._wake_at(self._timeline.now)

    def freeze(self, seconds: float) -> None:
        """It does nothing for so long, whatever it is in the middle of."""
        self._thawed = max(self._thawed, self._timeline.now + seconds)

    def kill(self) -> None:
        """From outside: it is gone where it stands."""
        if not self.ended:
            self._doomed = True
            self._asleep += 1
            self._resume()

    def _wake_at(self, when: float) -> None:
        number = self._asleep

        def wake() -> None:
            if number != self._asleep or self.ended:
                return
            if self._timeline.now < self._thawed:
                self._timeline.at(self._thawed, wake)
            else:
                self._resume()

        self._timeline.at(when, wake)

    def _live(self) -> None:
        self._turn.acquire()
        try:
            self._work()
        finally:
            self.ended = True
            self._back.release()

    def _resume(self) -> None:
        self._turn.release()
        self._back.acquire()
        if self.ended:
            self._thread.join()


class VirtualStop(threading.Event):
    """A request to stop whose waiting takes virtual time."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        super().__init__()
        self._sleep = sleep

    def wait(self, timeout: float | None = None) -> bool:
        """Whether it is asked for, after so many seconds or before."""
        assert timeout is not None, "nobody waits without end"
        if not self.is_set():
            self._sleep(timeout)
        return self.is_set()


class VirtualClock:
    """Implements `services.analytics.sink.ports.Clock`."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def now(self) -> float:
        """Seconds since 1970 UTC."""
        return 1_600_000_000.0 + self._timeline.now

    def monotonic(self) -> float:
        """Seconds of a stopwatch; it goes on while a process is frozen."""
        return self._timeline.now
