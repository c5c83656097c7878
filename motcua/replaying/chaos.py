"""Killing each process once, at moments drawn from a seed.

A moment is a share of the history sent plus a short delay, so that it falls inside a request rather than
between two; a share above 1 falls into the time when everything is sent but not yet counted.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from typing import Final, Protocol

from deploy.local.errors import StackError
from motcua.failure import Failure
from motcua.simulation.dice import Dice

VICTIMS: Final = ("intake", "workflow", "analytics", "warehouse")
LATEST_SHARE: Final = 1.1
LONGEST_DELAY_MS: Final = 500
GIVE_UP: Final = 60.0


class Killable(Protocol):
    """A stack whose processes can be killed by name."""

    def kill(self, name: str) -> int:
        """SIGKILL; the pid. Raises StackError while it is down already."""
        ...


@dataclass(frozen=True, order=True)
class Strike:
    """Kill `victim` `delay` seconds after `share` of the history is sent."""

    share: float
    delay: float
    victim: str


def plan(seed: int) -> list[Strike]:
    """One strike a process, in order of time."""
    dice = Dice(f"chaos/{seed}")
    return sorted(
        Strike(
            dice.below(int(LATEST_SHARE * 1000)) / 1000,
            dice.between(0, LONGEST_DELAY_MS) / 1000,
            victim,
        )
        for victim in VICTIMS
    )


class Chaos:
    """Carries the plan out. `reach` as sending goes on, `finish` when everything is sent and counted."""

    def __init__(self, seed: int, stack: Killable) -> None:
        self._stack: Final = stack
        self._ahead: Final = plan(seed)
        self._running: Final[list[threading.Thread]] = []
        self._failed: Final[list[str]] = []

    def reach(self, share: float) -> None:
        """Start every strike whose share lies at or before `share` (1 and more: all sent)."""
        while self._ahead and (self._ahead[0].share <= share or share >= 1):
            strike = self._ahead.pop(0)
            thread = threading.Thread(target=self._strike, args=(strike,), name=f"kill-{strike.victim}")
            self._running.append(thread)
            thread.start()

    def finish(self) -> None:
        """Wait for the strikes under way. Raises Failure for one that could not be carried out."""
        for thread in self._running:
            thread.join()
        if self._failed:
            raise Failure("; ".join(self._failed))

    def _strike(self, strike: Strike) -> None:
        time.sleep(strike.delay)
        until = time.monotonic() + GIVE_UP
        while True:
            try:
                pid = self._stack.kill(strike.victim)
            except StackError as error:
                if time.monotonic() > until:
                    self._failed.append(f"chaos could not kill {strike.victim}: {error}")
                    return
                time.sleep(0.1)  # it is being restarted: wait for the next life
            else:
                sys.stderr.write(f"chaos: killed {strike.victim} ({pid}), planned at {strike.share:.1%}\n")
                return
