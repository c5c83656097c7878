"""The questions of leaders and inspectors: what is late and at whose step, a sample, a seal's register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from services.analytics.domain.stamps import StampRow
from services.analytics.queries import query
from services.analytics.reading import Slice, Tables


class LateRow(NamedTuple):
    """An open dossier that is late, or whose step in hand is. Instants in microseconds, 0 and None are none.

    `at_agency` has `at_step` in hand since `held_since`, `at_officer` of it if one is named; `step_due` is
    the step's own due time. `agency` is where it was handed in.
    """

    dossier_id: str
    dossier_code: str
    procedure: str
    agency: str
    status: int
    due: int | None
    due_original: int
    at_agency: str
    at_step: str
    at_officer: str
    held_since: int
    step_due: int | None
    dossier_late: int
    step_late: int


class LateCount(NamedTuple):
    """So many late `dossiers`, late `steps`, and either, of one step in hand at one agency."""

    agency: str
    step: str
    dossiers: int
    steps: int
    either: int


class Sampled(NamedTuple):
    """One drawn dossier; `population` is how many it was drawn from. Instants in microseconds."""

    dossier_id: str
    dossier_code: str
    agency: str
    procedure: str
    channel: str
    status: int
    bucket: str
    registered_at: int
    due: int | None
    population: int


@dataclass(frozen=True)
class LateFilter:
    """Whose: `agencies` may be seen (None every one); `agency` and `step` have it in hand ("" whichever)."""

    agencies: tuple[str, ...] | None = None
    agency: str = ""
    step: str = ""

    def parameters(self) -> dict[str, object]:
        """As the queries name them."""
        return {
            "every_agency": int(self.agencies is None),
            "agencies": list(self.agencies or ()),
            "at_agency": self.agency,
            "at_step": self.step,
        }


def late(tables: Tables, of: LateFilter, limit: int) -> list[LateRow]:
    """At most `limit` late ones, the longest late first."""
    return [LateRow(*row) for row in tables.rows(query("late"), {**of.parameters(), "limit": limit})]


def late_counts(tables: Tables, of: LateFilter) -> list[LateCount]:
    """All late ones, counted by agency and step in hand."""
    return [LateCount(*row) for row in tables.rows(query("late_counts"), of.parameters())]


def sample(tables: Tables, part: Slice, agency: str, seed: str, n: int) -> list[Sampled]:
    """`n` dossiers of a slice and an agency ("" every one), the same for the same seed and dossiers."""
    given = {**part.parameters(), "agency": agency, "seed": seed, "limit": n}
    return [Sampled(*row) for row in tables.rows(query("sample"), given)]


def register(tables: Tables, seal: str, year: int) -> list[tuple[StampRow, str]]:
    """A year of a seal's register, by number, each stamp with its dossier's legal code ("" when unknown)."""
    found = tables.rows(query("register"), {"seal": seal, "year": year})
    return [(StampRow(*row[:-1]), row[-1]) for row in found]
