"""The proof of one partition: decide its log again, fold its facts, and hold both against what is kept.

Pure of I/O; a :class:`Source` reads the topics. Memory is bounded by one partition. It may look at a system
at work: what was committed when it began must be there in full, what came later may be on its way and is
counted as pending.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Final, Protocol

from msgspec import Struct, field

from contracts.codec import UndecodableError, decode_fact, encode
from contracts.commands import Parked
from contracts.facts import ClockMoved, Fact, FactRecord, NumberDrawn
from contracts.words import Clock
from services.workflow.domain.engines import ENGINES, Engines
from services.workflow.domain.evolve import evolve
from services.workflow.engine.crossing import Crossing
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import (
    CRASH_KEY,
    TOPIC_KEY,
    Decoded,
    Incoming,
    Stored,
    StoredCrash,
    StoredDossier,
    StoredParking,
    decode_stored,
    encode_stored,
    rank,
)

SAMPLES: Final = 20
"""How many differences are told in words."""

Place = tuple[int, int]
Kept = tuple[Place, bytes, FactRecord]


class Source(Protocol):
    """One partition's topics. Each method reads up to the end as it is when its first record is asked for."""

    def committed(self) -> int:
        """The offset the workers have committed: every record below it is durable in all that follows."""

    def states(self) -> Iterable[tuple[str, bytes]]:
        """The records of the state topic, without fences."""

    def facts(self) -> Iterable[bytes | None]:
        """The values of the facts topic."""

    def commands(self) -> Iterable[Incoming]:
        """The records of the commands topic; asked for twice."""


class Report(Struct, kw_only=True):
    """What was compared, and what differs. `repeats` were written again after crashes and are harmless."""

    partition: int
    commands: int = 0
    facts: int = 0
    repeats: int = 0
    dossiers: int = 0
    parked: int = 0
    pending: int = 0
    missing: int = 0
    doubled: int = 0
    different: int = 0
    samples: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Nothing is missing, doubled or different."""
        return not (self.missing or self.doubled or self.different)

    def tell(self, kind: str, text: str) -> None:
        """Count one difference of that kind, and keep its words while there are few."""
        setattr(self, kind, getattr(self, kind) + 1)
        if kind != "pending" and len(self.samples) < SAMPLES:
            self.samples.append(f"{kind}: {text}")


def verify(
    number: int,
    clock: Clock,
    source: Source,
    engines: Engines = ENGINES,
    crossing: Crossing | None = None,
) -> Report:
    """Compare partition `number`, each part of its log decided by the engine that part names.

    `crossing` is told what crosses from partition to partition, to be judged when all have been compared.
    Raises CorruptStateError, and LawGapError, UnknownEngineError and the like for a log this code must not
    decide on.
    """
    report = Report(partition=number)
    # In this order: whatever is found is explained by what is read after it.
    committed = source.committed()
    stored = _stored(source.states())
    kept = _primed(_kept(source.facts(), report))
    again = _Again(Partition(number, clock, engines), source, report, crossing)
    fold = _Fold(report)
    _merge(again.facts(), kept, committed, report, fold)
    states = _States(stored, committed, report)
    states.compare(fold.states, "folded from its facts")
    states.compare(again.states(), "decided again", told=fold.states)
    states.orphans(fold.states.keys() | again.states().keys())
    report.dossiers = len(again.partition)
    report.parked = again.partition.parking.standing(again.partition.last_offset)
    return report


def _stored(states: Iterable[tuple[str, bytes]]) -> dict[str, bytes]:
    """Of each key the record that counts, without the tables that do not follow from the log."""
    best: dict[str, tuple[int, bytes]] = {}
    for key, data in states:
        height = rank(data)
        if height >= best.get(key, (-1, b""))[0]:
            best[key] = height, data
    own_affair = (TOPIC_KEY, CRASH_KEY)
    return {key: data for key, (_, data) in best.items() if not key.startswith(own_affair)}


class _Again:
    """The log decided once more, from its beginning."""

    def __init__(
        self, partition: Partition, source: Source, report: Report, crossing: Crossing | None
    ) -> None:
        self.partition: Final = partition
        self._source, self._report, self._crossing = source, report, crossing
        self._tables: dict[str, bytes] = {}
        self._last = -1
        # A parked dossier stands still from the record that crashed on, which comes before the one that
        # says so: these are read first.
        for record in source.commands():
            self._last = record.offset
            if record.value is not None and b'"parked"' in record.value:
                item = self.partition.read(record)
                if isinstance(item, Decoded) and isinstance(item.message, Parked):
                    self._tables |= self.partition.parking.park(item.message)

    def facts(self) -> Iterator[Kept]:
        """Every fact that follows, in the order of the causes."""
        for record in self._source.commands():
            if record.offset > self._last:
                return
            self._report.commands += 1
            item = self.partition.read(record)
            output = self.partition.apply([item])
            if self._crossing:
                self._crossing.take(self._report.partition, item, output)
            self._tables |= {key: data for key, data in output.states.items() if key.startswith("@")}
            for fact in output.facts:
                yield (fact.cause.offset, fact.cause.n), encode(fact), fact

    def states(self) -> Mapping[str, bytes]:
        """Every state and table, as last written."""
        return {**self.partition.dossiers, **self.partition.registers.records(), **self._tables}


def _kept(values: Iterable[bytes | None], report: Report) -> Iterator[Kept]:
    """What readers keep: repeats dropped by the highest cause applied."""
    mark: Place = (-1, -1)
    for value in values:
        try:
            fact = decode_fact(value)
        except UndecodableError as error:
            report.tell("different", f"a record of the facts is none: {error}")
            continue
        if fact.cause.partition != report.partition:
            report.tell("different", f"{_name(fact)} is of partition {fact.cause.partition}")
            continue
        place = (fact.cause.offset, fact.cause.n)
        if place > mark:
            mark = place
            report.facts += 1
            yield place, value or b"", fact
        else:
            report.repeats += 1


def _primed(rows: Iterator[Kept]) -> Iterator[Kept]:
    """The same rows, with the first one read now: that fixes where they end."""
    first = next(rows, None)
    return rows if first is None else chain([first], rows)


class _Fold:
    """Each dossier's facts folded, as far as they are what was decided."""

    def __init__(self, report: Report) -> None:
        self.states: Final[dict[str, bytes]] = {}
        self._broken: set[str] = set()
        self._report = report
        self._last: dict[tuple[str, int], int] = {}

    def take(self, place: Place, fact: FactRecord) -> None:
        """One more fact."""
        if isinstance(fact, NumberDrawn):
            self._count(fact)
        if not isinstance(fact, Fact) or fact.dossier_id in self._broken:
            return
        data = self.states.get(fact.dossier_id)
        stored = decode_stored(data) if data else None
        before = stored.dossier if isinstance(stored, StoredDossier) else None
        if fact.seq != (before.seq if before else 0) + 1:
            self._report.tell("different", f"{_name(fact)} follows number {before.seq if before else 0}")
            self.give_up(fact)
            return
        self.states[fact.dossier_id] = encode_stored(StoredDossier(place[0], evolve(before, fact)))

    def _count(self, fact: NumberDrawn) -> None:
        """A register's facts and, year by year, its numbers leave none out."""
        for year, number in ((0, fact.seq), (fact.year, fact.number)):
            last = self._last.get((fact.seal_id, year), 0)
            if number != last + 1:
                self._report.tell("different", f"{_name(fact)}: number {number} of {year} follows {last}")
            self._last[fact.seal_id, year] = number

    def give_up(self, fact: FactRecord) -> None:
        """Something is wrong with a dossier's facts and was told: folding them would only repeat it."""
        if isinstance(fact, Fact):
            self._broken.add(fact.dossier_id)
            self.states.pop(fact.dossier_id, None)


