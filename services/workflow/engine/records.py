"""What goes in and out of a partition, as data: records read, records to write, states kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from contracts.commands import (
    Command,
    CommandRecord,
    DrawNumber,
    LawChanged,
    Parked,
    TimeAdvanced,
    Unparked,
)
from contracts.facts import FactRecord
from contracts.identity import seal_id
from contracts.outcomes import CommandOutcome
from services.workflow.domain.dossier import Dossier, Timer
from services.workflow.domain.seals import Register

TABLES: Final = "@"
"""How the keys of all tables begin, and of no dossier."""
PARTITION_KEY: Final = "@partition"
LAW_KEY: Final = "@law/"
TOPIC_KEY: Final = "@topic"
PARKING_KEY: Final = "@parked/"
CRASH_KEY: Final = "@crash/"
FENCE_KEY: Final = "@fence"
"""Marks the end of the states for one reader; of no meaning to anybody else."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """One record as read from the commands topic."""

    offset: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Decoded:
    """A record that is a message of the topic."""

    record: Incoming
    message: CommandRecord

    @property
    def offset(self) -> int:
        """Its place in the partition."""
        return self.record.offset


@dataclass(frozen=True, slots=True)
class Poison:
    """A record that is none, or that nobody can decide; it goes to the dead-letter topic as it came."""

    record: Incoming
    reason: str


@dataclass(slots=True)
class Output:
    """What a batch writes: first facts, outcomes and poison, then `forwards`, then `states`.

    Each is acked before the next. `forwards` are for the aggregates of seals, in whatever partition.
    """

    facts: list[FactRecord] = field(default_factory=list)
    outcomes: list[CommandOutcome] = field(default_factory=list)
    poison: list[Poison] = field(default_factory=list)
    forwards: list[DrawNumber] = field(default_factory=list)
    states: dict[str, bytes] = field(default_factory=dict)
    skipped: int = 0


class StoredDossier(Struct, frozen=True, tag_field="table", tag="dossier"):
    """A dossier in the state topic, with the offset last applied to it."""

    applied: int
    dossier: Dossier


class StoredRegister(Struct, frozen=True, tag_field="table", tag="register"):
    """The register of a seal in the state topic, with the offset of the last draw that gave a number."""

    applied: int
    register: Register


class StoredLaw(Struct, frozen=True, tag_field="table", tag="law"):
    """One law record; the tables are the fold of all of them in the order of their versions."""

    applied: int
    record: LawChanged


class StoredPartition(Struct, frozen=True, tag_field="table", tag="partition"):
    """How far the partition as a whole has come.

    Written only after every state of the records before it was acked: at or below `applied` nothing is
    left to decide, also for dossiers that never came to be. `time` is the log clock.
    """

    applied: int
    law_version: int = 0
    engine: int = 1
    time: datetime | None = None


class StoredTopic(Struct, frozen=True, tag_field="table", tag="topic"):
    """The commands topic these states were made from; written once, before anything else."""

    topic_id: str
    applied: int = -1


class Span(Struct, frozen=True, array_like=True):
    """A dossier stands still from the record at `since` to the one at `until`, which releases it."""

    since: int
    until: int | None
    reason: str


class StoredParking(Struct, frozen=True, tag_field="table", tag="parking"):
    """When a dossier stood still; whoever knows of more beginnings and ends is right."""

    dossier_id: str
    spans: tuple[Span, ...]


class StoredCrash(Struct, frozen=True, tag_field="table", tag="crash"):
    """How often deciding the record at `offset` for a dossier ended a worker, and with what."""

    dossier_id: str
    offset: int
    count: int
    reason: str

    @property
    def key(self) -> str:
        """Its key in the state topic."""
        return f"{CRASH_KEY}{self.offset}/{self.dossier_id}"


Stored = (
    StoredDossier | StoredRegister | StoredLaw | StoredPartition | StoredTopic | StoredParking | StoredCrash
)


class TopicRecreatedError(Exception):
    """The commands topic is not the one the states were made from: its offsets mean other records.

    Stop; nothing may be skipped by offsets of a log that is gone. Start with new topics altogether.
    """


class StatesLostError(Exception):
    """Commands were decided, yet no state tells of any: the state topic is gone or is another one.

    Stop; going on would answer every known dossier as unknown. Bring the topic back, or start anew.
    """


class CorruptStateError(Exception):
    """The state topic does not hold what the engine wrote: crash, never decide on."""


class DecisionCrashedError(Exception):
    """Deciding the record at `offset` for one dossier failed where it never should.

    End the process, having counted the crash; from the third on the dossier is parked instead.
    """

    def __init__(self, partition: int, offset: int, dossier_id: str, reason: str) -> None:
        super().__init__(f"partition {partition}: deciding offset {offset} crashed with {reason}")
        self.offset: Final = offset
        self.dossier_id: Final = dossier_id
        self.reason: Final = reason


class PartitionStuckError(Exception):
    """A record that cannot be decided and cannot be passed over: stop, a person must act."""


class _Ranked(Struct, frozen=True):
    """As much of a state record as its rank needs."""

    applied: int = -1
    count: int = -1
    spans: tuple[Span, ...] = ()


class _Timed(Struct, frozen=True):
    timers: tuple[Timer, ...] = ()


class StandingTimers(Struct, frozen=True, tag_field="table", tag="dossier"):
    """As much of a dossier's record as the index of deadlines needs: there are many, and few are touched."""

    applied: int
    dossier: _Timed


