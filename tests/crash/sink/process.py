"""One process of the sink: the real loop over the model's ports, and what befalls it."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.analytics.domain.batch import Batch
from services.analytics.domain.cut import CutPolicy
from services.analytics.errors import FencedError, RefusedError, StopRequestedError
from services.analytics.sink.loop import LaneSettings, Ports, Sink
from services.analytics.sink.retry import Retry
from services.analytics.sink.status import Status
from tests.crash.sink.broker import Broker, Link, ModelFacts, ModelIntents, ModelLetters
from tests.crash.sink.timeline import DiedError, Task, Timeline, VirtualClock, VirtualStop
from tests.crash.sink.warehouse import ModelWarehouse, Warehouse

POINTS: Final = (
    *("before greeting", "after greeting", "greeting appended", "greeted", "gathered"),
    *("before intent", "after intent", "intent appended", "intent read back"),
    *("before letters", "after letters", "dead letters acked"),
    *("before insert", "insert sent", "after insert", "facts inserted"),
    *("before clocks", "clocks sent", "after clocks", "clocks inserted"),
    *("before position", "after position", "position appended", "position read back"),
    *("before tombstone", "after tombstone", "tombstones appended"),
    *("before commit", "after commit", "committed"),
)
"""Every place at which a process can die or freeze, in the order of a batch."""


class Fate(NamedTuple):
    """At the `nth` passing of `point`: die, or (seconds > 0) freeze for so long."""

    point: str
    nth: int
    freeze: float = 0.0


@dataclass
class World:
    """All that survives a process, and what all have in common."""

    timeline: Timeline
    chance: random.Random
    broker: Broker
    warehouse: Warehouse
    passed: Counter[str]
    """Accidents that happened, by name."""
    sink: Callable[..., Sink] = Sink


class Watcher:
    """Implements `services.analytics.sink.ports.Observer`."""

    def __init__(self, facts: ModelFacts) -> None:
        self._facts = facts

    def inserted(self, batch: Batch, seconds: float, oldest_age: float | None) -> None:
        """See the port."""
        self._facts.held = 0

    def retried(self, step: str) -> None:
        """See the port."""

    def took(self, step: str, seconds: float) -> None:
        """See the port."""

    def lag(self, records: Mapping[int, int]) -> None:
        """See the port."""


class SinkProcess:
    """Started with a fate, ended by it, by an error, or on request. `end` tells how."""

    def __init__(
        self, world: World, settings: LaneSettings, fate: Fate | None, ended: Callable[[SinkProcess], None]
    ) -> None:
        self.settings, self.end = settings, ""
        self.refused: RefusedError | None = None
        self.on_freeze: Callable[[float], None] = lambda seconds: None
        self._world, self._fate, self._ended = world, fate, ended
        self._count = Counter[str]()
        self.task = Task(world.timeline, self._work)
        self.stop = VirtualStop(self.task.sleep)
        self.status = Status(settings.partitions)
        link = Link(world.broker, self.task, self._reached)
        self.facts = ModelFacts(link, settings.partitions)
        self._link, self._clock = link, VirtualClock(world.timeline)
        self._house = ModelWarehouse(world.warehouse, self.task, self._reached)
        world.timeline.after(0.0, self.task.start)

    @property
    def alive(self) -> bool:
        """Whether it is there, frozen or not."""
        return not self.task.ended

    @property
    def began(self) -> bool:
        """Whether it got so far as to say anything."""
        return bool(self._count)

    @property
    def done(self) -> bool:
        """Whether it lives and has inserted everything of its partitions."""
        if self.task.ended or self.task.frozen:
            return False
        at, facts = self.status.snapshot().positions, self._world.broker.facts
        return all(at.get(p) == len(facts[p]) for p in self.settings.partitions)

    def kill(self) -> None:
        """SIGKILL."""
        self.task.kill()

    def _work(self) -> None:
        try:
            self._run()
            self.end = "stopped"
        except DiedError:
            self.end = "died"
        except FencedError:
            self.end = "fenced"
        except RefusedError as error:
            self.end, self.refused = "refused", error
        except Exception as error:
            self.end, self.refused = f"crashed: {error!r}", None
        self._world.timeline.after(0.0, lambda: self._ended(self))

    def _run(self) -> None:
        watcher = Watcher(self.facts)
        retry = Retry(self.stop, self._clock, self.status, watcher)
        try:
            retry("prepare the warehouse", self._house.check_windows)
        except StopRequestedError:
            return
        ports = Ports(
            self.facts,
            ModelIntents(self._link),
            ModelLetters(self._link),
            self._house,
            self._clock,
            watcher,
        )
        gate = threading.Lock()
        self._world.sink(ports, self.settings, self.stop, self.status, gate, self._reached).run()

    def _reached(self, point: str) -> None:
        self._count[point] += 1
        fate = self._fate
        if fate is None or fate.point != point or fate.nth != self._count[point]:
            return
        if not fate.freeze:
            self._world.passed[f"died: {point}"] += 1
            raise DiedError(point)
        self._world.passed[f"frozen: {point}"] += 1
        self.on_freeze(fate.freeze)
        self.task.freeze(fate.freeze)
        self.task.sleep(0)


def settings(lane: str, writer: str, partitions: tuple[int, ...], chance: random.Random) -> LaneSettings:
    """Of one process; each cuts in its own way."""
    cut = CutPolicy(chance.choice((1, 5, 20, 200)), chance.choice((0.0, 0.15)), chance.choice((0.0, 0.5)))
    return LaneSettings(lane, writer, partitions, cut, poison_share=1.0)
