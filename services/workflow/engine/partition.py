"""One partition of the log: its dossiers, its law, its deadlines. Pure of I/O, mutable in memory.

The caller keeps the order of durability: it calls :meth:`Partition.apply` for a batch, writes the output's
facts, outcomes and poison, waits for the acks, writes the states, waits again, and only then commits and
comes back. Memory is ahead of the log in between; a failure in between ends the process, so nothing ever
acts on a memory that did not become durable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

from msgspec.structs import replace

from contracts.codec import UndecodableError, decode_command
from contracts.commands import (
    Command,
    Deadline,
    DeadlinesReached,
    DrawNumber,
    LawChanged,
    Parked,
    TimeAdvanced,
    Unparked,
)
from contracts.facts import Cause, ClockMoved
from contracts.words import Clock
from services.workflow.domain.decide import Decision
from services.workflow.domain.dossier import CALENDAR_TIMER, Dossier, Timer
from services.workflow.domain.engines import ENGINES, Engines, Fired, engine_of
from services.workflow.domain.law import Law
from services.workflow.domain.seals import draws
from services.workflow.engine.deadlines import DeadlineIndex
from services.workflow.engine.drawing import Registers
from services.workflow.engine.judging import counted, refuse, stuck
from services.workflow.engine.parking import Parking
from services.workflow.engine.records import (
    LAW_KEY,
    PARTITION_KEY,
    TOPIC_KEY,
    CorruptStateError,
    Decoded,
    Incoming,
    Output,
    PartitionStuckError,
    Poison,
    StoredCrash,
    StoredDossier,
    StoredLaw,
    StoredParking,
    StoredPartition,
    StoredRegister,
    StoredTopic,
    TopicRecreatedError,
    decode_dossier,
    decode_keyed,
    decode_stored,
    decode_timers,
    encode_stored,
    engine_version,
    misaddressed,
    says_law,
)
from services.workflow.engine.redating import Redating
from services.workflow.engine.restoring import Restoring


class Partition:
    """The state of partition `number`. `clock` is the stack's clock; of `engines` the law names one."""

    def __init__(self, number: int, clock: Clock, engines: Engines = ENGINES) -> None:
        self.number: Final = number
        self.clock: Final = clock
        self.parking: Final = Parking()
        self._engines: Final = engines
        self.law = Law()
        self._engine = engine_of(engines, self.law.engine)
        self.head = StoredPartition(applied=-1)
        self.deadlines = DeadlineIndex(self._standing)
        self.last_offset = -1
        self._topic_id: str | None = None
        self.unknown = False
        """Whether no state told of this partition: then its log must be read from the first record on."""
        self.registers: Final = Registers(number)
        self._redating = Redating()
        # Encoded, because a province keeps a million of them and touches few at a time.
        self._dossiers: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._dossiers)

    # ---- recovery -------------------------------------------------------------------------------

    def restore(self, found: Restoring) -> dict[str, bytes]:
        """Rebuild from the state topic; the records to write again.

        Raises UnknownEngineError, before it looks at what a newer release may have written, and
        CorruptStateError.
        """
        laws: dict[int, StoredLaw] = {}
        if PARTITION_KEY in found.tables:
            engine_of(self._engines, engine_version(found.tables[PARTITION_KEY]))
        for data in found.tables.values():
            self._take(data, laws)
        self._restore_law(laws)
        repairs = found.repairs()
        self._dossiers = found.aggregates
        for key, data in found.aggregates.items():
            stored = decode_keyed(data)
            # How far the log had been decided: where a parked dossier stands still, or not yet.
            self.last_offset = max(self.last_offset, stored.applied)
            if isinstance(stored, StoredRegister):
                self.registers.restore(key, stored)
            else:
                for timer in stored.dossier.timers:
                    self.deadlines.add(key, timer.at)
        for key in self.registers.kept:
            del self._dossiers[key]
        # A release is decided too, though no dossier's state tells of it.
        self.last_offset = max(self.last_offset, self.head.applied, self.parking.last_release())
        self._find_to_redate()
        return repairs

    def _take(self, data: bytes, laws: dict[int, StoredLaw]) -> None:
        stored = decode_stored(data)
        match stored:
            case StoredDossier() | StoredRegister():
                raise CorruptStateError(f"partition {self.number}: a table's key holds an aggregate")
            case StoredLaw(record=record):
                laws[record.version] = stored
            case StoredPartition():
                self.head = stored
            case StoredTopic(topic_id=topic_id):
                self._topic_id = topic_id
            case StoredParking() | StoredCrash():
                self.parking.restore(stored)

    def check_topic(self, topic_id: str) -> dict[str, bytes]:
        """The state record that names the commands topic, when none does yet. Raises TopicRecreatedError."""
        if self._topic_id is None:
            self.unknown = True
            self._topic_id = topic_id
            return {TOPIC_KEY: encode_stored(StoredTopic(topic_id))}
        if self._topic_id != topic_id:
            raise TopicRecreatedError(
                f"partition {self.number}: the states were made from commands topic {self._topic_id}, "
                f"the topic is now {topic_id}"
            )
        return {}

    def _restore_law(self, laws: dict[int, StoredLaw]) -> None:
        # Law rows beyond the head were written by a worker that died before the head followed: their
        # record is decided again when it is read again.
        for version in range(1, self.head.law_version + 1):
            if version not in laws:
                raise CorruptStateError(
                    f"partition {self.number}: law version {version} of "
                    f"{self.head.law_version} is missing from the state topic"
                )
            self._amend(laws[version].applied, laws[version].record)
        self._engine = engine_of(self._engines, self.law.engine)

    # ---- the batch ------------------------------------------------------------------------------

    def read(self, record: Incoming) -> Decoded | Poison:
        """The record as a message, or the reason why it is none.

        Raises PartitionStuckError for law that this release cannot read: what comes after it must not be
        decided without it.
        """
        try:
            message = decode_command(record.value)
        except UndecodableError as error:
            if says_law(record.value):
                raise PartitionStuckError(
                    f"partition {self.number}: the law at offset {record.offset} is none that this release "
                    f"knows ({error}); deploy the release that enacted it"
                ) from error
            return Poison(record, str(error))
        why = misaddressed(record, message)
        return Poison(record, why) if why else Decoded(record, message)

    def apply(self, batch: Sequence[Decoded | Poison]) -> Output:
        """Decide a batch in its order. A record for the whole partition must be a batch of its own.

        Raises DecisionCrashedError, which is to be counted, or PartitionStuckError; either way nothing of
        the batch may be written and this object is of no further use.
        """
        output = Output()
        for item in batch:
            # What was decided before and is read again takes nothing back.
            if isinstance(item, Poison):
                self.last_offset = max(self.last_offset, item.record.offset)
                output.poison.append(item)
                continue
            self.last_offset = max(self.last_offset, item.offset)
            if item.offset <= self.head.applied:
                output.skipped += 1
            else:
                self._apply(item, output)
        return output

    def _apply(self, item: Decoded, output: Output) -> None:
        match item.message:
            case Command() as command:
                self._command(item.record, command, output)
            case DrawNumber() as record:
                self.registers.draw(item.offset, record, output)
            case DeadlinesReached() as reached:
                self._reached(item.offset, reached, output)
            case LawChanged() as changed:
                self._changed(item.offset, changed, output)
            case TimeAdvanced(to=to):
                if self.head.time is None or to > self.head.time:
                    self._set_head(item.offset, output, replace(self.head, time=to))
                self._announce(Cause(self.number, item.offset, 0), output)
            case Unparked(dossier_id=dossier_id):
                self._release(item.offset, dossier_id, output)
            case Parked():
                pass  # known since before the record it names; it stands here for who decides again

    def _command(self, record: Incoming, command: Command, output: Output) -> None:
        offset = record.offset
        stored = self._get(command.dossier_id)
        if stored and offset <= stored.applied:
            output.skipped += 1
            return
        cause = Cause(self.number, offset, 0)
        dossier = stored.dossier if stored else None
        waited = self._holds_clock(dossier)
        parked = self.parking.at(command.dossier_id, offset)
        if parked:
            with stuck(self.number, offset):
                decision = refuse(dossier, command, cause)
        else:
            with counted(self.number, offset, command.dossier_id):
                decision = self._decide(dossier, command, cause)
        output.facts.extend(decision.facts)
        output.forwards.extend(draws(decision.facts))
        output.outcomes.append(decision.outcome)
        if decision.facts and decision.dossier:
            self._put(offset, decision.dossier, output, dossier)
        stands_still = parked is not None and parked.since == offset
        if parked and stands_still:
            output.poison.append(Poison(record, f"parked: {parked.reason}"))
        if waited and (stands_still or not self._holds_clock(decision.dossier)):
            # The last dossier the clock was waiting for may be settled by a command, or stand still.
            self._announce(Cause(self.number, offset, len(decision.facts)), output)

    def _decide(self, dossier: Dossier | None, command: Command, cause: Cause) -> Decision:
        """The engine's decision; a dossier whose date an amended calendar moves is re-dated first."""
        redated = self._redated(dossier, command.at, cause)
        if redated is None:
            return self._engine.decide(dossier, self.law, command, cause)
        fact, dossier = redated
        after = self._engine.decide(dossier, self.law, command, replace(cause, n=1))
        return Decision((fact, *after.facts), after.dossier, after.outcome)

    def _reached(self, offset: int, reached: DeadlinesReached, output: Output) -> None:
        fired_here: set[str] = set()  # several timers of one dossier may stand in one list
        for place, entry in enumerate(reached.entries):
            stored = self._get(entry.dossier_id)
            if stored is None or self.parking.at(entry.dossier_id, offset):
                continue
            if offset <= stored.applied and entry.dossier_id not in fired_here:
                continue
            cause = Cause(self.number, offset, place)
            with counted(self.number, offset, entry.dossier_id):
                fired = self._redated(stored.dossier, reached.at, cause)
                if fired is None and entry.timer != CALENDAR_TIMER:
                    fired = self._engine.fire(stored.dossier, entry.timer, entry.version, reached.at, cause)
            if fired:
                output.facts.append(fired[0])
                fired_here.add(entry.dossier_id)
                self._put(offset, fired[1], output, stored.dossier)
        if self.clock is Clock.LOG:
            self._announce(Cause(self.number, offset, len(reached.entries)), output)

    def _changed(self, offset: int, changed: LawChanged, output: Output) -> None:
        if changed.version <= self.law.version:
            return
        with stuck(self.number, offset):
            amended, engine = self._amend(offset, changed), self._engine
            self._engine = engine_of(self._engines, self.law.engine)
            if amended or self._engine is not engine:  # as whoever recovers from here on will find them
                self._find_to_redate()
        stored = StoredLaw(offset, changed)
        output.states[f"{LAW_KEY}{changed.version}"] = encode_stored(stored)
        head = replace(self.head, law_version=self.law.version, engine=self.law.engine)
        self._set_head(offset, output, head)

    def _amend(self, offset: int, changed: LawChanged) -> bool:
        """Whether the calendar is another one after this record."""
        before = self.law.calendar
        self.law = self.law.amended(changed)
        if before is None or self.law.calendar == before:
            return False
        self._redating.amended_at = offset
        return True

    def _find_to_redate(self) -> None:
        self._redating.find(self._dossiers, self.parking.tables(), self._engine, self.law)

    def _redated(self, dossier: Dossier | None, at: datetime, cause: Cause) -> Fired:
        return self._redating.take(self._engine, dossier, self.law, at, cause)

    def _to_redate(self) -> Iterator[Deadline]:
        """Entries for the dossiers an amended calendar dates otherwise, those that stand still left out."""
        entries = self._redating.entries(self.law)
        return (entry for entry in entries if not self.parking.at(entry.dossier_id, self.last_offset))

    def _set_head(self, offset: int, output: Output, head: StoredPartition) -> None:
        self.head = replace(head, applied=offset)
        output.states[PARTITION_KEY] = encode_stored(self.head)

    # ---- parking --------------------------------------------------------------------------------

    def to_park(self) -> list[Parked]:
        """What crashed too often and is still ahead: to be appended before anything else is decided."""
        return [record for record in self.parking.pending() if not self._is_behind(record)]

    def _is_behind(self, record: Parked) -> bool:
        stored = self._get(record.dossier_id)
        return record.offset <= self.head.applied or (stored is not None and record.offset <= stored.applied)

    def _release(self, offset: int, dossier_id: str, output: Output) -> None:
        output.states |= self.parking.release(dossier_id, offset)
        stored = self._get(dossier_id)
        if stored:
            self._index(stored.dossier)  # its timers may have been passed over meanwhile

    # ---- time -----------------------------------------------------------------------------------

    def now(self, wall: datetime) -> datetime | None:
        """The partition's time: the wall clock's, or, under the log clock, what the log last said."""
        return wall if self.clock is Clock.SYSTEM else self.head.time

    def due(self, wall: datetime) -> DeadlinesReached | None:
        """The record to append now that time passed deadlines; None while nothing is due."""
        now = self.now(wall)
        if now is None:
            return None
        limit = DeadlinesReached.LIMIT
        entries = tuple(islice(self._to_redate(), limit))
        if len(entries) < limit:
            entries += self.deadlines.passed(now, limit - len(entries))
        return DeadlinesReached(at=now, entries=entries) if entries else None

    def _announce(self, cause: Cause, output: Output) -> None:
        """Tell readers the log clock's time, once no deadline before it is left to fire or may come to be."""
        time = self.head.time
        if time is None or next(self._to_redate(), None):
            return
        earliest = self.deadlines.next_at()
        if earliest is None or earliest >= time.timestamp():
            output.facts.append(ClockMoved(cause=cause, to=time))

    def _holds_clock(self, dossier: Dossier | None) -> bool:
        """Whether a deadline of it before the log clock's time has yet to fire, or may come to be."""
        time = self.head.time
        if time is None or dossier is None:
            return False
        return dossier.id in self._redating or any(timer.at < time for timer in dossier.timers)

    # ---- dossiers -------------------------------------------------------------------------------

    @property
    def dossiers(self) -> Mapping[str, bytes]:
        """Every dossier's state record by its key."""
        return self._dossiers

    def dossier(self, dossier_id: str) -> Dossier | None:
        """The dossier as it stands."""
        stored = self._get(dossier_id)
        return stored.dossier if stored else None

    def _get(self, dossier_id: str) -> StoredDossier | None:
        data = self._dossiers.get(dossier_id)
        return None if data is None else decode_dossier(data)

    def _put(self, offset: int, dossier: Dossier, output: Output, before: Dossier | None) -> None:
        data = encode_stored(StoredDossier(offset, dossier))
        self._dossiers[dossier.id] = data
        output.states[dossier.id] = data
        self._index(dossier, before)

    def _index(self, dossier: Dossier, before: Dossier | None = None) -> None:
        for timer in dossier.timers:
            if before is None or timer not in before.timers:
                self.deadlines.add(dossier.id, timer.at)

    def _standing(self, dossier_id: str) -> tuple[Timer, ...]:
        """The timers of a dossier that may fire: none while it is parked."""
        data = self._dossiers.get(dossier_id)
        if data is None or self.parking.at(dossier_id, self.last_offset):
            return ()
        return decode_timers(data).dossier.timers
