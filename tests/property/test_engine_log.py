"""Random logs under two engines, decided live: in batches, with crashes, by workers of both releases.

What was written must be what deciding the log again in one go gives, byte for byte, whatever happened on the
way. The second engine signs its facts, so that it shows which one decided what.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from typing import Final

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from msgspec.structs import replace

from contracts import commands
from contracts.codec import decode_fact, encode
from contracts.commands import Command, CommandBody, CommandRecord, LawChanged, TimeAdvanced
from contracts.facts import Cause, DueDateAmended, DueDatePassed, Fact, ProcessingFinished
from contracts.law import CalendarAmended, CalendarDay, DayKind, EngineVersion, LawChange
from contracts.words import Channel, Clock
from services.workflow.domain.decide import Decision
from services.workflow.domain.dossier import DUE_TIMER, MEMORY, Dossier
from services.workflow.domain.engines import ENGINES, Engine, Engines, Fired, UnknownEngineError
from services.workflow.domain.evolve import evolve
from services.workflow.domain.law import Law
from services.workflow.engine.crossing import Crossing
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import (
    Decoded,
    Incoming,
    Output,
    Poison,
    StoredDossier,
    concerns_partition,
    decode_stored,
)
from services.workflow.engine.restoring import Restoring
from services.workflow.engine.verify import verify
from tests.crash.harness.numbers import judge_numbers
from tests.fakes.workflow import (
    AGENCY,
    HOURLY,
    OTHER_AGENCY,
    PROCEDURE,
    START,
    command,
    key_of,
    law_record,
    procedure,
)
from tests.fakes.workflow_lives import anything, bodies, more_law

SIGNED: Final = "2" * 32
OLD: Final[Engines] = {1: ENGINES[1]}


def _decide(dossier: Dossier | None, law: Law, record: Command, cause: Cause) -> Decision:
    decision = ENGINES[1].decide(dossier, law, record, cause)
    signed = tuple(map(_signed, decision.facts))
    return Decision(signed, reduce(evolve, signed, dossier), decision.outcome)


def _fire(dossier: Dossier, timer: str, version: int, now: datetime, cause: Cause) -> Fired:
    fired = ENGINES[1].fire(dossier, timer, version, now, cause)
    return fired and (_signed(fired[0]), fired[1])


def _redate(dossier: Dossier, law: Law, at: datetime, cause: Cause) -> Fired:
    dated = ENGINES[1].redate(dossier, law, at, cause)
    return dated and (_signed(dated[0]), dated[1])


def _signed(fact: Fact) -> Fact:
    return replace(fact, actor=SIGNED)


BOTH: Final[Engines] = {**OLD, 2: Engine(_decide, _fire, _redate)}

NAMES = ("a", "b", "c")
DAY_OFF = CalendarDay(
    date=START.date() + timedelta(days=1), kind=DayKind.OFF, name_vi="Nghỉ bù", source="test"
)
CHANGES: list[LawChange] = [
    procedure(term=1),
    replace(procedure(term=5), version=2),
    CalendarAmended(years=(2025,), days=(DAY_OFF,), source="test"),
    CalendarAmended(years=(2025,), days=(replace(DAY_OFF, kind=DayKind.WORK),), source="test"),
    EngineVersion(version=1),
    *([EngineVersion(version=2)] * 4),
]


@dataclass
class Topics:
    """One partition of every topic; also what the proof reads."""

    log: list[Incoming] = field(default_factory=list)
    kept: list[tuple[str, bytes]] = field(default_factory=list)
    written: list[bytes] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    def committed(self) -> int:
        """Everything."""
        return len(self.log)

    def states(self) -> list[tuple[str, bytes]]:
        """See the port of the proof."""
        return self.kept

    def facts(self) -> list[bytes]:
        """See the port of the proof."""
        return self.written

    def commands(self) -> list[Incoming]:
        """See the port of the proof."""
        return self.log


class Machine(RuleBasedStateMachine):
    """A log that grows, and workers that decide it."""

    @initialize(clock=st.sampled_from(list(Clock)), lawful=st.integers(0, 4))
    def begin(self, clock: Clock, lawful: int) -> None:
        """A log that mostly begins with the law."""
        self.clock = clock
        self.topics = Topics()
        self.live = Partition(0, clock, BOTH)
        self.read = 0
        self.version = 0
        self.keys = 0
        self.wall = START
        self.marks: list[int] = []
        """The engine in force at each offset."""
        self.lives: dict[str, list[CommandBody]] = {}
        self.steps = dict.fromkeys(NAMES, 0)
        if lawful:
            self.enact(random.Random(0))

    # ---- the log grows --------------------------------------------------------------------------

    def append(self, record: CommandRecord | bytes) -> None:
        key, value = (b"x", record) if isinstance(record, bytes) else (key_of(record), encode(record))
        self.topics.log.append(Incoming(len(self.topics.log), key, value))

    @rule(seed=st.integers(0, 1 << 30), count=st.integers(1, 15))
    def grow(self, seed: int, count: int) -> None:
        """More of everything that can stand in a log, drawn from a seed."""
        chance = random.Random(seed)
        kinds = (self.live_on, self.act, self.register, self.many, self.enact, self.garbage, self.advance)
        for kind in chance.choices(kinds, (12, 5, 1, 1, 3, 1, 2), k=count):
            kind(chance)

    def live_on(self, chance: random.Random) -> None:
        """The next command of an ordinary life."""
        name = chance.choice(NAMES)
        step = self.steps[name]
        if step == 0:
            self.lives[name] = bodies(chance)
        if step < len(self.lives[name]):
            self.give(name, self.lives[name][step], f"life-{step}", step * chance.randint(0, 9))
            self.steps[name] += 1

    def act(self, chance: random.Random) -> None:
        """Anything; a key may come again, with the same body or another, and from another agency."""
        agencies = (OTHER_AGENCY,) if chance.random() < 0.3 else None
        key, hours = str(chance.randint(0, 12)), chance.randint(0, 60)
        self.give(chance.choice(NAMES), anything(chance), key, hours, agencies)

    def register(self, chance: random.Random) -> None:
        """Perhaps before any law, perhaps again."""
        body = commands.RegisterDossier(chance.choice([PROCEDURE, HOURLY]), AGENCY, Channel.COUNTER)
        name = chance.choice(NAMES)
        self.give(name, body, f"register-{name}", chance.randint(0, 60))

    def many(self, chance: random.Random) -> None:
        """More refusals, and so more commands, than a dossier remembers."""
        name = chance.choice(NAMES)
        for _ in range(chance.choice([1, 30, 70])):
            self.keys += 1
            self.give(name, commands.RefuseDossier("not_competent"), f"many-{self.keys}", 0)

    def give(
        self, name: str, body: CommandBody, key: str, hours: int, agencies: tuple[str, ...] | None = None
    ) -> None:
        at = START + timedelta(hours=hours)
        self.append(command(body, key=key, dossier=name, at=at, agencies=agencies))

    def enact(self, chance: random.Random) -> None:
        """The next version of the law; it may be forwarded twice."""
        self.version += 1
        first = (*law_record().changes, *more_law())
        changes = first if self.version == 1 else (chance.choice(CHANGES),)
        record = LawChanged(version=self.version, changes=changes)
        for _ in range(chance.choice([1, 1, 2])):
            self.append(record)

    def garbage(self, chance: random.Random) -> None:
        """Something that is no message."""
        self.append(chance.choice([b"{", b"", b'{"record":"command"}', b'{"record":"of tomorrow"}']))

    def advance(self, chance: random.Random) -> None:
        """The log clock, also to where it has been."""
        if self.clock is Clock.LOG:
            self.append(TimeAdvanced(to=START + timedelta(hours=chance.randint(0, 200))))

    @rule(hours=st.integers(0, 30))
    def pass_time(self, hours: int) -> None:
        """The wall clock goes on, and the owner looks at its deadlines."""
        self.wall += timedelta(hours=hours)
        self.look()

    def look(self) -> bool:
        record = self.live.due(self.wall)
        if record is not None:
            self.append(record)
        return record is not None

    # ---- the log is decided ---------------------------------------------------------------------

    @rule(count=st.integers(1, 30))
    def work(self, count: int) -> None:
        """A batch."""
        self.batch(count)

    def batch(self, count: int) -> Output:
        items = self.next_batch(self.live, self.read, count)
        output = self.live.apply(items)
        self.write(output, len(output.states))
        self.read += len(items)
        return output

    def next_batch(self, partition: Partition, start: int, count: int) -> list[Decoded | Poison]:
        batch: list[Decoded | Poison] = []
        for record in self.topics.log[start : start + count]:
            item = partition.read(record)
            alone = isinstance(item, Decoded) and concerns_partition(item.message)
            if alone and batch:
                break
            batch.append(item)
            if alone:
                break
        return batch

    def write(self, output: Output, states: int) -> None:
        self.topics.written += [encode(fact) for fact in output.facts]
        self.topics.answers += [encode(outcome) for outcome in output.outcomes]
        for draw in output.forwards:
            self.append(draw)
        self.topics.kept += list(output.states.items())[:states]

    @rule(
        count=st.integers(1, 9),
        states=st.integers(0, 3),
        back=st.sampled_from([200, 20, 3, 0]),
        seed=st.integers(0, 1 << 30),
    )
    def crash(self, count: int, states: int, back: int, seed: int) -> None:
        """In the middle of writing the states of a batch; the successor begins where the commits are."""
        output = self.live.apply(self.next_batch(self.live, self.read, count))
        self.write(output, states)
        self.read = max(0, self.read - back)
        self.live = self.recovered(BOTH, random.Random(seed))

    def recovered(self, engines: Engines, chance: random.Random | None = None) -> Partition:
        partition = Partition(0, self.clock, engines)
        rows = list(self.topics.kept)
        if chance is not None:
            chance.shuffle(rows)
        partition.restore(Restoring(rows))
        return partition

    @rule()
    def worker_of_the_old_release(self) -> None:
        """Decides the old part as the new release does, and stops before it writes anything of the new."""
        try:
            old = self.recovered(OLD)
        except UnknownEngineError:
            assert self.live.law.engine == 2
            return
        new = self.recovered(BOTH)
        place = self.read
        while batch := self.next_batch(new, place, 5):
            expected = new.apply(batch)
            try:
                output = old.apply(batch)
            except UnknownEngineError:
                assert new.law.engine == 2
                return
            assert new.law.engine == 1
            assert output == expected
            place += len(batch)

    # ---- the end --------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Everything is decided, and everything that was written is judged."""
        if not hasattr(self, "live"):
            return
        self.finish()
        again, facts, answers = self.decided_at_once()
        kept = once(self.topics.written)
        assert kept == facts
        # What is given again after a crash tells how things stand by then; what was decided was given.
        assert answers <= set(self.topics.answers)
        self.check_numbers(kept)
        assert not judge_numbers(kept)
        self.check_states(kept, again)
        self.check_engines(kept)
        crossing = Crossing({0: len(self.topics.log)})
        report = verify(0, self.clock, self.topics, BOTH, crossing)
        crossing.judge({0: report})
        assert report.clean, report.samples
        assert report.pending == 0

    def finish(self) -> None:
        while self.read < len(self.topics.log) or self.look():
            self.batch(50)

    def decided_at_once(self) -> tuple[Partition, list[bytes], set[bytes]]:
        again = Partition(0, self.clock, BOTH)
        facts: list[bytes] = []
        answers: set[bytes] = set()
        for record in self.topics.log:
            output = again.apply([again.read(record)])
            self.marks.append(again.law.engine)
            facts += [encode(fact) for fact in output.facts]
            answers |= {encode(outcome) for outcome in output.outcomes}
        return again, facts, answers

    def check_numbers(self, kept: list[bytes]) -> None:
        last: dict[str, Fact] = {}
        place = (-1, -1)
        for record in map(decode_fact, kept):
            assert (record.cause.offset, record.cause.n) > place
            place = record.cause.offset, record.cause.n
            if isinstance(record, Fact):
                before = last.get(record.dossier_id)
                assert record.seq == (before.seq if before else 0) + 1
                self.check_overdue(before is not None and before.overdue, record)
                last[record.dossier_id] = record

    def check_overdue(self, before: bool, fact: Fact) -> None:
        """What ended in time by an hour brought in after the alarm, or has another date may be so no more."""
        if isinstance(fact.body, DueDatePassed):
            assert (before, fact.overdue) == (False, True)
        elif not isinstance(fact.body, DueDateAmended | ProcessingFinished):
            assert fact.overdue == before

    def check_states(self, kept: list[bytes], again: Partition) -> None:
        states: dict[str, Dossier] = {}
        applied: dict[str, int] = {}
        for record in map(decode_fact, kept):
            if isinstance(record, Fact):
                states[record.dossier_id] = evolve(states.get(record.dossier_id), record)
                applied[record.dossier_id] = record.cause.offset
        for partition in (self.live, again, self.recovered(BOTH)):
            assert partition.law == again.law
            assert partition.law.version == self.version
            assert partition.head.time == again.head.time
            assert set(partition.dossiers) == set(states)
            assert partition.registers.records() == again.registers.records()
            for name, data in partition.dossiers.items():
                stored = decode_stored(data)
                assert isinstance(stored, StoredDossier)
                assert (stored.applied, stored.dossier) == (applied[name], states[name])
                assert len(stored.dossier.memory) <= MEMORY
            if self.clock is Clock.SYSTEM:
                assert all(
                    (timer := dossier.timer(DUE_TIMER)) is None or timer.at >= self.wall
                    for dossier in states.values()
                )

    def check_engines(self, kept: list[bytes]) -> None:
        for record in map(decode_fact, kept):
            if isinstance(record, Fact):
                assert (record.actor == SIGNED) == (self.marks[record.cause.offset] == 2)


def once(values: list[bytes]) -> list[bytes]:
    """What a reader keeps: repeats dropped by the highest cause."""
    kept: list[bytes] = []
    place = (-1, -1)
    for value in values:
        cause = decode_fact(value).cause
        if (cause.offset, cause.n) > place:
            place = cause.offset, cause.n
            kept.append(value)
    return kept


TestAnyLog = Machine.TestCase
# A log is not made simpler in reasonable time: what failed would end as a test that took too long.
_PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
TestAnyLog.settings = settings(max_examples=200, stateful_step_count=25, deadline=None, phases=_PHASES)
