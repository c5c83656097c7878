"""The loop of one lane: gather → intent → read back → insert → position → tombstones → commit.

Every step may be interrupted by a crash; a later start finds in the intents topic what was begun and
finishes exactly that, with the same ranges, the same watermarks and the same token. Nothing is ever
inserted that an intent, first for its batch number in the log, does not name.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from contracts.topics import FACTS
from services.analytics.domain.batch import NOTHING, Batch, Record, translate
from services.analytics.domain.cut import CutPolicy, ranges_of
from services.analytics.domain.intents import (
    Entry,
    Greeting,
    Intent,
    MarkAt,
    PartitionPosition,
    Position,
    encode,
    key_of,
)
from services.analytics.domain.lane import LaneLog
from services.analytics.domain.poison import PoisonCount
from services.analytics.domain.rows import MAPPING
from services.analytics.errors import (
    FencedError,
    LogTruncatedError,
    RefusedError,
    StopRequestedError,
    TooMuchPoisonError,
    TopicRecreatedError,
    WarehouseMismatchError,
)
from services.analytics.sink.gate import Gate
from services.analytics.sink.holdings import Holdings
from services.analytics.sink.ports import Clock, DeadLetters, FactLog, IntentLog, Observer, Warehouse
from services.analytics.sink.retry import Retry
from services.analytics.sink.status import Status

_log = logging.getLogger(__name__)
_COMMIT_EVERY = 1.0
_MEASURE_EVERY = 0.5
_POLL = 0.5
# Seconds a writer goes on without looking whether the lane is still its own.
_TRUSTED = 10.0


@dataclass(frozen=True)
class Ports:
    """The world of one lane."""

    facts: FactLog
    intents: IntentLog
    dead_letters: DeadLetters
    warehouse: Warehouse
    clock: Clock
    observer: Observer


@dataclass(frozen=True)
class LaneSettings:
    """Which lane, whose, and its limits. `writer` is a fresh random name of this process."""

    lane: str
    writer: str
    partitions: tuple[int, ...]
    cut: CutPolicy = field(default_factory=CutPolicy)
    poison_share: float = 0.05


class _Mark(NamedTuple):
    """A record of our own in the intents topic: whatever stood there `before` (stopwatch) precedes it."""

    offset: int
    before: float


class Sink:
    """One lane's writer; `run` is for one thread.

    `gate` is held while a batch is on its way: whoever else holds it sees all tables exactly at the
    positions of `status`. `reached` is called with the name of each step passed; it lets a test die there.
    `fill` is called at the start with the positions, before any batch, to fill roll-ups that are new; `mend`,
    if given, when no batch is half done, to put the tables right: it answers how many rows there are.
    """

    def __init__(
        self,
        ports: Ports,
        settings: LaneSettings,
        stop: threading.Event,
        status: Status,
        gate: Gate,
        reached: Callable[[str], None] = lambda step: None,
        mend: Callable[[Mapping[int, int]], Mapping[int, int]] | None = None,
        fill: Callable[[Mapping[int, int]], None] = lambda positions: None,
    ) -> None:
        self._ports = ports
        self._settings = settings
        self._stop = stop
        self._reached = reached
        self._mend = mend
        self._mended: Mapping[int, int] = {}
        self._to_mend = mend is not None  # what differs until then is no news
        self._fill = fill
        self._status = status
        self._gate = gate
        self._holdings = Holdings(ports.warehouse, ports.clock)
        self._retry = Retry(stop, ports.clock, status, ports.observer)
        self._log = LaneLog(settings.lane, settings.partitions)
        self._topic_id = ""
        self._tries = 0
        self._verified_at = float("-inf")
        self._last_begun = self._last_commit = self._last_measure = float("-inf")

    def run(self) -> None:
        """Until asked to stop. Raises a RefusedError when going on would be wrong."""
        try:
            with self._gate:
                self._recover()
            while not self._stop.is_set():
                self._step()
        except LogTruncatedError:
            self._check_topic()  # a topic created again lacks our offsets too, and that is the thing to say
            raise
        except StopRequestedError:
            _log.info("stopped inside a batch; the next start finishes it")

    # -- start ---------------------------------------------------------------------------------------

    def _recover(self) -> None:
        self._topic_id = self._retry("topic", self._ports.facts.topic_id)
        now = datetime.fromtimestamp(self._ports.clock.now(), UTC)
        self._append(Greeting(lane=self._settings.lane, writer=self._settings.writer, at=now))
        self._reached("greeted")
        self._retry("drop", lambda: self._ports.warehouse.drop_unfinished(self._settings.partitions))
        position = self._log.position
        if position is not None:
            self._topic_id = position.topic_id
            self._check_topic()
        self._retry("fill", partial(self._fill, self._offsets()))
        while (pending := self._log.pending) is not None:
            _log.warning("finishing batch %d, begun by an earlier writer", pending.batch)
            self._adopt(pending)
        self._seek()
        if self._mend is not None:
            self._mended = self._retry("mend", partial(self._mend, self._offsets()))
            if {**self.said(), **self._mended} != self.said():
                self._process([])  # a batch of nothing: its position says what stands there now
            self._mended, self._to_mend = {}, False
        self._check_warehouse(self._parts())
        self._retry("vouch", partial(self._ports.warehouse.vouch_for, self._settings.partitions))
        self._status.moved(self._offsets())
        _log.info("lane %s recovered at batch %d", self._settings.lane, self._log.batch)

    def _check_warehouse(self, parts: Mapping[int, PartitionPosition]) -> None:
        """The tables must hold as many facts as `parts` say."""
        difference = self._retry("counts", lambda: self._holdings.difference(parts))
        if difference is not None:
            self._retry("look again", self._look_again)  # a newer writer may have inserted meanwhile
            raise WarehouseMismatchError(
                f"{difference}; warehouse and log do not belong together, or one of them lost data "
                "(a start with MOTCUA_REPAIR=1 puts it right from the log)"
            )

    # -- one batch -----------------------------------------------------------------------------------

    def _step(self) -> None:
        records = self._gather()
        if records:
            with self._gate:
                self._status.began()
                self._process(records)
        self._measure()

    def _gather(self) -> list[Record]:
        """Records for one batch: until it is full, or old enough, or the process stops."""
        policy, clock = self._settings.cut, self._ports.clock
        records: list[Record] = []
        first, closes = 0.0, float("inf")
        while len(records) < policy.max_records and not self._stop.is_set():
            wait = min(_POLL, max(0.0, closes - clock.monotonic()))
            room = policy.max_records - len(records)
            more = self._retry("read facts", partial(self._ports.facts.poll, room, wait))
            if more and not records:
                first = clock.monotonic()
                closes = policy.closes_at(first, self._last_begun)
            records += more
            if clock.monotonic() >= closes or not records:
                break
        if records:
            self._ports.observer.took("gather", clock.monotonic() - first)
        return records

    def _process(self, records: list[Record]) -> None:
        self._reached("gathered")
        self._check_topic()
        parts = self._parts()
        mine = Intent(
            lane=self._settings.lane,
            batch=self._log.batch + 1,
            writer=self._settings.writer,
            topic=FACTS,
            topic_id=self._topic_id,
            mapping=MAPPING,
            ranges=ranges_of(records, self._offsets()),
            before=tuple(MarkAt(p, part.mark_offset, part.mark_n) for p, part in sorted(parts.items())),
        )
        self._append(mine)
        self._reached("intent read back")
        if self._log.pending == mine:
            self._finish(mine, records)
            return
        # Another writer was first: a process that has died since, or one that will find our greeting
        # before its own intent and stop. Either way what it cut counts, so that every writer that is
        # left inserts the same rows under the same token. Ours is cut anew afterwards.
        winner = self._log.pending
        if winner is None:
            # Ours is gone: finished and tidied away by another writer while this one was frozen.
            self._retry("look again", self._look_again)
            raise RefusedError("the intents topic does not hold the intent just read back")
        _log.warning("batch %d was begun by another writer; finishing its cut", winner.batch)
        self._adopt(winner)
        self._seek()

    def _adopt(self, intent: Intent) -> None:
        if intent.topic_id != self._topic_id:
            raise TopicRecreatedError(f"batch {intent.batch} was begun in another {FACTS}, which is gone")
        if intent.mapping != MAPPING:
            raise RefusedError(
                f"batch {intent.batch} was cut by mapping {intent.mapping}, this release maps by {MAPPING}: "
                "let the release that cut it finish it first"
            )
        records = self._retry("read range", lambda: self._ports.facts.read(intent.ranges))
        self._check_topic()  # after the reading: what was read is of the topic the intent names
        self._finish(intent, records, tries=1)

    def _finish(self, intent: Intent, records: Sequence[Record], tries: int = 0) -> None:
        """`tries`: how often it may have been inserted already."""
        clock = self._ports.clock
        batch = translate(records, intent.marks())
        recent = self._recent().after(batch.records, len(batch.poison))
        if recent.exceeds(self._settings.poison_share):
            raise TooMuchPoisonError(
                f"{recent.poison} of the last {recent.records} facts cannot be decoded: "
                "a writer is broken, or this release is too old for it"
            )
        if batch.poison:
            self._retry("dead letters", lambda: self._ports.dead_letters.put(batch.poison))
        self._reached("dead letters acked")
        # Reckoned before the insert: a dead writer's position for this very batch may come in during it.
        after = self._position_after(intent, batch, recent)
        token, started = intent.token(), clock.monotonic()
        if batch.rows:
            self._tries = tries
            self._retry("insert", lambda: self._insert(batch, token, after))
            if self._tries > 1 and not self._to_mend:
                # A table that noted the token and died before the part was in place takes the next try
                # for a repetition. The position must not say that such rows are there.
                self._check_warehouse(after.by_partition())
        self._reached("facts inserted")
        if batch.clocks:
            self._retry("clocks", lambda: self._ports.warehouse.insert_clocks(batch.clocks, token))
        self._reached("clocks inserted")
        self._last_begun, seconds = started, clock.monotonic() - started
        self._append(after)
        self._reached("position read back")
        self._tidy()
        self._publish(batch, records, seconds)

    def _insert(self, batch: Batch, token: str, after: Position) -> None:
        """One try. After a long wait or a frozen process, and while another's batch was being finished, the
        lane may have got a newer writer, and the tables may have forgotten the token: look again."""
        if self._tries or self._ports.clock.monotonic() - self._verified_at > _TRUSTED:
            self._look_again()
        if self._tries and self._holdings.done_already(after.by_partition()):
            return
        self._tries += 1
        self._ports.warehouse.insert_facts(batch.rows, token)

    def _position_after(self, intent: Intent, batch: Batch, recent: PoisonCount) -> Position:
        rows = dict.fromkeys(self._settings.partitions, 0)
        for row in batch.rows:
            rows[row.log_partition] += 1
        ends, said = {r.partition: r.end for r in intent.ranges}, {**self.said(), **self._mended}
        parts = [
            PartitionPosition(
                p, ends.get(p, old.next), *batch.marks.get(p, NOTHING), said.get(p, 0) + rows[p]
            )
            for p, old in sorted(self._parts().items())
        ]
        return Position(
            lane=self._settings.lane,
            batch=intent.batch,
            writer=self._settings.writer,
            topic_id=self._topic_id,
            partitions=tuple(parts),
            records=recent.records,
            poison=recent.poison,
        )

    def _tidy(self) -> None:
        for key in self._log.obsolete(self._settings.writer):
            self._retry("tombstone", partial(self._ports.intents.append, key, None))
        self._reached("tombstones appended")
        now = self._ports.clock.monotonic()
        if now - self._last_commit >= _COMMIT_EVERY:
            self._last_commit = now
            self._retry("commit", lambda: self._ports.facts.commit(self._offsets()))
        self._reached("committed")

    # -- the lane's log ------------------------------------------------------------------------------

    def _append(self, entry: Entry) -> None:
        """Append, read back through it, and stop when a newer writer has greeted meanwhile."""
        key, value = key_of(entry), encode(entry)
        mark = self._retry("append", lambda: self._put(key, value))
        self._reached(f"{type(entry).__name__.lower()} appended")
        self._retry("read back", lambda: self._read_through(mark))

    def _put(self, key: bytes, value: bytes | None) -> _Mark:
        before = self._ports.clock.monotonic()
        return _Mark(self._ports.intents.append(key, value), before)

    def _read_through(self, mark: _Mark) -> None:
        for read in self._ports.intents.read_through(mark.offset):
            self._log.apply(read)
        self._verified_at = mark.before
        if self._log.writer != self._settings.writer:
            raise FencedError(f"lane {self._settings.lane} has a newer writer; this one stops")

    def confirm(self) -> None:
        """Whether the lane is still ours, as of now; for whoever holds the gate. Raises FencedError."""
        self._look_again()

    def _look_again(self) -> None:
        """Whether the lane is still ours, as of now: a record that says nothing marks the end to read to."""
        nothing = f"{self._settings.lane}/look/{self._settings.writer}".encode()
        self._read_through(self._put(nothing, None))

    def _parts(self) -> dict[int, PartitionPosition]:
        known = {} if self._log.position is None else self._log.position.by_partition()
        return {p: known.get(p, PartitionPosition(p, 0)) for p in self._settings.partitions}

    def said(self) -> dict[int, int]:
        """Rows inserted, by partition, as the position says; for whoever holds the gate."""
        return {p: part.rows for p, part in self._parts().items()}

    def _offsets(self) -> dict[int, int]:
        return {p: part.next for p, part in self._parts().items()}

    def _recent(self) -> PoisonCount:
        position = self._log.position
        return PoisonCount() if position is None else PoisonCount(position.records, position.poison)

    def _seek(self) -> None:
        self._retry("seek", lambda: self._ports.facts.seek(self._offsets()))

    def _check_topic(self) -> None:
        found = self._retry("topic", self._ports.facts.topic_id)
        if found != self._topic_id:
            raise TopicRecreatedError(
                f"{FACTS} was created again (it was {self._topic_id}, it is {found}): its offsets mean "
                "other records; start with an empty warehouse and new topics"
            )

    # -- what others see -----------------------------------------------------------------------------

    def _publish(self, batch: Batch, records: Sequence[Record], seconds: float) -> None:
        arrived: dict[int, float] = {}
        for record in records:
            arrived[record.partition] = max(arrived.get(record.partition, 0.0), record.arrived / 1000)
        self._status.moved(self._offsets(), arrived)
        oldest = min((r.arrived for r in records), default=None)
        age = None if oldest is None else self._ports.clock.now() - oldest / 1000
        self._ports.observer.inserted(batch, seconds, age)

    def _measure(self) -> None:
        """Ask the brokers where the log ends, now and then; their answer also proves that they live."""
        now = self._ports.clock.monotonic()
        if now - self._last_measure < _MEASURE_EVERY:
            return
        asked_at = self._ports.clock.now()
        self._check_topic()
        self._holdings.glance()
        ends: Mapping[int, int] = self._retry("ends", self._ports.facts.ends)
        self._last_measure = self._ports.clock.monotonic()
        lag = {p: max(0, ends[p] - at) for p, at in self._offsets().items()}
        self._status.measured(lag, asked_at)
        self._ports.observer.lag(lag)