def _merge(
    decided: Iterator[Kept], kept: Iterator[Kept], committed: int, report: Report, fold: _Fold
) -> None:
    """Two rows in the order of the causes, compared in one go."""
    ours, theirs = next(decided, None), next(kept, None)
    while ours or theirs:
        if ours and (theirs is None or ours[0] < theirs[0]):
            if ours[0][0] < committed:
                report.tell("missing", _name(ours[2]))
                fold.give_up(ours[2])
            else:
                report.tell("pending", _name(ours[2]))
            ours = next(decided, None)
        elif theirs and (ours is None or theirs[0] < ours[0]):
            report.tell("doubled", f"{_name(theirs[2])}: nothing in the log calls for it")
            fold.give_up(theirs[2])
            theirs = next(kept, None)
        elif ours and theirs:
            if ours[1] == theirs[1]:
                fold.take(theirs[0], theirs[2])
            else:
                report.tell("different", f"{_name(theirs[2])}: decided again it is {_name(ours[2])}")
                fold.give_up(theirs[2])
            ours, theirs = next(decided, None), next(kept, None)


class _States:
    """The state topic held against states that were worked out anew."""

    def __init__(self, stored: Mapping[str, bytes], committed: int, report: Report) -> None:
        self._stored, self._committed, self._report = stored, committed, report

    def compare(self, anew: Mapping[str, bytes], how: str, told: Mapping[str, bytes] | None = None) -> None:
        """Compare each state worked out anew; those that are as in `told` have been compared before."""
        for name, wanted in anew.items():
            data = self._stored.get(name)
            if data == wanted or (told and told.get(name) == wanted):
                continue
            if data is not None and rank(data) >= rank(wanted):
                self._report.tell("different", f"state {name}: not as {how}")
            else:
                due = _reach(decode_stored(wanted)) < self._committed
                self._report.tell("missing" if due else "pending", f"state {name}: older than {how}")

    def orphans(self, names: Iterable[str]) -> None:
        """States that follow from nothing."""
        for name in sorted(self._stored.keys() - set(names)):
            self._report.tell("doubled", f"state {name}: nothing in the log calls for it")


def _reach(stored: Stored) -> int:
    """The last offset a state rests on."""
    match stored:
        case StoredParking(spans=spans):
            return max(span.since if span.until is None else span.until for span in spans)
        case StoredCrash(offset=offset):
            return offset
        case _:
            return stored.applied


def _name(fact: FactRecord) -> str:
    cause = f"caused by {fact.cause.offset}/{fact.cause.n}"
    if isinstance(fact, ClockMoved):
        return f"ClockMoved {cause}"
    if isinstance(fact, NumberDrawn):
        return f"NumberDrawn {fact.seal_id}/{fact.seq} {cause}"
    return f"{type(fact.body).__name__} {fact.dossier_id}/{fact.seq} {cause}"
