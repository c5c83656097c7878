"""Every published example: the valid ones decode and fit their schema, the invalid ones do neither.

``contracts/examples/<topic>/<MessageType>/`` holds one ``valid.json`` and several ``invalid-*.json``. The
message type is the body's (commands, facts), the only change's (law) or the record's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import jsonschema
import msgspec
import pytest

from contracts import topics
from contracts.codec import (
    UndecodableError,
    decode_command,
    decode_fact,
    decode_law,
    decode_outcome,
    encode,
)
from contracts.commands import (
    Command,
    CommandBody,
    DeadlinesReached,
    DrawNumber,
    LawChanged,
    Parked,
    TimeAdvanced,
    Unparked,
)
from contracts.facts import ClockMoved, Fact, FactBody, NumberDrawn
from contracts.law import LawChange, LawEnacted, LawForwarded
from contracts.outcomes import CommandOutcome
from contracts.schemas import FOLDER, MESSAGES

EXAMPLES: Final = Path(__file__).parents[2] / "contracts" / "examples"
DECODERS: Final[dict[str, Callable[[bytes | None], msgspec.Struct]]] = {
    topics.COMMANDS: decode_command,
    topics.FACTS: decode_fact,
    topics.OUTCOMES: decode_outcome,
    topics.LAW: decode_law,
}
TYPES: Final[dict[str, set[str]]] = {
    topics.COMMANDS: {
        t.__name__
        for t in (
            *CommandBody.__args__,
            DrawNumber,
            LawChanged,
            TimeAdvanced,
            DeadlinesReached,
            Parked,
            Unparked,
        )
    },
    topics.FACTS: {t.__name__ for t in (*FactBody.__args__, ClockMoved, NumberDrawn)},
    topics.OUTCOMES: {CommandOutcome.__name__},
    topics.LAW: {t.__name__ for t in (*LawChange.__args__, LawEnacted, LawForwarded)},
}
VALID: Final = sorted(EXAMPLES.glob("*/*/valid.json"))
INVALID: Final = sorted(EXAMPLES.glob("*/*/invalid-*.json"))

formats: Final = jsonschema.FormatChecker(["date"])


@formats.checks("date-time", raises=ValueError)
def _is_instant(value: object) -> bool:
    """RFC 3339 with an offset; a time without one is no instant."""
    if not isinstance(value, str):
        return True
    return re.search(r"[Tt ]", value) is not None and datetime.fromisoformat(value).tzinfo is not None


def _validator(topic: str) -> jsonschema.Draft202012Validator:
    schema: Any = msgspec.json.decode((FOLDER / f"{topic}.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=formats)


VALIDATORS: Final = {topic: _validator(topic) for topic in MESSAGES}


def _place(path: Path) -> tuple[str, str]:
    return path.parents[1].name, path.parent.name


def _name(path: Path) -> str:
    return "-".join((*_place(path), path.stem))


def _types_in(message: msgspec.Struct) -> set[str]:
    """The names under which a message may be filed."""
    if isinstance(message, Command | Fact):
        return {type(message.body).__name__}
    if isinstance(message, LawEnacted):
        return {LawEnacted.__name__} | {type(change).__name__ for change in message.changes}
    return {type(message).__name__}


def test_every_message_type_has_one_valid_and_several_invalid_examples() -> None:
    assert set(DECODERS) == set(MESSAGES) == {folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()}
    for topic, types in TYPES.items():
        assert {folder.name for folder in (EXAMPLES / topic).iterdir()} == types
    for path in VALID:
        invalid = list(path.parent.glob("invalid-*.json"))
        assert len(invalid) >= 2, f"{path.parent} has too few invalid examples"
        assert len(list(path.parent.iterdir())) == 1 + len(invalid), f"{path.parent} holds something else"
    assert {path.parent for path in VALID} == {path.parent for path in INVALID}


@pytest.mark.parametrize("path", VALID, ids=_name)
def test_a_valid_example_decodes_and_fits_its_schema(path: Path) -> None:
    topic, message_type = _place(path)
    data = path.read_bytes()
    message = DECODERS[topic](data)
    assert message_type in _types_in(message)
    VALIDATORS[topic].validate(msgspec.json.decode(data))


@pytest.mark.parametrize("path", VALID, ids=_name)
def test_what_we_write_is_read_back_the_same_and_fits_the_schema(path: Path) -> None:
    topic, _ = _place(path)
    message = DECODERS[topic](path.read_bytes())
    written = encode(message)
    assert DECODERS[topic](written) == message
    assert encode(DECODERS[topic](written)) == written
    VALIDATORS[topic].validate(msgspec.json.decode(written))


@pytest.mark.parametrize("path", VALID, ids=_name)
def test_a_field_from_a_newer_writer_is_ignored(path: Path) -> None:
    topic, _ = _place(path)
    data: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    newer = {**data, "field_of_tomorrow": {"any": ["thing"]}}
    assert DECODERS[topic](msgspec.json.encode(newer)) == DECODERS[topic](path.read_bytes())
    VALIDATORS[topic].validate(newer)


@pytest.mark.parametrize("path", INVALID, ids=_name)
def test_an_invalid_example_is_refused_by_the_codec_and_by_the_schema(path: Path) -> None:
    topic, _ = _place(path)
    data = path.read_bytes()
    with pytest.raises(UndecodableError):
        DECODERS[topic](data)
    assert not VALIDATORS[topic].is_valid(msgspec.json.decode(data))
