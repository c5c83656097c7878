"""The warehouse as it was measured: tables that each remember tokens, filled one after the other.

An insert is a job of the server: once begun it goes on when the client dies, and its targets appear one by
one, each at once. A token that a target remembers is a repetition, whatever the rows. Killed in the middle,
the rest of the targets lack the batch; killed between the note of the token and the part (`torn`), a target
lacks it and takes the next try for a repetition.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from services.analytics.adapters.clickhouse import Connection, check_windows
from services.analytics.domain.rows import FactRow
from services.analytics.errors import RetryLaterError
from services.analytics.migrations.feeds import feeds, views
from services.analytics.sink.ports import RollUp
from tests.crash.sink.broker import Reached
from tests.crash.sink.timeline import Task, Timeline

WINDOW: Final = 10_000
TIMEOUT: Final = 30.0
RAW: Final = "facts"
CLOCKS: Final = "clocks"
VIEWS: Final = tuple(sorted(feeds()))
"""What one insert of facts fills beside the raw rows."""

Block = Sequence[Any]


@dataclass
class Target:
    """A table that takes blocks and remembers the tokens of the last `window` of them."""

    window: int = WINDOW
    blocks: list[Block] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    _order: deque[str] = field(default_factory=deque)

    def take(self, block: Block, token: str, torn: bool = False) -> None:
        """The part appears whole, or not at all when it is known, or when the server dies right here."""
        if token in self.tokens:
            return
        if self.window:
            self.tokens.add(token)
            self._order.append(token)
            while len(self._order) > self.window:
                self.tokens.discard(self._order.popleft())
        if not torn:
            self.blocks.append(block)

    def forget(self) -> None:
        """What shrinking the window does to the tokens; putting it back does not bring them again."""
        self.tokens.clear()
        self._order.clear()

    @property
    def rows(self) -> Iterable[Any]:
        """All rows of all blocks."""
        return (row for block in self.blocks for row in block)


def _nobody() -> None:
    """Nobody waits any more."""


@dataclass
class Job:
    """An insert that the server works at."""

    steps: list[tuple[str, Block, str]]
    """Target, block and token of what is still to do."""
    token: str
    last: str
    """The target after which every one has it."""
    over: bool = False
    error: str = ""
    ended: Callable[[], None] = _nobody
    """Tells the client, as long as it waits."""


class Warehouse:
    """The tables and their server; survives every process."""

    def __init__(self, timeline: Timeline, chance: random.Random) -> None:
        self.timeline, self.chance = timeline, chance
        self.targets = {name: Target() for name in (RAW, *VIEWS, CLOCKS)}
        self.away_until = 0.0
        self.frozen_until = 0.0
        self.slow_until = 0.0
        self.failing_until = 0.0
        """Until then one insert in three ends with an error after some of its targets."""
        self.killed_in = Counter[str]()
        self.torn: list[tuple[str, Block]] = []
        """Parts that were lost although their token was noted."""
        self._jobs: list[Job] = []
        self._half = set[str]()
        """Tokens of batches that some of their targets have, or may get, and others not."""

    @property
    def half_done(self) -> bool:
        """Whether only tokens can tell what a batch still lacks."""
        return bool(self._half or self.torn or self._jobs)

    @property
    def away(self) -> bool:
        """Whether nobody answers."""
        return self.timeline.now < self.away_until

    @property
    def busy(self) -> bool:
        """Whether an insert is under way."""
        return bool(self._jobs)

    def kill(self, down: float, torn: bool) -> None:
        """SIGKILL, and back after so many seconds. What was under way is lost where it stands."""
        self.away_until = self.timeline.now + down
        jobs, self._jobs = self._jobs, []
        for job in jobs:
            job.over, job.error = True, "the connection broke"
            self.killed_in[f"warehouse killed with {len(job.steps)} targets to go"] += 1
            if torn and job.steps and job.steps[0][0] != CLOCKS:
                self._tear(*job.steps[0])
            job.ended()

    def _tear(self, name: str, block: Block, token: str) -> None:
        if token not in self.targets[name].tokens:
            self.targets[name].take(block, token, torn=True)
            self.torn.append((name, block))

    def repair(self) -> None:
        """What somebody does who was told: put back what is lacking, without a token."""
        for name, block in self.torn:
            self.targets[name].blocks.append(block)
        self.torn.clear()

    def begin(self, steps: list[tuple[str, Block, str]]) -> Job:
        """Work at an insert: one target after the other."""
        job = Job(steps, steps[0][2], steps[-1][0])
        self._jobs.append(job)
        self._half.add(job.token)
        if self.timeline.now < self.failing_until and self.chance.random() < 0.3:
            del job.steps[self.chance.randrange(len(steps) + 1) :]
            job.error = "memory limit exceeded"
        self.timeline.after(self._pause(), lambda: self._work(job))
        return job

    def _pause(self) -> float:
        factor = 200.0 if self.timeline.now < self.slow_until else 1.0
        return factor * 0.02 * (0.5 + self.chance.random())

    def _work(self, job: Job) -> None:
        if job not in self._jobs:
            return
        if self.timeline.now < self.frozen_until:
            self.timeline.at(self.frozen_until, lambda: self._work(job))
        elif job.steps:
            name, block, token = job.steps.pop(0)
            self.targets[name].take(block, token)
            if name == job.last:
                self._half.discard(token)
            self.timeline.after(self._pause(), lambda: self._work(job))
        else:
            self._jobs.remove(job)
            job.over = True
            job.ended()

    def windows(self) -> list[tuple[str, str]]:
        """What `system.tables` says of the engines."""
        said = "MergeTree ORDER BY tuple() SETTINGS index_granularity = 8192"
        windows = [
            (name, said + (f", non_replicated_deduplication_window = {one.window}" if one.window else ""))
            for name, one in self.targets.items()
        ]
        return sorted([*windows, *((name, "MaterializedView") for name in views())])


class ModelWarehouse:
    """Implements `services.analytics.sink.ports.Warehouse`: one process' connection."""

    def __init__(self, house: Warehouse, task: Task, reached: Reached) -> None:
        self._house, self._task, self._reached = house, task, reached

    def insert_facts(self, rows: Sequence[FactRow], token: str) -> None:
        """See the port."""
        views = list(VIEWS)
        self._house.chance.shuffle(views)
        order = [RAW, *views] if self._house.chance.random() < 0.7 else [*views, RAW]
        self._insert("insert", [(name, rows) for name in order], token)

    def insert_clocks(self, clocks: Mapping[int, int], token: str) -> None:
        """See the port."""
        self._insert("clocks", [(CLOCKS, sorted(clocks.items()))], token)

    def vouch_for(self, partitions: Sequence[int]) -> None:
        """See the port. Nobody asks anything here before the end."""
        self._call()

    def row_counts(self, partitions: Sequence[int]) -> dict[int, int]:
        """See the port."""
        self._call()
        counts = Counter(row.log_partition for row in self._house.targets[RAW].rows)
        return {partition: counts[partition] for partition in partitions if counts[partition]}

    def drop_unfinished(self, partitions: Sequence[int]) -> None:
        """See the port. Nothing is ever built beside these tables."""
        self._call()

    def roll_ups(self, partitions: Sequence[int]) -> list[RollUp]:
        """See the port. Every view is fed all rows."""
        self._call()
        targets = self._house.targets
        raw = Counter(row.log_partition for row in targets[RAW].rows)
        made = {name: Counter(row.log_partition for row in targets[name].rows) for name in VIEWS}
        return [
            RollUp(name, p, raw[p], made[name][p])
            for name in VIEWS
            for p in partitions
            if raw[p] != made[name][p]
        ]

    def check_windows(self) -> None:
        """See the port: the real check over what the engines say."""
        check_windows(cast(Connection, self))

    def rows(self, text: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """What the check of the windows asks: the engines."""
        self._call()
        return list(self._house.windows())

    def _insert(self, what: str, blocks: Sequence[tuple[str, Block]], token: str) -> None:
        self._reached(f"before {what}")
        self._call()
        house = self._house

        job = house.begin([(name, block, token) for name, block in blocks])
        self._reached(f"{what} sent")
        job.ended = self._task.rouse
        if not job.over:
            self._task.wait(TIMEOUT)
        if not job.over:
            job.ended = _nobody
            raise RetryLaterError("the warehouse does not answer; the insert may go on")
        if job.error:
            raise RetryLaterError(f"{job.error}; some targets may have the batch")
        self._reached(f"after {what}")

    def _call(self) -> None:
        self._task.sleep(0.002)
        if self._house.away or self._house.timeline.now < self._house.frozen_until:
            self._task.sleep(0.01 if self._house.away else 5.0)
            raise RetryLaterError("the warehouse is away")
