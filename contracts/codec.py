"""Bytes to messages and back, with one error for everything that is not a message.

JSON, UTF-8. Unknown fields are ignored when reading, so that an older reader survives a newer writer;
missing or malformed ones are refused.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypeVar

import msgspec

from contracts.commands import (
    Apologise,
    Command,
    CommandRecord,
    DeadlinesReached,
    DrawNumber,
    TimeAdvanced,
)
from contracts.facts import ClockMoved, FactRecord
from contracts.law import LawEntry
from contracts.outcomes import CommandOutcome

T = TypeVar("T")

YEARS: Final = range(1990, 2200)
"""The years a record's own time may lie in."""

_encoder: Final = msgspec.json.Encoder()
_commands: Final[msgspec.json.Decoder[CommandRecord]] = msgspec.json.Decoder(CommandRecord)
_facts: Final[msgspec.json.Decoder[FactRecord]] = msgspec.json.Decoder(FactRecord)
_outcomes: Final = msgspec.json.Decoder(CommandOutcome)
_law: Final[msgspec.json.Decoder[LawEntry]] = msgspec.json.Decoder(LawEntry)


class UndecodableError(ValueError):
    """The bytes are not a message of this topic: dead-letter it, never retry it."""


def encode(message: msgspec.Struct) -> bytes:
    """The bytes of a message; the same message always gives the same bytes."""
    return _encoder.encode(message)


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | None) -> T:
    if data is None:
        raise UndecodableError("a record without a value")
    try:
        return decoder.decode(data)
    # RecursionError: nested deeper than any message is.
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UndecodableError(str(error)) from error


def _check_reach(at: datetime) -> None:
    """An instant at the edge of the calendar is well-formed, yet no reader can reckon with it."""
    if at.year not in YEARS:
        raise UndecodableError(f"the year {at.year} is out of reach ({YEARS[0]} to {YEARS[-1]})")


def decode_command(data: bytes | None) -> CommandRecord:
    """A record of ``dossier.commands.v1``. Raises UndecodableError."""
    record = _decode(_commands, data)
    match record:
        case Command(at=at, body=Apologise(until=until)):
            _check_reach(at)
            _check_reach(until)
        case Command(at=at) | DrawNumber(at=at) | DeadlinesReached(at=at) | TimeAdvanced(to=at):
            _check_reach(at)
    return record


def decode_fact(data: bytes | None) -> FactRecord:
    """A record of ``dossier.events.v1``. Raises UndecodableError."""
    record = _decode(_facts, data)
    _check_reach(record.to if isinstance(record, ClockMoved) else record.at)
    return record


def decode_outcome(data: bytes | None) -> CommandOutcome:
    """A record of ``dossier.outcomes.v1``. Raises UndecodableError."""
    return _decode(_outcomes, data)


def decode_law(data: bytes | None) -> LawEntry:
    """A record of ``law.v1``. Raises UndecodableError."""
    return _decode(_law, data)
