"""What the roll-ups must say, folded from rows: figures, ratings, step times, and the lives of dossiers.

A roll-up is a table of cells: a key, and numbers that are sums. Cells whose numbers are all 0 are no cells.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from contracts.words import Outcome
from services.analytics.domain.dossier import DossierRow, local_day, mark_of
from services.analytics.domain.rows import NUMBER_DRAWN, FactRow, micros

Cell = tuple[str | int | date, ...]
Cells = Mapping[Cell, tuple[int, ...]]


class RollUp(StrEnum):
    """The roll-ups, by the names of their tables."""

    FIGURES = "figures"
    RATINGS = "ratings"
    STEP_TIMES = "step_times"
    LIVES = "lives"


class StepTimes(NamedTuple):
    """Ended steps: how many, how long all together (µs), and how many of them were early, on time, late. A
    step without a time of its own is none of these."""

    steps: int
    micros: int
    early: int
    on_time: int
    late: int

    @property
    def mean_seconds(self) -> float:
        """How long one took, of the wall clock."""
        return self.micros / self.steps / 1_000_000


@dataclass(frozen=True)
class Ratings:
    """How many ratings there are of each score; at least one."""

    scores: Mapping[int, int]

    @property
    def number(self) -> int:
        """All of them."""
        return sum(self.scores.values())

    @property
    def mean(self) -> float:
        """Their mean."""
        return sum(score * number for score, number in self.scores.items()) / self.number


_HOLDER: Final = {"StepCompleted": "holder", "HandedOver": "giver"}
_NO_DAY: Final = date(1970, 1, 1)


def figures_of(dossiers: Iterable[DossierRow]) -> dict[Cell, tuple[int, ...]]:
    """(day of registration, agency, procedure, channel, bucket): dossiers, then those in each subset.

    One that no fact yet has put in a bucket, its first facts being dead letters, counts nowhere."""
    found: dict[Cell, list[int]] = defaultdict(lambda: [0] * 6)
    for one in dossiers:
        if not one.bucket:
            continue
        key = (one.registered_on, one.agency, one.procedure, one.channel, one.bucket)
        _add(found[key], (1, one.status == 5, one.declined, one.late_by_original, *_on_site(one)))
    return {key: tuple(numbers) for key, numbers in found.items()}


def _on_site(one: DossierRow) -> tuple[int, int]:
    return one.five_on_site is not None, one.five_on_site == 1


def _add(numbers: list[int], more: Iterable[int]) -> None:
    for place, number in enumerate(more):
        numbers[place] += int(number)


class RowCells:
    """The cells that rows make one by one, in any order. Feed every row of a partition once."""

    def __init__(self) -> None:
        self._ratings: dict[Cell, list[int]] = defaultdict(lambda: [0])
        self._steps: dict[Cell, list[int]] = defaultdict(lambda: [0] * 5)
        self._lives: dict[Cell, list[int]] = defaultdict(lambda: [0] * 5)

    def add(self, row: FactRow) -> None:
        """One more row."""
        if row.type == NUMBER_DRAWN:
            return
        registered = (local_day(row.at) - _NO_DAY).days if row.type == "DossierRegistered" else 0
        marks = _marks(row)
        words = (row.agency, row.procedure, row.channel, row.bucket)
        _add(self._lives[words], (1, row.seq, row.seq * row.status, registered, marks))
        where = (local_day(row.at), row.agency, row.procedure, row.channel)
        if row.type == "DossierRated":
            self._ratings[(*where, row.score)][0] += 1
        elif row.type in _HOLDER:
            self._add_step(row, where)

    def _add_step(self, row: FactRow, where: tuple[date, str, str, str]) -> None:
        body = json.loads(row.body)
        holder, since = body.get(_HOLDER[row.type]), body.get("since")
        if holder and since:
            day, _, procedure, channel = where
            cell = self._steps[(day, holder[0], procedure, channel, row.step)]
            took = row.at - micros(datetime.fromisoformat(since).astimezone(UTC))
            _add(cell, (1, took, *(row.outcome == outcome for outcome in Outcome)))

    def cells(self, roll_up: RollUp) -> dict[Cell, tuple[int, ...]]:
        """The cells of a roll-up but FIGURES, which only folded dossiers give."""
        made = {
            RollUp.LIVES: self._lives,
            RollUp.RATINGS: self._ratings,
            RollUp.STEP_TIMES: self._steps,
        }
        found = made[roll_up]
        return {key: tuple(numbers) for key, numbers in found.items()}


def _marks(row: FactRow) -> int:
    return sum(
        (
            mark_of(row, row.place == "centre") if row.place else 0,
            mark_of(row, row.type == "DossierDeclined")
            if row.type in ("DossierDeclined", "ResultCorrected")
            else 0,
            mark_of(row, row.by_original == "late") if row.type == "ProcessingFinished" else 0,
        )
    )


def drift(wanted: Cells, found: Cells) -> int:
    """How many cells are missing, too many or wrong."""
    return sum(wanted.get(key) != found.get(key) for key in wanted.keys() | found.keys())
