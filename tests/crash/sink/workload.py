"""What the facts' topic gets to hold: lives of dossiers, told by a workflow that crashes and repeats itself.

A worker writes a batch at a time. After a crash its successor begins at some earlier place and repeats from
there on, in the same order, which gives the five ways a batch can come again:

* same: once more what the last batch was; * overlapping: from its middle on, and further;
* contains: from before it, all of it, and further; * cropped: the crash had cut the batch off, and now it
comes whole; * new: nothing of it again.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from typing import Final

from tests.crash.sink.broker import Broker
from tests.fakes.analytics import MemoryFacts
from tests.fakes.analytics_facts import fill

KINDS: Final = ("same", "overlapping", "contains", "cropped", "new")
GARBAGE: Final = (b"\xff\xfe", b"{}", None, b"[]", b'{"record":"fact"}', b"")
Line = tuple[bytes, bytes | None]


@functools.cache
def lives(partitions: int, variant: int) -> tuple[tuple[Line, ...], ...]:
    """By partition, everything that happens, each once."""
    topic = MemoryFacts(range(partitions))
    fill(topic, 4 + variant % 7, random.Random(variant), noise=False)
    return tuple(
        tuple((r.value, r.key) for r in topic.records[p] if r.value is not None) for p in range(partitions)
    )


def again(kind: str, done: int, size: int, chance: random.Random) -> tuple[int, int]:
    """After a batch of `size` lines that ended at `done`: where the next one begins, and how many are cut off
    the end of the batch as it stands in the log."""
    match kind:
        case "same":
            return done - size, 0
        case "overlapping":
            return done - chance.randint(1, max(1, size - 1)), 0
        case "contains":
            return max(0, done - size - chance.randint(1, 9)), 0
        case "cropped":
            return done - size, chance.randint(1, size)
    return done, 0


class Workflow:
    """Tells the lives of one partition, batch by batch, over some seconds."""

    def __init__(
        self, broker: Broker, partition: int, lines: Sequence[Line], chance: random.Random, poison: float
    ) -> None:
        self._broker, self._partition, self._chance, self._poison = broker, partition, chance, poison
        self._lines, self._at = lines, 0
        self.kinds: list[str] = []
        self._pace = chance.choice((0.05, 0.5, 4.0))

    @property
    def over(self) -> bool:
        """Whether everything was told."""
        return self._at >= len(self._lines)

    def go_on(self) -> None:
        """The next batch, perhaps a crash after it; and so on until all is told."""
        chance = self._chance
        start, size = self._at, min(chance.choice((1, 2, 5, 20)), len(self._lines) - self._at)
        crash = chance.random() < 0.2
        kind = chance.choice(KINDS) if crash else "new"
        if crash:
            self.kinds.append(kind)
        self._at, cut = again(kind, start + size, size, chance)
        self.tell(start, start + size - cut)
        if not self.over:
            self._broker.timeline.after(self._pace * chance.random() + crash * 2.0, self.go_on)

    def tell(self, start: int, end: int) -> None:
        """These lines, with some garbage in between."""
        for value, key in self._lines[start:end]:
            self._broker.tell(self._partition, value, key)
            if self._chance.random() < self._poison:
                self._broker.tell(self._partition, self._chance.choice(GARBAGE))
