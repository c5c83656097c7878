"""What happens to real processes in a schedule, each drawn from the seed; each returns what it did, in words.

A kill is SIGKILL, so nothing is flushed, no group is left, no handler runs.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.codec import decode_fact
from contracts.facts import ClockMoved
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, FACTS
from tests.brokers import OwnBroker
from tests.copies import leaders, wait_for_copies
from tests.crash.harness.burst import HERD, PLACES, Burst, Herd
from tests.crash.harness.judging import PARTITIONS, Logbook
from tests.crash.harness.processes import PATIENCE, Process, Processes, pause

EXPIRED: Final = 70
"""The exit code of a worker that finds its session over."""


@dataclass
class Scene:
    """Everybody an accident can meet."""

    broker: OwnBroker
    us: Processes
    book: Logbook
    chance: random.Random

    @property
    def worker(self) -> Process:
        """The worker that has everything between two schedules."""
        return self.us.workers[0]

    def moment(self, burst: Burst) -> str:
        """Wait for a moment in the middle of the burst; in words."""
        steps = self.chance.randrange(PLACES)
        more = self.chance.random() * 0.08
        burst.wait_for(steps)
        pause(more)
        return f"after step {steps} and {more * 1000:.0f} ms"


Accident = Callable[[Scene, Burst], str]


def kill(scene: Scene, burst: Burst) -> str:
    """The worker, at work."""
    when = scene.moment(burst)
    scene.worker.kill()
    scene.worker.start()
    return f"killed {when}"


def kill_in_recovery(scene: Scene, burst: Burst) -> str:
    """The worker, at work; and the one started after it, before it is ready."""
    when = scene.moment(burst)
    scene.worker.kill()
    scene.worker.start()
    seen = scene.chance.choice(("assigned", "recovering"))
    body: dict[str, object] = {}
    until = time.monotonic() + PATIENCE
    while not (body.get(seen) or body.get("ready")):
        assert time.monotonic() < until, f"{scene.worker.name} does not come back"
        body = scene.worker.readiness()
        pause(0.002)
    pause(scene.chance.random() * 0.05)
    scene.worker.kill()
    scene.worker.start()
    stage = "when just ready" if body.get("ready") else f"while it recovered {body.get('recovering')}"
    return f"killed {when}, and again {stage}"


def freeze(scene: Scene, burst: Burst) -> str:
    """The first of two workers, for longer than its session; the other one takes over and stays."""
    first, second = scene.us.workers
    when = scene.moment(burst)
    first.send(signal.SIGSTOP)
    first.wanted = False  # it will end, and not be needed
    try:
        scene.us.wait_all(second)
    finally:
        first.send(signal.SIGCONT)
    code = first.ended(PATIENCE)
    assert code == EXPIRED, f"the frozen worker ended with {code}"
    scene.us.workers.reverse()
    return f"frozen {when}, thawed when the other had everything"


def rebalance(scene: Scene, burst: Burst) -> str:
    """A second worker joins in the middle; one of them leaves, or is killed, perhaps while it joins.

    A burst is over before a process has started, so the rest of it waits for the second one to come up.
    """
    first, second = scene.us.workers
    steps = scene.chance.randrange(PLACES)
    burst.hold(steps)
    second.start()
    scene.us.wait(second.readiness, f"{second.name} to answer", every=0.005)
    burst.go_on()
    whole = scene.chance.random() < 0.7
    if whole:
        scene.us.wait(lambda: second.has, f"{second.name} to have its share", every=0.005)
    pause(scene.chance.random() * 0.3)
    gone, stays = (first, second) if whole and scene.chance.random() < 0.5 else (second, first)
    orderly = scene.chance.random() < 0.5
    (gone.stop if orderly else gone.kill)()
    scene.us.wait_all(stays)
    if gone is first:
        scene.us.workers.reverse()
    who, how = "first" if gone is first else "second", "left" if orderly else "was killed"
    stage = "when both had a share" if whole else "while joining"
    return f"a second worker joined during step {steps}; the {who} {how} {stage}"


def deadlines(scene: Scene, burst: Burst) -> str:
    """The worker, while the deadlines of many dossiers fire at once."""
    burst.finish()
    herd = Herd(burst)
    herd.gather()
    scene.us.wait(scene.book.all_decided, "the dossiers to be accepted")
    before = scene.book.count(FACTS)
    to = _killed_at(scene, herd, scene.chance.randrange(1, HERD // 2))
    scene.book.read_on()
    told = scene.book.count(FACTS) - before
    scene.worker.start()
    scene.us.wait(lambda: _announced(scene.book, to), "the log's time to be announced")
    scene.book.read_on()
    return f"killed when {told} of {scene.book.count(FACTS) - before} facts of due dates were told"


def _killed_at(scene: Scene, herd: Herd, told: int) -> datetime:
    """Kill the worker once `told` facts of the herd's due dates can be read."""
    with scene.book.following(FACTS) as new_ones:
        to = herd.come_due()
        until = time.monotonic() + PATIENCE
        while (told := told - new_ones()) > 0:
            assert time.monotonic() < until, "no deadline fires"
        scene.worker.kill()
    return to


def _announced(book: Logbook, to: datetime) -> bool:
    """Whether every partition says that nothing before `to` is left to fire."""
    book.read_on()
    last = [[decode_fact(row.value) for row in book.rows(FACTS, number)[-3:]] for number in PARTITIONS]
    moved = [any(isinstance(fact, ClockMoved) and fact.to >= to for fact in rows) for rows in last]
    return all(moved) and len(moved) == DOSSIER_PARTITIONS


def kill_leader(scene: Scene, burst: Burst) -> str:
    """The broker that leads a partition of the commands; it is started again when the burst is over."""
    led = leaders(scene.broker, COMMANDS)
    number = scene.chance.randrange(len(led))
    when = scene.moment(burst)
    scene.broker.kill(led[number])
    if len(scene.broker.names) == 1:
        pause(scene.chance.random())
    else:
        scene.us.wait(lambda: burst.over, "the burst to be taken by the others")
        scene.us.wait(scene.book.all_decided, "the others to decide it")
    scene.broker.start(led[number], topics=False)
    wait_for_copies(scene.broker, PATIENCE)
    return f"{led[number]}, which led partition {number}, killed {when}"
