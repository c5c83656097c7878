"""Bytes to messages and back, with one error for everything that is not a message.

JSON, UTF-8. Unknown fields are ignored when reading, so that an older reader survives a newer writer;
missing or malformed ones are refused.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from contracts.commands import CommandRecord
from contracts.facts import FactRecord
from contracts.law import LawEntry
from contracts.outcomes import CommandOutcome

T = TypeVar("T")

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


def decode_command(data: bytes | None) -> CommandRecord:
    """A record of ``dossier.commands.v1``. Raises UndecodableError."""
    return _decode(_commands, data)


def decode_fact(data: bytes | None) -> FactRecord:
    """A record of ``dossier.events.v1``. Raises UndecodableError."""
    return _decode(_facts, data)


def decode_outcome(data: bytes | None) -> CommandOutcome:
    """A record of ``dossier.outcomes.v1``. Raises UndecodableError."""
    return _decode(_outcomes, data)


def decode_law(data: bytes | None) -> LawEntry:
    """A record of ``law.v1``. Raises UndecodableError."""
    return _decode(_law, data)
