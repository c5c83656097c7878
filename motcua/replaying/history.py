"""Reading a history: an optional header line, then commands, cut into bodies that the door takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from contracts.outcomes import ActionName
from motcua.failure import Failure

MOST_LINES: Final = 2_000
MOST_BYTES: Final = 4 * 1024 * 1024
"""Half of what the door takes, so that a slow answer costs little to repeat."""

Instant = Annotated[datetime, Meta(tz=True)]


class Period(Struct, frozen=True, rename={"first": "from", "last": "to"}):
    """Local days, both inclusive."""

    first: date
    last: date


class About(Struct, frozen=True):
    """What the header says. `time_to` is the time to which the clock moves after the last line."""

    time_to: Instant
    period: Period | None = None
    dossiers: int | None = None


class _Header(Struct, frozen=True):
    history: About


class _Peek(Struct, frozen=True):
    """What the replay itself needs of a command; the rest is the door's to judge."""

    action: str = ""
    at: Instant | None = None


class HistoryError(Failure):
    """The history itself is at fault, not the stack it is sent to."""


@dataclass
class Chunk:
    """Lines sent together, and how many of them register a dossier."""

    lines: list[bytes]
    size: int = 0
    registrations: int = 0


class Recording:
    """A history being read. `about` is known after construction, `latest` after the last chunk."""

    def __init__(self, source: Iterable[bytes]) -> None:
        """`source`: lines as a binary file gives them.

        Raises HistoryError for a first line that is no JSON object, or when there is none.
        """
        lines = ((number, line.strip()) for number, line in enumerate(source, start=1))
        self._lines: Final = ((number, line) for number, line in lines if line)
        first = next(self._lines, None)
        if first is None:
            raise HistoryError("the history is empty")
        self.latest: datetime | None = None
        self.registrations = 0
        _peek(*first)
        self.about = _about(first[1])
        self._first: Final = None if self.about else first

    @property
    def time_to(self) -> datetime:
        """Where the clock has to go: the header's word, else the last command's own time."""
        if self.about:
            return self.about.time_to
        if self.latest is None:
            raise HistoryError("no command of the history says when it happened, and there is no header")
        return self.latest

    def chunks(self, most_lines: int = MOST_LINES) -> Iterator[Chunk]:
        """The commands in their order, at most `most_lines` together.

        Raises HistoryError for a line that is no JSON object, naming its number, and, after the last chunk,
        when the header counts other dossiers than were registered.
        """
        chunk = Chunk([])
        for number, line in self._all():
            registers = self._look(number, line)
            if chunk.lines and (len(chunk.lines) == most_lines or chunk.size + len(line) > MOST_BYTES):
                yield chunk
                chunk = Chunk([])
            chunk.lines.append(line)
            chunk.size += len(line) + 1
            chunk.registrations += registers
        if chunk.lines:
            yield chunk
        self._check_whole()

    def check(self) -> None:
        """Read to the end and send nothing. Raises HistoryError as :meth:`chunks` and `time_to` do."""
        for number, line in self._all():
            self._look(number, line)
        self._check_whole()
        _ = self.time_to

    def _all(self) -> Iterator[tuple[int, bytes]]:
        if self._first is not None:
            yield self._first
        yield from self._lines

    def _look(self, number: int, line: bytes) -> bool:
        """Whether the line registers a dossier."""
        peek = _peek(number, line)
        if peek.at and (self.latest is None or peek.at > self.latest):
            self.latest = peek.at
        registers = peek.action == ActionName.REGISTER
        self.registrations += registers
        return registers

    def _check_whole(self) -> None:
        """A history that was cut off is no history: its figures would be wrong without a word."""
        told = self.about.dossiers if self.about else None
        if told is not None and told != self.registrations:
            raise HistoryError(f"the header says {told} dossiers, the history holds {self.registrations}")


_peeking: Final = msgspec.json.Decoder(_Peek)


def _peek(number: int, line: bytes) -> _Peek:
    """What the replay needs of a line; a member of a wrong type is left to the door to refuse."""
    try:
        if not line.isascii():
            line.decode()  # the decoder looks into no text that it does not keep
        return _peeking.decode(line)
    except msgspec.ValidationError as error:
        if not line.startswith(b"{"):
            raise HistoryError(f"line {number} is not a JSON object") from error
        # Well-formed up to the member that is wrong; whether the rest is too, a plain reading tells.
        _plain(number, line)
        return _Peek()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HistoryError(f"line {number} is not JSON: {error}") from error


def _plain(number: int, line: bytes) -> None:
    try:
        msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HistoryError(f"line {number} is not JSON: {error}") from error


_header: Final = msgspec.json.Decoder(_Header)


def _about(line: bytes) -> About | None:
    """The header in `line`, None when it is a command. Raises HistoryError for one that cannot be read."""
    if not line.startswith(b'{"history"'):
        return None
    try:
        return _header.decode(line).history
    except msgspec.MsgspecError as error:
        raise HistoryError(f"the header of the history: {error}") from error
