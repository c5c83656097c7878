"""The tables of the model read as the warehouse would answer: rows as they came, roll-ups merged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from services.analytics.domain.dossier import DossierRow, fold
from services.analytics.domain.rows import NUMBER_DRAWN, FactRow
from services.analytics.domain.stamps import StampKey, StampRow, fold_stamp, stamp_of
from tests.crash.sink.judge import Found
from tests.crash.sink.oracle import Columns
from tests.crash.sink.warehouse import CLOCKS, RAW, Warehouse


def read(house: Warehouse, letters: Iterable[tuple[int, int, bytes | None]]) -> Found:
    """Everything that can be asked."""
    raw = [row._asdict() for row in house.targets[RAW].rows]
    rollups = {name: merge(house.targets[name].rows) for name, merge in _MERGES.items()}
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


_MERGES: Final[Mapping[str, Callable[[Iterable[Any]], dict[Any, Columns]]]] = {
    "dossiers": _dossiers,
    "stamps": _stamps,
    CLOCKS: _clocks,
}