class _Versioned(Struct, frozen=True):
    """As much of the partition's record as says whether this release may read on."""

    engine: int = 1


_versioned: Final[msgspec.json.Decoder[_Versioned]] = msgspec.json.Decoder(_Versioned)
_ranked: Final[msgspec.json.Decoder[_Ranked]] = msgspec.json.Decoder(_Ranked)
_stored: Final[msgspec.json.Decoder[Stored]] = msgspec.json.Decoder(Stored)
_timers: Final[msgspec.json.Decoder[StandingTimers]] = msgspec.json.Decoder(StandingTimers)
_keyed: Final[msgspec.json.Decoder[StandingTimers | StoredRegister]] = msgspec.json.Decoder(
    StandingTimers | StoredRegister
)
_encoder: Final = msgspec.json.Encoder()


def encode_stored(stored: Stored) -> bytes:
    """The bytes of a state record."""
    return _encoder.encode(stored)


def decode_stored(data: bytes) -> Stored:
    """A record of the state topic. Raises CorruptStateError."""
    try:
        return _stored.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptStateError(str(error)) from error


def decode_dossier(data: bytes) -> StoredDossier:
    """A dossier's record. Raises CorruptStateError."""
    stored = decode_stored(data)
    if not isinstance(stored, StoredDossier):
        raise CorruptStateError("a dossier's key holds another table")
    return stored


def decode_timers(data: bytes) -> StandingTimers:
    """The timers of a dossier's record. Raises CorruptStateError."""
    try:
        return _timers.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptStateError(str(error)) from error


def decode_keyed(data: bytes) -> StandingTimers | StoredRegister:
    """The record of an aggregate: a dossier's timers, or a seal's register. Raises CorruptStateError."""
    try:
        return _keyed.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptStateError(str(error)) from error


def rank(data: bytes) -> int:
    """Of several records of one key the one with the highest rank counts, wherever it stands.

    It is the offset last applied; of crashes the count; of parking tables how many offsets they know. Raises
    CorruptStateError.
    """
    try:
        ranked = _ranked.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, TypeError) as error:  # TypeError: a tombstone
        raise CorruptStateError(str(error)) from error
    known = sum(1 if span.until is None else 2 for span in ranked.spans)
    return max(ranked.applied, ranked.count, known)


def engine_version(data: bytes) -> int:
    """The engine the partition's record names, whatever else it holds. Raises CorruptStateError."""
    try:
        return _versioned.decode(data).engine
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CorruptStateError(str(error)) from error


class _Tagged(Struct, frozen=True):
    record: str = ""


_tagged: Final[msgspec.json.Decoder[_Tagged]] = msgspec.json.Decoder(_Tagged)


def says_law(data: bytes | None) -> bool:
    """Whether a record that is no message all the same says that it is law."""
    try:
        return data is not None and _tagged.decode(data).record == LawChanged.__struct_config__.tag
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def concerns_partition(message: CommandRecord) -> bool:
    """Whether a record changes the whole partition; such a record is a batch of its own."""
    # Parking tables say from where to where they hold, so that they need no batch of their own.
    return isinstance(message, LawChanged | TimeAdvanced)


def misaddressed(record: Incoming, message: CommandRecord) -> str | None:
    """Why a record's key is not that of the aggregate it is for; None when it is, or is for none."""
    match message:
        case Command(dossier_id=key) | Parked(dossier_id=key) | Unparked(dossier_id=key):
            return None if record.key == key.encode() else "the key is not the dossier the command is for"
        case DrawNumber(seal_id=key, seal=seal):
            # The seal's own key, so that no register is ever kept where a dossier is.
            right = record.key == key.encode() and key == seal_id(seal)
            return None if right else "the key is not the seal the number is drawn from"
        case _:
            return None
