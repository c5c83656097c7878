"""A seal's register: the stamps of a seal with their numbers, folded from their rows.

Three facts make an entry, and they stand in two partitions: the stamp (and its revocation) among the facts of
its dossier, its number among those of the seal. So an entry is merged from pieces, in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from services.analytics.domain.dossier import local_day
from services.analytics.domain.rows import NUMBER_DRAWN, FactRow

_TYPES: Final = frozenset({"StampApplied", "StampRevoked", NUMBER_DRAWN})

StampKey = tuple[str, str, int]
"""Seal, dossier, and the number of the fact `StampApplied` in its dossier."""


class StampRow(NamedTuple):
    """One stamp; the fields are columns of ``stamps``. Instants in microseconds, 0 none; `number` 0 none.

    `agency` is the one whose seal it is, known with the number. `facts` are the rows it was made of.
    """

    seal: str
    dossier_id: str
    stamp: int
    agency: str = ""
    year: int = 0
    number: int = 0
    applied_at: int = 0
    drawn_at: int = 0
    revoked_at: int = 0
    facts: int = 0

    @property
    def key(self) -> StampKey:
        """What tells stamps apart."""
        return (self.seal, self.dossier_id, self.stamp)

    @property
    def of_year(self) -> int:
        """The year whose register it stands in, or will: the register's word, else the stamp's local year."""
        return self.year or local_day(self.applied_at).year

    @property
    def complete(self) -> bool:
        """Whether the stamp and its number are both here."""
        return bool(self.number and self.applied_at)


def stamp_of(row: FactRow) -> StampKey | None:
    """The stamp a row is about, if it is about one."""
    if row.type not in _TYPES:
        return None
    return (row.seal, row.stamped_dossier or row.dossier_id, row.stamp)


def fold_stamp(state: StampRow | None, row: FactRow) -> StampRow:
    """The stamp after one more of the rows about it, in any order. `row` must be about one."""
    key = stamp_of(row)
    assert key is not None
    state = StampRow(*key) if state is None else state
    state = state._replace(facts=state.facts + 1)
    match row.type:
        case "StampApplied":
            return state._replace(applied_at=max(state.applied_at, row.at))
        case "StampRevoked":
            return state._replace(revoked_at=max(state.revoked_at, row.at))
        case _:
            return state._replace(
                agency=max(state.agency, row.agency),
                year=max(state.year, row.year),
                number=max(state.number, row.number),
                drawn_at=max(state.drawn_at, row.at),
            )


def gapless(entries: Sequence[StampRow]) -> bool:
    """Whether a year's register is whole: numbers from 1 without a gap, none twice, and each with its stamp.

    A stamp whose number has not come yet makes it not whole for that moment.
    """
    numbers = sorted(entry.number for entry in entries)
    return numbers == list(range(1, len(entries) + 1)) and all(entry.complete for entry in entries)
