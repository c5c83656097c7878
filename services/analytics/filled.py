"""Roll-ups that are still empty must not be read: a board of zeros would look like a board of figures.

After a migration that makes a roll-up, its lanes are filled from the raw facts at the next start of each,
which says so in the warehouse before it inserts anything. Until then every question is turned away.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from services.analytics.domain.lane import LANE_WIDTH
from services.analytics.errors import UnfilledError
from services.analytics.migrations.feeds import newest_feed
from services.analytics.queries import query
from services.analytics.reading import Tables


class Inserting(Protocol):
    """What says that lanes are filled."""

    def insert(
        self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]], token: str
    ) -> None:
        """Insert in one block under a deduplication token."""
        ...


def unfilled(tables: Tables) -> dict[int, list[str]]:
    """By lane, the roll-ups that hold nothing though the raw facts call for rows. Only a lane's writer may
    ask, and between inserts: amid one, roll-ups are empty that nobody needs to fill."""
    return {lane: sorted(names) for lane, names in tables.rows(query("unfilled"))}


def filled(warehouse: Inserting, lanes: Collection[int]) -> None:
    """Say that the roll-ups of these lanes have their past; it may be said again."""
    rows = [(lane * LANE_WIDTH, newest_feed()) for lane in sorted(lanes)]
    warehouse.insert("filled_lanes", ("log_partition", "migration"), rows, f"filled {rows}")


class Filled:
    """`tables`, once every lane has been filled; asks until that is so, then never again."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._known = False

    def rows(self, text: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises UnfilledError besides what the tables raise."""
        if not self._known and text != query("clocks"):
            lacking = self._tables.rows(query("unfilled_lanes"), {"migration": newest_feed()})
            if lacking:
                raise UnfilledError(f"not filled yet: lanes {[lane for (lane,) in lacking]}")
            self._known = True
        return self._tables.rows(text, parameters)
