"""The tables of the model read as the warehouse would answer: rows as they came, roll-ups merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from services.analytics.domain.dossier import DossierRow, fold
from services.analytics.domain.rollups import Cell, Cells, RollUp, RowCells, figures_of
from services.analytics.domain.rows import NUMBER_DRAWN, FactRow
from services.analytics.domain.stamps import StampKey, StampRow, fold_stamp, stamp_of
from tests.crash.sink.judge import Found
from tests.crash.sink.oracle import Columns
from tests.crash.sink.warehouse import CLOCKS, RAW, Warehouse


def read(house: Warehouse, letters: Iterable[tuple[int, int, bytes | None]]) -> Found:
    """Everything that can be asked."""
    raw = [row._asdict() for row in house.targets[RAW].rows]
    rollups = {name: merge(house.targets[name].rows) for name, merge in _MERGES.items()}
    rollups["figures"] = _figures(house.targets["figures"].blocks)
    return Found(raw, rollups, {(partition, offset) for partition, offset, _ in letters})


def _dossiers(rows: Iterable[FactRow]) -> dict[Any, Columns]:
    states: dict[str, DossierRow] = {}
    for row in sorted(rows, key=lambda row: row.seq):
        if row.type != NUMBER_DRAWN:
            states[row.dossier_id] = fold(states.get(row.dossier_id), row)
    return {key: as_dossier(state) for key, state in states.items()}


def as_dossier(state: DossierRow) -> Columns:
    """The columns as the oracle writes them."""
    return {**state._asdict(), "registered_on": state.registered_on.isoformat()}


def _stamps(rows: Iterable[FactRow]) -> dict[Any, Columns]:
    states: dict[StampKey, StampRow] = {}
    for row in rows:
        key = stamp_of(row)
        if key is not None:
            states[key] = fold_stamp(states.get(key), row)
    return {key: state._asdict() for key, state in states.items()}


def _clocks(rows: Iterable[tuple[int, int]]) -> dict[Any, Columns]:
    found: dict[Any, Columns] = {}
    for partition, to in rows:
        found[partition] = {"moved_to": max(to, found.get(partition, {"moved_to": to})["moved_to"])}
    return found


def _figures(blocks: Iterable[Iterable[FactRow]]) -> dict[Any, Columns]:
    """Each block as its feed turned it into differences: out of the cells before it, into those after it."""
    cells: dict[Cell, list[int]] = {}
    by_dossier: dict[str, dict[int, FactRow]] = {}
    turned: list[dict[str, list[FactRow]]] = []
    for block in blocks:
        mine: dict[str, list[FactRow]] = {}
        for row in block:
            if row.type != NUMBER_DRAWN:
                mine.setdefault(row.dossier_id, []).append(row)
                by_dossier.setdefault(row.dossier_id, {})[row.seq] = row
        turned.append(mine)
    for mine in turned:
        for dossier, rows in mine.items():
            known = by_dossier[dossier]
            first, last = rows[0].seq, max(row.seq for row in rows)
            for sign, until in ((-1, first - 1), (1, last)):
                state: DossierRow | None = None
                for seq in range(1, until + 1):
                    state = fold(state, known[seq]) if seq in known else state
                for key, numbers in (figures_of([state]) if state else {}).items():
                    cell = cells.setdefault(key, [0] * len(numbers))
                    cell[:] = [old + sign * new for old, new in zip(cell, numbers, strict=True)]
    return named(RollUp.FIGURES, {key: tuple(cell) for key, cell in cells.items() if any(cell)})


def _row_cells(roll_up: RollUp, rows: Iterable[FactRow]) -> dict[Any, Columns]:
    found = RowCells()
    for row in rows:
        found.add(row)
    return named(roll_up, found.cells(roll_up))


def named(roll_up: RollUp, cells: Cells) -> dict[Any, Columns]:
    """Cells as the oracle writes them."""
    return {
        (str(key[0]), *key[1:]): dict(zip(_COLUMNS[roll_up], numbers, strict=True))
        for key, numbers in cells.items()
    }


_COLUMNS: Final[Mapping[RollUp, tuple[str, ...]]] = {
    RollUp.FIGURES: (
        *("dossiers", "supplement_requested", "declined"),
        *("late_by_original", "five_steps", "five_on_site"),
    ),
    RollUp.RATINGS: ("ratings",),
    RollUp.LIVES: ("rows", "seqs", "statuses", "days", "marks"),
    RollUp.STEP_TIMES: ("steps", "micros", "early", "on_time", "late"),
}

_MERGES: Final[Mapping[str, Callable[[Iterable[Any]], dict[Any, Columns]]]] = {
    "dossier_states": _dossiers,
    "stamp_states": _stamps,
    "lives": lambda rows: _row_cells(RollUp.LIVES, rows),
    "ratings": lambda rows: _row_cells(RollUp.RATINGS, rows),
    "step_times": lambda rows: _row_cells(RollUp.STEP_TIMES, rows),
    CLOCKS: _clocks,
}
