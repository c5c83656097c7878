"""The proof: the log folded again and held against the tables: rows, dossiers, stamps, clocks.

Of one partition at a time, in stretches of the log, so that memory is bounded by the dossiers of a
partition, never by its facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from services.analytics.domain.batch import Mark, Record, translate
from services.analytics.domain.dossier import DossierRow, fold
from services.analytics.domain.rollups import Cells, RollUp, RowCells, drift, figures_of
from services.analytics.domain.rows import NUMBER_DRAWN, FactRow
from services.analytics.domain.stamps import StampKey, StampRow, fold_stamp, stamp_of

Key = TypeVar("Key", str, StampKey)


@dataclass
class Findings:
    """What one partition comes to. Zero missing, duplicated and mismatched is the only good answer.

    `facts` are all that make a row: those of dossiers and the numbers of seals' registers. `drift` are the
    cells of roll-ups that are off; they are counted as mismatched too. `gaps` are places where the log
    itself lacks a number, as where a fact cannot be decoded: told, but no difference of the warehouse.
    `unsaid` is how many facts the log makes now beyond those that the sink says it has inserted.
    """

    partition: int
    until: int = 0
    facts: int = 0
    dossiers: int = 0
    missing: int = 0
    duplicated: int = 0
    mismatched: int = 0
    drift: int = 0
    gaps: int = 0
    unsaid: int = 0

    @property
    def differences(self) -> int:
        """All of them."""
        return self.missing + self.duplicated + self.mismatched

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return self.differences == 0


class Mending(NamedTuple):
    """What makes a stretch of the table right: take away what stands at `offsets`, then put `rows`."""

    offsets: tuple[int, ...]
    rows: tuple[FactRow, ...]


class PartitionProof:
    """Folds the log of one partition and compares. Feed stretches in order, then the rest."""

    def __init__(self, partition: int) -> None:
        self.findings = Findings(partition)
        self._marks: dict[int, Mark] = {}
        self._states: dict[str, DossierRow] = {}
        self._stamps: dict[StampKey, StampRow] = {}
        self._registers: dict[str, tuple[int, dict[int, int]]] = {}
        self._cells = RowCells()
        self._clock: int | None = None

    @property
    def clock(self) -> int | None:
        """The log clock of the partition (µs) as far as it was fed; None where it never moved."""
        return self._clock

    def compare_stretch(self, records: Iterable[Record], rows: Sequence[FactRow]) -> Mending:
        """One stretch of the log and the table's rows whose offset lies in it, by offset.

        The answer is what would mend it.
        """
        batch = translate(records, self._marks)
        self._marks = batch.marks
        for moved_to in batch.clocks.values():  # of this partition alone; time never goes back
            self._clock = max(moved_to, self._clock or moved_to)
        for row in batch.rows:
            self._fold(row)
            self._cells.add(row)
        self.findings.facts += len(batch.rows)
        return self._compare_rows({row.log_offset: row for row in batch.rows}, rows)

    def _fold(self, row: FactRow) -> None:
        if row.type == NUMBER_DRAWN:
            self._fold_number(row)
        else:
            state = self._states.get(row.dossier_id)
            if row.seq != (0 if state is None else state.seq) + 1:
                self.findings.gaps += 1
            self._states[row.dossier_id] = fold(state, row)
        key = stamp_of(row)
        if key is not None:
            self._stamps[key] = fold_stamp(self._stamps.get(key), row)

    def _fold_number(self, row: FactRow) -> None:
        """A register draws one number after the other, and begins every year at 1."""
        seq, last = self._registers.get(row.dossier_id, (0, {}))
        if (row.seq, row.number) != (seq + 1, last.get(row.year, 0) + 1):
            self.findings.gaps += 1
        self._registers[row.dossier_id] = (row.seq, {**last, row.year: row.number})

    def _compare_rows(self, expected: Mapping[int, FactRow], rows: Sequence[FactRow]) -> Mending:
        lacking, wrong = dict(expected), set()
        for row in rows:
            wanted = lacking.pop(row.log_offset, None)
            if wanted is None:
                # Either this offset came twice, or the log calls for no row there at all.
                self.findings.duplicated += 1
                wrong.add(row.log_offset)
            elif wanted != row:
                self.findings.mismatched += 1
                wrong.add(row.log_offset)
        self.findings.missing += len(lacking)
        right = [row for offset, row in expected.items() if offset in wrong or offset in lacking]
        return Mending(tuple(sorted(wrong)), tuple(right))

    def compare_dossiers(self, dossiers: Mapping[str, DossierRow]) -> None:
        """The merged dossiers of the partition, taken when the tables stood exactly at the log's bound."""
        self.findings.dossiers = len(self._states)
        self._compare_merged(self._states, dossiers)

    def compare_stamps(self, stamps: Mapping[StampKey, StampRow]) -> None:
        """The stamps as far as this partition's rows make them, taken with the dossiers."""
        self._compare_merged(self._stamps, stamps)

    def _compare_merged(self, wanted: Mapping[Key, object], found: Mapping[Key, object]) -> None:
        self.findings.missing += len(wanted.keys() - found.keys())
        self.findings.duplicated += len(found.keys() - wanted.keys())
        self.findings.mismatched += sum(found[key] != wanted[key] for key in wanted.keys() & found.keys())

    def compare_roll_ups(self, found: Mapping[RollUp, Cells]) -> None:
        """The cells of the roll-ups as far as this partition's rows make them, taken with the dossiers."""
        for roll_up, cells in found.items():
            if roll_up is RollUp.FIGURES:
                off = drift(figures_of(self._states.values()), cells)
            else:
                off = drift(self._cells.cells(roll_up), cells)
            self.findings.drift += off
            self.findings.mismatched += off

    def compare_clock(self, found: int | None) -> None:
        """The log clock of the partition (µs), taken with the dossiers; None where the table has none."""
        if found == self._clock:
            return
        if found is None:
            self.findings.missing += 1
        elif self._clock is None:
            self.findings.duplicated += 1
        else:
            self.findings.mismatched += 1


def stray(partition: int, facts: int, dossiers: int, clocks: int, roll_ups: int) -> Findings:
    """What stands in the tables for a partition the log does not have: no record calls for any of it."""
    return Findings(partition, duplicated=facts + dossiers + clocks + roll_ups)
