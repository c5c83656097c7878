"""The records of a partition's state topic on their way in, one at a time and in any order.

For each key the record with the highest rank counts, not the last one: a worker that was thought dead may
have written after its successor. Nothing is kept of the others, so that coming up needs hardly more memory
than being up.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.workflow.engine.records import TABLES, rank


class Restoring:
    """`aggregates` (dossiers, registers) and `tables` are what counts of what came so far, by key."""

    def __init__(self, records: Iterable[tuple[str, bytes]] = ()) -> None:
        self.aggregates: Final[dict[str, bytes]] = {}
        self.tables: Final[dict[str, bytes]] = {}
        self._shadowed: Final[set[str]] = set()
        for key, data in records:
            self.take(key, data)

    def take(self, key: str, data: bytes) -> None:
        """One more record. Raises CorruptStateError when one of the key's is no state."""
        kept = self._of(key)
        before = kept.get(key)
        if before is None or rank(data) >= rank(before):
            kept[key] = data
            self._shadowed.discard(key)
        else:
            self._shadowed.add(key)

    def repairs(self) -> dict[str, bytes]:
        """The records to write again: an older one stands behind them, which compaction would leave alone."""
        return {key: self._of(key)[key] for key in sorted(self._shadowed)}

    def _of(self, key: str) -> dict[str, bytes]:
        return self.tables if key.startswith(TABLES) else self.aggregates
