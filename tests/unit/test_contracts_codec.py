"""Bytes to messages: one error for whatever is no message, and the same bytes for the same message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import msgspec
import pytest

from contracts import codec
from contracts.codec import UndecodableError
from contracts.commands import TimeAdvanced

EXAMPLES = Path(codec.__file__).parent / "examples"
DECODERS: list[Callable[[bytes | None], msgspec.Struct]] = [
    codec.decode_command,
    codec.decode_fact,
    codec.decode_outcome,
    codec.decode_law,
]


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"{",
        b"null",
        b"[]",
        b'"command"',
        b"{}",
        b'{"record":"command"}',
        b'{"record":"unheard"}',
        b'{"entry":7}',
        b'\xff\xfe{"record":"time"}',
        b'{"record":"time","to":"\xe9"}',
        b'{"record":"time","to":"2020-13-01T00:00:00Z"}',
        b'{"command_id":"\\u0000"}',
        b"[" * 100_000,
        b'{"record":"time","entry":"enacted","x":' + b"[" * 100_000,
        b"9" * 100_000,
    ],
)
def test_what_is_no_message_is_undecodable(
    decode: Callable[[bytes | None], object], data: bytes | None
) -> None:
    with pytest.raises(UndecodableError):
        decode(data)


def test_the_same_message_always_gives_the_same_bytes() -> None:
    message = TimeAdvanced(to=datetime(2020, 12, 31, 16, 59, 59, tzinfo=UTC))
    assert codec.encode(message) == b'{"record":"time","to":"2020-12-31T16:59:59Z"}'
    assert codec.encode(codec.decode_command(codec.encode(message))) == codec.encode(message)


def test_an_instant_is_one_whatever_its_offset() -> None:
    hanoi = datetime(2020, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=7)))
    read = codec.decode_command(codec.encode(TimeAdvanced(to=hanoi)))
    assert read == TimeAdvanced(to=hanoi)


@pytest.mark.parametrize(
    "to", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00", "1989-12-31T00:00:00Z"]
)
def test_an_instant_no_reader_can_reckon_with_is_no_message(to: str) -> None:
    """The first two are well-formed, but have no UTC form: a worker would die of them again and again."""
    with pytest.raises(UndecodableError, match="out of reach"):
        codec.decode_command(b'{"record":"time","to":"%s"}' % to.encode())
    with pytest.raises(UndecodableError, match="out of reach"):
        codec.decode_fact(b'{"record":"clock","cause":[0,0,0],"to":"%s"}' % to.encode())


@pytest.mark.parametrize(
    ("decode", "path", "said"),
    [
        (codec.decode_command, "dossier.commands.v1/Apologise", "2020-03-10T10:00:00Z"),
        (codec.decode_command, "dossier.commands.v1/DrawNumber", "2020-03-03T02:30:00Z"),
        (codec.decode_fact, "dossier.events.v1/NumberDrawn", "2020-03-03T02:31:00Z"),
    ],
)
@pytest.mark.parametrize("instead", ["0001-01-01T00:00:00+23:00", "2200-01-01T00:00:00Z"])
def test_nor_is_a_promise_or_a_stamp_no_reader_can_reckon_with(
    decode: Callable[[bytes | None], object], path: str, said: str, instead: str
) -> None:
    """An apology moves the due date there, a seal's register counts that year."""
    example = (EXAMPLES / path / "valid.json").read_text(encoding="utf-8")
    assert decode(example.encode())
    assert example.count(said) == 1
    with pytest.raises(UndecodableError, match="out of reach"):
        decode(example.replace(said, instead).encode())
