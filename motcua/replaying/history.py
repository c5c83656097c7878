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


@dataclass
class Chunk:
    """Lines sent together, and how many of them register a dossier."""

    lines: list[bytes]
    size: int = 0
    registrations: int = 0


class Recording:
    """A history being read. `about` is known after construction, `latest` after the last chunk."""

    def __init__(self, source: Iterable[bytes]) -> None:
        """`source`: lines as a binary file gives them. Raises Failure when there is none."""
        lines = (line.strip() for line in source)
        self._lines: Final = (line for line in lines if line)
        first = next(self._lines, None)
        if first is None:
            raise Failure("the history is empty")
        self.latest: datetime | None = None
        self.about = _about(first)
        self._first: Final = None if self.about else first

    @property
    def time_to(self) -> datetime:
        """Where the clock has to go: the header's word, else the last command's own time."""
        if self.about:
            return self.about.time_to
        if self.latest is None:
            raise Failure("no command of the history says when it happened, and there is no header")
        return self.latest

    def chunks(self, most_lines: int = MOST_LINES) -> Iterator[Chunk]:
        """The commands in their order, at most `most_lines` together."""
        chunk = Chunk([])
        for line in self._all():
            if chunk.lines and (len(chunk.lines) == most_lines or chunk.size + len(line) > MOST_BYTES):
                yield chunk
                chunk = Chunk([])
            chunk.lines.append(line)
            chunk.size += len(line) + 1
            chunk.registrations += self._look(line)
        if chunk.lines:
            yield chunk

    def _all(self) -> Iterator[bytes]:
        if self._first is not None:
            yield self._first
        yield from self._lines

    def _look(self, line: bytes) -> bool:
        """Whether the line registers a dossier; what cannot be read is left to the door to refuse."""
        try:
            peek = _peek.decode(line)
        except msgspec.MsgspecError:
            return False
        if peek.at and (self.latest is None or peek.at > self.latest):
            self.latest = peek.at
        return peek.action == ActionName.REGISTER


_peek: Final = msgspec.json.Decoder(_Peek)


def _about(line: bytes) -> About | None:
    """The header in `line`, None when it is a command. Raises Failure for a header that cannot be read."""
    if not line.startswith(b'{"history"'):
        return None
    try:
        return msgspec.json.decode(line, type=_Header).history
    except msgspec.MsgspecError as error:
        raise Failure(f"the header of the history: {error}") from error
