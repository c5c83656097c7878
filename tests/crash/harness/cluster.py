"""The topics of a few partitions, in memory. What was appended stays; nothing else survives anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from contracts.codec import encode
from contracts.commands import CommandRecord, DrawNumber
from contracts.facts import Cause
from services.workflow.engine.records import Incoming, Poison
from tests.fakes.workflow import key_of


@dataclass
class Topics:
    """One partition of every topic workflow reads or writes."""

    commands: list[Incoming] = field(default_factory=list)
    facts: list[tuple[Cause, bytes]] = field(default_factory=list)
    outcomes: list[bytes] = field(default_factory=list)
    letters: list[Poison] = field(default_factory=list)
    states: list[tuple[str, bytes]] = field(default_factory=list)
    committed: int = 0


class Cluster:
    """The brokers. `late` holds writes that were on the wire when their writer went away."""

    def __init__(self, partitions: int) -> None:
        self.partitions = [Topics() for _ in range(partitions)]
        self.late: list[Callable[[], object]] = []
        self._moved = asyncio.Event()

    def append(self, partition: int, record: CommandRecord) -> int:
        """A record at the end of the commands; its offset."""
        return self.append_raw(partition, key_of(record), encode(record))

    def forward(self, draw: DrawNumber) -> int:
        """A draw at the end of the commands of the partition its seal is kept in."""
        return self.append(self.home(draw.seal_id), draw)

    def home(self, key: str) -> int:
        """The partition of a key."""
        return int(key, 16) % len(self.partitions)

    def append_raw(self, partition: int, key: bytes | None, value: bytes | None) -> int:
        """Any bytes at the end of the commands."""
        commands = self.partitions[partition].commands
        commands.append(Incoming(len(commands), key, value))
        self.wake()
        return len(commands) - 1

    def wake(self) -> None:
        """Tell every reader to look again."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def moved(self) -> None:
        """Wait until there may be something new to read."""
        await self._moved.wait()
