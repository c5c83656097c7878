"""The judgement: the final log decided once, in one go, by code without a defect; the topics held against it.

Readers drop repeats with one number, the highest cause seen; what they keep must be what was decided, byte
for byte. A recovery from the states, in any order and also from what compaction leaves, must give the state
that was decided. Every answer that was decided must have been given.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from contracts.codec import decode_outcome, encode
from contracts.commands import Command, Parked
from contracts.facts import Cause, Fact, NumberDrawn
from contracts.words import Clock
from services.workflow.engine.crossing import Crossing
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import Decoded, Incoming
from services.workflow.engine.restoring import Restoring
from services.workflow.engine.verify import verify
from tests.crash.harness.cluster import Topics
from tests.crash.harness.numbers import judge_numbers
from tests.crash.harness.verdict import Verdict

Place = tuple[int, int]
Kept = dict[Place, bytes]


@dataclass
class Expected:
    """What follows from a log."""

    partition: Partition
    facts: Kept = field(default_factory=dict)
    dossiers: set[str] = field(default_factory=set)
    numbers: set[tuple[str, int]] = field(default_factory=set)
    outcomes: set[bytes] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    letters: set[int] = field(default_factory=set)


Reader = Callable[[Iterable[tuple[Cause, bytes]]], Kept]


def read_once(facts: Iterable[tuple[Cause, bytes]]) -> Kept:
    """What a reader keeps: repeats dropped by the highest cause applied."""
    kept: Kept = {}
    mark = (-1, -1)
    for cause, data in facts:
        place = (cause.offset, cause.n)
        if place > mark:
            mark = place
            kept[place] = data
    return kept


def decided_at_once(topics: Topics, number: int, clock: Clock) -> Expected:
    """The whole log, record by record, in one life."""
    expected = Expected(Partition(number, clock))
    items = [expected.partition.read(record) for record in topics.commands]
    for item in items:
        if isinstance(item, Decoded) and isinstance(item.message, Parked):
            expected.partition.parking.park(item.message)
    for item in items:
        output = expected.partition.apply([item])
        for fact in output.facts:
            expected.facts[fact.cause.offset, fact.cause.n] = encode(fact)
            if isinstance(fact, Fact):
                expected.dossiers.add(fact.dossier_id)
                expected.numbers.add((fact.dossier_id, fact.seq))
            elif isinstance(fact, NumberDrawn):
                expected.numbers.add((fact.seal_id, fact.seq))
        expected.outcomes.update(encode(outcome) for outcome in output.outcomes)
        expected.letters.update(letter.record.offset for letter in output.poison)
        if isinstance(item, Decoded) and isinstance(item.message, Command):
            expected.asked.add(item.message.id)
    return expected


def judge(
    topics: Topics,
    number: int,
    clock: Clock,
    live: Partition | None,
    chance: random.Random,
    read: Reader = read_once,
) -> Verdict:
    """Hold the topics of one partition, and its owner's memory, against the log decided at once."""
    expected = decided_at_once(topics, number, clock)
    verdict = _judge_facts(expected, read(topics.facts))
    _judge_outcomes(expected, topics, verdict)
    if missing := expected.letters - {letter.record.offset for letter in topics.letters}:
        verdict.differs("dead letters missing", missing)
    if live is not None:
        _judge_state(expected, live, "the owner's memory", verdict)
    shuffled = chance.sample(topics.states, len(topics.states))
    for states, what in ((shuffled, "recovery"), (dict(topics.states).items(), "recovery once compacted")):
        rebuilt = Partition(number, clock)
        rebuilt.restore(Restoring(states))
        _judge_state(expected, rebuilt, what, verdict)
    return verdict


class Quiet:
    """The topics of a partition as the product's own proof reads them, once everything is committed."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def committed(self) -> int:
        """See the port."""
        return len(self._topics.commands)

    def states(self) -> Iterable[tuple[str, bytes]]:
        """See the port."""
        return self._topics.states

    def facts(self) -> Iterable[bytes | None]:
        """See the port."""
        return [data for _, data in self._topics.facts]

    def commands(self) -> Iterable[Incoming]:
        """See the port."""
        return self._topics.commands


def prove(partitions: Sequence[Topics], clock: Clock) -> Verdict:
    """What the product's own proof says of all partitions together."""
    crossing = Crossing({number: len(topics.commands) for number, topics in enumerate(partitions)})
    reports = [verify(n, clock, Quiet(topics), crossing=crossing) for n, topics in enumerate(partitions)]
    crossing.judge(dict(enumerate(reports)))
    verdict = Verdict()
    for report in reports:
        verdict.add(Verdict(report.missing, report.doubled, report.different, list(report.samples)))
        if report.pending:
            verdict.differs(report.pending, "pending although all is quiet")
    return verdict


def across(partitions: Sequence[Topics]) -> Verdict:
    """What must hold over all partitions together."""
    return judge_numbers(data for topics in partitions for data in read_once(topics.facts).values())


def _judge_facts(expected: Expected, kept: Kept) -> Verdict:
    verdict = Verdict()
    for place, data in expected.facts.items():
        if place not in kept:
            verdict.lost += 1
            verdict.said.append(f"lost: {place} {data!r}"[:300])
        elif kept[place] != data:
            verdict.differs("decided", data, "written", kept[place])
    for place in kept.keys() - expected.facts.keys():
        verdict.doubled += 1
        verdict.said.append(f"doubled: {place} {kept[place]!r}"[:300])
    if len(expected.numbers) != sum(b'"seq"' in data for data in expected.facts.values()):
        verdict.differs("one number given twice")
    return verdict


def _judge_outcomes(expected: Expected, topics: Topics, verdict: Verdict) -> None:
    given = set(topics.outcomes)
    for outcome in expected.outcomes - given:
        verdict.lost += 1
        verdict.said.append(f"an answer never given: {outcome!r}"[:300])
    # One given again, by a worker that was further on than when it was first given, says how things are now.
    for again in map(decode_outcome, given - expected.outcomes):
        if again.command_id not in expected.asked or not (again.repeated or again.seq == 0):
            verdict.differs("an answer nobody decided", encode(again))


def _judge_state(expected: Expected, other: Partition, what: str, verdict: Verdict) -> None:
    ours = expected.partition
    for name in expected.dossiers:
        if other.dossier(name) != ours.dossier(name):
            verdict.differs(what, "of", name, other.dossier(name), "decided", ours.dossier(name))
    if len(other) != len(ours):
        verdict.differs(what, "has", len(other), "dossiers of", len(ours))
    if other.law != ours.law:
        verdict.differs(what, "has another law")
    if other.head.time != ours.head.time:
        verdict.differs(what, "has the time", other.head.time, "decided", ours.head.time)
    if other.registers.records() != ours.registers.records():
        verdict.differs(what, "has the registers", other.registers.kept, "decided", ours.registers.kept)
    if other.parking.tables() != ours.parking.tables():
        verdict.differs(what, "parks", other.parking.tables(), "decided", ours.parking.tables())
