"""The intents topic folded for one lane: who writes, how far it is, what is pending.

Rules that every writer draws from the same log, and therefore agrees on:

* The position is the one with the highest batch number, whoever wrote it and wherever it stands.
* For the batch after it, the first intent in the log counts. A later one, by whomever, is void.
* The newest greeting names the writer. An older writer that sees it must stop, whatever it has begun;
  what it has begun and said first will be finished, range for range, by the newer one.
"""

from __future__ import annotations

from services.analytics.domain.intents import Entry, Greeting, Intent, Position, key_of


class LaneLog:
    """The fold. Entries are applied in the order of their offsets."""

    def __init__(self, lane: str) -> None:
        self.lane = lane
        self.position: Position | None = None
        self.writer: str | None = None
        self._intents: dict[int, Intent] = {}
        self._intent_keys: dict[bytes, int] = {}
        self._position_writers: set[str] = set()

    def apply(self, entry: Entry) -> None:
        """Take one entry in; another lane's is none of ours."""
        if entry.lane != self.lane:
            return
        if isinstance(entry, Greeting):
            self.writer = entry.writer
        elif isinstance(entry, Intent):
            self._intent_keys[key_of(entry)] = entry.batch
            if entry.batch > self.batch:
                self._intents.setdefault(entry.batch, entry)
        else:
            self._position_writers.add(entry.writer)
            if self.position is None or entry.batch > self.position.batch:
                self.position = entry
                self._intents = {b: i for b, i in self._intents.items() if b > entry.batch}

    @property
    def batch(self) -> int:
        """The number of the last batch that stands inserted; 0 when none does."""
        return 0 if self.position is None else self.position.batch

    @property
    def pending(self) -> Intent | None:
        """What was about to be inserted after the position, if anything."""
        return self._intents.get(self.batch + 1)

    def obsolete(self, writer: str) -> list[bytes]:
        """Keys that `writer`, having appended its own position, may delete. Forgets them."""
        keys = [key for key, batch in self._intent_keys.items() if batch <= self.batch]
        for key in keys:
            del self._intent_keys[key]
        others = sorted(self._position_writers - {writer})
        self._position_writers &= {writer}
        return keys + [f"{self.lane}/position/{other}".encode() for other in others]
