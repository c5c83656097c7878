"""The registers of a partition's seals: each one gives its numbers to stamps of whatever partition.

A stamp is decided in its dossier's partition; the number is drawn in that of its seal, by a record the worker
forwards there. No answer goes back: who wants to know the number joins the two facts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contracts.commands import DrawNumber
from contracts.facts import Cause
from services.workflow.domain.seals import draw
from services.workflow.engine.judging import stuck
from services.workflow.engine.records import Output, StoredRegister, encode_stored


class Registers:
    """Those of partition `number`. They are few beside the dossiers, and kept decoded."""

    def __init__(self, number: int) -> None:
        self._number: Final = number
        self._kept: Final[dict[str, StoredRegister]] = {}

    @property
    def kept(self) -> Mapping[str, StoredRegister]:
        """Every register, by the key of its seal."""
        return self._kept

    def records(self) -> dict[str, bytes]:
        """Every register's state record by its key."""
        return {key: encode_stored(stored) for key, stored in self._kept.items()}

    def restore(self, key: str, stored: StoredRegister) -> None:
        """Take over a record of the state topic."""
        self._kept[key] = stored

    def draw(self, offset: int, record: DrawNumber, output: Output) -> None:
        """Give the stamp its number, unless it has one. Raises PartitionStuckError.

        Nothing is ever refused here, so there is nobody to park: standing still, a register would leave
        stamps without numbers, or give them later in another order. What crashes stops the partition.
        """
        stored = self._kept.get(record.seal_id)
        if stored and offset <= stored.applied:
            output.skipped += 1
            return
        with stuck(self._number, offset):
            register = stored.register if stored else None
            drawn = draw(register, record, Cause(self._number, offset, 0))
        if drawn is None:  # forwarded again after a crash
            output.skipped += 1
            return
        fact, register = drawn
        self._kept[record.seal_id] = after = StoredRegister(offset, register)
        output.facts.append(fact)
        output.states[record.seal_id] = encode_stored(after)
