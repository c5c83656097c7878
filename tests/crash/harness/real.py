"""The same question to real processes: killed or frozen at work, the whole log decided again.

One schedule is a burst of commands through the door, and one accident drawn from the seed while they are
decided (tests/crash/harness/accidents.py). Then all that was asked must be answered, and the product's own
proof must find nothing missing, doubled or different. The brokers have the settings of production.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from contracts.words import Clock, Role
from deploy.local.broker import BrokerKind
from motcua.client import Client
from tests.brokers import OwnBroker
from tests.crash.harness.accidents import (
    Accident,
    Scene,
    deadlines,
    freeze,
    kill,
    kill_in_recovery,
    kill_leader,
    rebalance,
)
from tests.crash.harness.burst import Burst, Days
from tests.crash.harness.judging import Logbook
from tests.crash.harness.processes import Processes
from tests.crash.harness.verdict import Verdict

ALWAYS: Final[tuple[Accident, ...]] = (kill, kill, kill_in_recovery, kill_in_recovery, freeze, rebalance)
LOG_CLOCK: Final[tuple[Accident, ...]] = (deadlines, deadlines)
APACHE: Final[tuple[Accident, ...]] = (kill_leader, kill_leader)


def real(seed: int, schedules: int, kind: BrokerKind = BrokerKind.TANSU, size: int = 1) -> Verdict:
    """Half of the schedules under each clock, each half on one broker whose log grows, side by side.

    Side by side because most of the time is waiting: for sessions to end, for members to come.
    """
    shares = {Clock.SYSTEM: (schedules + 1) // 2, Clock.LOG: schedules // 2}
    total = Verdict()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        halves = [_Half(Path(folder, clock), clock, seed, kind, size) for clock, n in shares.items() if n]
        for verdict in pool.map(_Half.run, halves, filter(None, shares.values())):
            total.add(verdict)
    return total


class _Half:
    """A broker and our processes on it, under one clock."""

    def __init__(self, folder: Path, clock: Clock, seed: int, kind: BrokerKind, size: int) -> None:
        self._clock, self._kind = clock, kind
        self._chance = random.Random(f"{seed}/{clock}")
        self._broker = OwnBroker(folder, size, kind)
        self._us = Processes(folder, self._broker.bootstrap, kind, clock.value)

    def run(self, share: int) -> Verdict:
        """So many schedules. What starts a process must live as long as it does: this thread."""
        try:
            self._broker.start()
            self._us.begin()
            scene = Scene(self._broker, self._us, Logbook(self._broker.bootstrap, self._clock), self._chance)
            deck = _deck(self._chance, self._clock, self._kind)
            with self._us.client(Role.IMPORTER) as client:
                return _run(scene, client, Days(self._clock), share, deck)
        except BaseException:
            sys.stderr.write(self._us.last_words())
            raise
        finally:
            self._us.end()
            self._broker.kill()


def _deck(chance: random.Random, clock: Clock, kind: BrokerKind) -> Iterator[Accident]:
    """Accidents without end: shuffled anew each time all of them have happened."""
    cards = [*ALWAYS]
    if clock is Clock.LOG:
        cards += LOG_CLOCK
    if kind is BrokerKind.APACHE:
        cards += APACHE
    while True:
        chance.shuffle(cards)
        yield from cards


def _run(scene: Scene, client: Client, days: Days, share: int, deck: Iterator[Accident]) -> Verdict:
    total = Verdict()
    for number in range(share):
        begun = time.monotonic()
        what = _schedule(scene, Burst(client, days, f"{number}"), next(deck))
        verdict = scene.book.judge()
        _tell(f"{days.clock} {number}: {what}", begun, verdict)
        total.add(verdict)
        if verdict:  # what is wrong stays wrong: told once
            return total
    begun, afresh = time.monotonic(), scene.book.judge_afresh()
    _tell(f"{days.clock}: all of it read once more", begun, afresh)
    total.add(afresh)
    return total


def _schedule(scene: Scene, burst: Burst, accident: Accident) -> str:
    """One schedule, until everything in the log is committed; deciding it may append to it."""
    us, book = scene.us, scene.book
    us.again.clear()
    if accident is freeze:
        us.workers[1].start()
        us.wait(lambda: us.workers[1].has and us.workers[0].has, "two workers to share")
    burst.start()
    what = accident(scene, burst)
    burst.finish()
    us.wait_ready(us.door)
    us.wait_all(scene.worker)
    count = -1
    while count != (count := book.records):
        us.wait(book.all_decided, "the log to be worked off", every=0.2)
    return f"{what}; started again: {', '.join(us.again)}" if us.again else what


def _tell(what: str, begun: float, verdict: Verdict) -> None:
    seconds = time.monotonic() - begun
    sys.stderr.write(f"{what} ({seconds:.1f} s): {'WRONG' if verdict else 'clean'}\n")
    sys.stderr.writelines(f"  {line}\n" for line in verdict.said[:10])
