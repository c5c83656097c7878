"""The questions the API asks the warehouse, as typed functions over the named queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

from services.analytics.domain.dossier import DossierRow
from services.analytics.domain.figures import Counts, Subsets, count
from services.analytics.domain.rollups import Cell, Ratings, RollUp, StepTimes
from services.analytics.domain.rows import FactRow
from services.analytics.domain.stamps import StampKey, StampRow
from services.analytics.queries import query

# What the Date type of the warehouse can hold.
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2149, 6, 6)

Parameter = str | int | float | date | Sequence[str] | None


class Tables(Protocol):
    """Something that answers queries; raises RetryLaterError or WarehouseRejectedError."""

    def rows(self, text: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        ...


@dataclass(frozen=True)
class Slice:
    """From `first` to `last` (local days, inclusive), of some agencies or of all: dossiers registered then,
    steps ended, ratings given."""

    first: date = FIRST_DAY
    last: date = LAST_DAY
    agencies: tuple[str, ...] | None = None

    def parameters(self) -> dict[str, Parameter]:
        """As the queries name them."""
        return {
            "first": self.first,
            "last": self.last,
            "every_agency": int(self.agencies is None),
            "agencies": list(self.agencies or ()),
        }


@dataclass(frozen=True)
class Group:
    """One line of a table of compliance; what it is not split by is empty."""

    starts: str
    agency: str
    procedure: str
    channel: str
    step: str = ""


def figures(tables: Tables, part: Slice) -> Counts:
    """The counts of a slice."""
    found = tables.rows(query("figures"), part.parameters())
    return count({row[0]: row[1] for row in found}, (Subsets(*row[2:]) for row in found))


def compliance(tables: Tables, part: Slice, period: str, by: frozenset[str]) -> dict[Group, Counts]:
    """Counts by period ("day", "month", "quarter", "year" or "all") and dimensions, in order."""
    found = tables.rows(query("compliance"), _split(part, period, by))
    buckets: dict[Group, dict[str, int]] = defaultdict(dict)
    subsets: dict[Group, list[Subsets]] = defaultdict(list)
    for starts, agency, procedure, channel, bucket, number, *parts in found:
        group = Group(starts, agency, procedure, channel)
        buckets[group][bucket] = number
        subsets[group].append(Subsets(*parts))
    return {group: count(numbers, subsets[group]) for group, numbers in buckets.items()}


def steps(tables: Tables, part: Slice, period: str, by: frozenset[str]) -> dict[Group, StepTimes]:
    """Ended steps likewise, by the day they ended; `by` may name "step" too."""
    found = tables.rows(query("steps"), {**_split(part, period, by), "by_step": int("step" in by)})
    return {Group(*row[:5]): StepTimes(*row[5:]) for row in found}


def ratings(tables: Tables, part: Slice, period: str, by: frozenset[str]) -> dict[Group, Ratings]:
    """Ratings likewise, by the day they were given."""
    groups: dict[Group, dict[int, int]] = defaultdict(dict)
    for *group, score, number in tables.rows(query("ratings"), _split(part, period, by)):
        groups[Group(*group)][score] = number
    return {group: Ratings(scores) for group, scores in groups.items()}


def _split(part: Slice, period: str, by: frozenset[str]) -> dict[str, Parameter]:
    splits = {f"by_{name}": int(name in by) for name in ("agency", "procedure", "channel")}
    return {**part.parameters(), **splits, "period": period}


def dossier(tables: Tables, dossier_id: str) -> DossierRow | None:
    """The state of one dossier."""
    found = tables.rows(query("dossier"), {"dossier_id": dossier_id})
    return DossierRow(*found[0]) if found else None


def history(tables: Tables, dossier_id: str) -> list[FactRow]:
    """The facts of one dossier, in order."""
    return [FactRow(*row) for row in tables.rows(query("facts_of_dossier"), {"dossier_id": dossier_id})]


def by_code(tables: Tables, code: str) -> list[str]:
    """The dossiers that carry a legal code, at most 20; one, unless two systems gave the same."""
    return [row[0] for row in tables.rows(query("dossiers_by_code"), {"code": code})]


def clocks(tables: Tables) -> dict[int, int]:
    """The log clock by partition, µs since 1970."""
    return {row[0]: row[1] for row in tables.rows(query("clocks"))}


def stretch(tables: Tables, partition: int, start: int, end: int) -> list[FactRow]:
    """The rows whose offset lies in [start, end) of a partition, by offset."""
    found = tables.rows(query("facts_of_stretch"), {"partition": partition, "start": start, "end": end})
    return [FactRow(*row) for row in found]


def dossiers_of(tables: Tables, partition: int) -> dict[str, DossierRow]:
    """All dossiers of a partition."""
    found = tables.rows(query("dossiers_of_partition"), {"partition": partition})
    return {row[0]: DossierRow(*row) for row in found}


def stamps_of(tables: Tables, partition: int) -> dict[StampKey, StampRow]:
    """All stamps, as far as the rows of a partition make them."""
    found = (StampRow(*row) for row in tables.rows(query("stamps_of_partition"), {"partition": partition}))
    return {stamp.key: stamp for stamp in found}


def stamps_on(tables: Tables, dossier_id: str, seals: Sequence[str]) -> list[StampRow]:
    """The stamps that these seals put on a dossier, in their order."""
    given: dict[str, Parameter] = {"dossier_id": dossier_id, "seals": sorted(seals)}
    return [StampRow(*row) for row in tables.rows(query("stamps_of_dossier"), given)]


def cells_of(tables: Tables, roll_up: RollUp, partition: int) -> dict[Cell, tuple[int, ...]]:
    """The cells of a roll-up, as far as the rows of a partition make them."""
    key = 1 if roll_up is RollUp.LIVES else 5
    found = tables.rows(query(f"{roll_up.value}_of_partition"), {"partition": partition})
    return {tuple(row[:key]): tuple(row[key:]) for row in found}


def strays(tables: Tables, partitions: int) -> list[tuple[int, int, int, int, int]]:
    """(partition, facts, dossiers, clocks, roll-ups) that stand for partitions from `partitions` on."""
    rows = tables.rows(query("strays"), {"partitions": partitions})
    return [(row[0], row[1], row[2], row[3], row[4]) for row in rows]
