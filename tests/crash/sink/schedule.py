"""One random schedule: a world, lanes with a supervisor, accidents, rest, and the verdict."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final

from services.analytics.domain.lane import lane_name, lanes_of, partitions_of
from services.analytics.errors import WarehouseMismatchError
from services.analytics.sink.loop import Sink
from tests.crash.sink import tables
from tests.crash.sink.accidents import FROZEN, draw
from tests.crash.sink.broker import Broker
from tests.crash.sink.judge import Verdict, judge, judge_raw
from tests.crash.sink.oracle import wanted
from tests.crash.sink.process import POINTS, Fate, SinkProcess, World, settings
from tests.crash.sink.timeline import Timeline
from tests.crash.sink.warehouse import Warehouse
from tests.crash.sink.workload import Workflow, lives

PATIENCE: Final = 900.0
"""Virtual seconds after the last accident within which everything must have come to rest."""

ENOUGH: Final = 100
"""Refusals after which nobody tries again: what is to be repaired would have been."""


class Schedule:
    """Draws everything from `chance`."""

    def __init__(self, chance: random.Random, sink: Callable[..., Sink] = Sink) -> None:
        self.chance = chance
        self.time = Timeline()
        count = chance.choice((2, 3, 4, 9, 16))  # one lane, or two
        self.broker = Broker(self.time, chance, range(count))
        self.house = Warehouse(self.time, chance)
        self.happened: Counter[str] = self.house.killed_in
        self.world = World(self.time, chance, self.broker, self.house, self.happened, sink)
        self.verdict = Verdict()
        self.story: list[str] = []
        self.busy_until = 5.0
        self.expected: set[type[Exception]] = set()
        self.old: list[tuple[int, int, bytes | None]] | None = None
        """The records of a topic that was created again."""
        self.lanes = {lane_name(n): partitions_of(n, count) for n in range(lanes_of(count))}
        self.running: dict[str, list[SinkProcess]] = {lane: [] for lane in self.lanes}
        self._started = 0
        self._resting = False
        self._refused = 0
        poison = chance.choice((0.0, 0.02, 0.1))
        told = lives(count, chance.randrange(40))
        self.workflows = [Workflow(self.broker, p, told[p], chance, poison) for p in range(count)]

    # -- the supervisor ------------------------------------------------------------------------------

    def start(self, lane: str, fate: Fate | None = None) -> SinkProcess:
        """One more process on a lane."""
        self._started += 1
        lane_settings = settings(lane, f"writer-{self._started}", self.lanes[lane], self.chance)
        process = SinkProcess(self.world, lane_settings, fate, self._ended)
        process.on_freeze = lambda seconds: self.frozen(lane, seconds)
        self.running[lane].append(process)
        return process

    def at_work(self, lane: str) -> list[SinkProcess]:
        """The processes of a lane that live and are not frozen."""
        return [one for one in self.running[lane] if one.alive and not one.task.frozen]

    def tell(self, *words: object) -> None:
        """For who looks for the cause."""
        self.story.append(f"{self.time.now:9.3f} {' '.join(map(str, words))}")

    def busy(self, seconds: float) -> None:
        """Something goes on for so long."""
        self.busy_until = max(self.busy_until, self.time.now + seconds)

    def torn(self) -> None:
        """The raw table lacks a part unknowingly: unless a sink sees it, the oracle will."""
        self.tell("a part is lost")
        self.happened["part lost"] += 1
        self.expected.add(WarehouseMismatchError)

    def _repair_if_told(self, error: Exception) -> None:
        if self.house.torn and "were inserted" in str(error):
            self.tell("somebody is told of a lost part")
            self.time.after(5.0, self.house.repair)
            self.busy(10.0)

    def frozen(self, lane: str, seconds: float) -> None:
        """A process of the lane is; somebody takes its place after a while."""
        self.tell(lane, "frozen for", seconds)
        self.busy(seconds)
        self.time.after(1.0 + 9.0 * self.chance.random(), lambda: self._replace(lane))

    def _replace(self, lane: str) -> None:
        if not self.at_work(lane) and not self._resting:
            self.start(lane)

    def _ended(self, process: SinkProcess) -> None:
        lane, error = process.settings.lane, process.refused
        self.tell(lane, process.settings.writer, process.end, error or "")
        self.happened[f"end: {process.end}"] += 1
        if process.facts.most > process.settings.cut.max_records:
            self.verdict.differs(f"a process held {process.facts.most} records")
        if process.end.startswith("crashed"):
            self.verdict.differs(process.end)
        if error is not None and type(error) not in self.expected:
            self.verdict.differs(f"refused without need: {error!r}")
            return
        if error is not None:
            self._refused += 1
            if self._refused > ENOUGH and self.old is None:
                self.verdict.lacks(f"rest: refused again and again: {error!r}")
            self._repair_if_told(error)
        if not self._resting:
            self.time.after(0.5 + 4.0 * self.chance.random(), lambda: self._replace(lane))

    # -- from start to verdict -----------------------------------------------------------------------

    def run(self) -> Verdict:
        """All of it."""
        for workflow in self.workflows:
            self.time.after(self.chance.random(), workflow.go_on)
        for lane in self.lanes:
            self.start(lane, self.fate())
        for _ in range(self.chance.choice((1, 2, 3, 5))):
            self.time.at(1.0 + 30.0 * self.chance.random() ** 2, partial(draw(self.chance), self))
        self._go(self._at_rest)
        if self.old is None:
            for lane in self.lanes:  # a start after all of this finds everything in order
                self._stop_all()
                self.start(lane)
            self._go(self._at_rest)
        self._stop_all()
        self._judge()
        return self.verdict

    def fate(self) -> Fate | None:
        """What befalls a process at a named point, if anything."""
        if self.chance.random() < 0.3:
            return None
        freeze = self.chance.choice(FROZEN) if self.chance.random() < 0.4 else 0.0
        return Fate(self.chance.choice(POINTS), self.chance.choice((1, 1, 1, 2, 3)), freeze)

    def _at_rest(self) -> bool:
        if self.time.now < self.busy_until or not all(flow.over for flow in self.workflows):
            return False
        if self.old is not None:
            return not any(one.alive for ones in self.running.values() for one in ones)
        return all(any(one.done for one in self.running[lane]) for lane in self.lanes)

    def _go(self, until: Callable[[], bool]) -> None:
        """Until then; looked at once a second when all accidents are over."""
        rest = False

        def look() -> None:
            nonlocal rest
            rest = until()
            for lane in self.lanes:
                if self.time.now > self.busy_until and self.old is None:
                    self._replace(lane)
            if not rest:
                self.time.after(max(1.0, self.busy_until - self.time.now), look)

        look()
        flat = self.time.run(lambda: rest or bool(self.verdict), PATIENCE + self.time.now + 400.0)
        if not flat:
            self.verdict.lacks("rest: the lanes never came to the end of the log")

    def _stop_all(self) -> None:
        """SIGTERM, and the end; whoever does not end is killed."""
        self._resting = True
        everybody = [one for ones in self.running.values() for one in ones if one.alive]
        for one in everybody:
            one.stop.set()
        if not self.time.run(lambda: not any(one.alive for one in everybody), self.time.now + 400.0):
            for one in everybody:
                one.kill()
            self.verdict.differs("a process did not stop on request")
        self._resting = False

    def _judge(self) -> None:
        records = [(r.partition, r.offset, r.value) for rows in self.broker.facts.values() for r in rows]
        found = tables.read(self.house, self.broker.letters)
        if self.old is None:
            self.verdict.add(judge(wanted(records), found))
            return
        # Rows of the old topic alone, and none twice; what had not been inserted by then is gone.
        old = judge_raw(wanted(self.old).raw, found.raw)
        old.missing, old.said = 0, [line for line in old.said if not line.startswith("missing")]
        self.verdict.add(old)


def survive(
    seed: int, sink: Callable[..., Sink] = Sink, tamper: Callable[[Schedule], None] = lambda schedule: None
) -> tuple[Verdict, Counter[str]]:
    """The schedule of that seed: what went wrong, and what happened. `tamper` may break the world first."""
    schedule = Schedule(random.Random(seed), sink)
    tamper(schedule)
    return schedule.run(), schedule.happened
