"""Tables that are still empty must not be read: a board of zeros would look like a board of figures.

They are empty after a migration that makes them, until the next start of each lane has filled them from the
raw facts; so they are where the warehouse was lost, until a start has brought it back. Whoever asks is turned
away until every lane's start has held its tables against the log and vouched for them, and this process' own
start is through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.analytics.errors import UnfilledError, UnknownTableError
from services.analytics.migrations.feeds import newest_feed
from services.analytics.queries import query
from services.analytics.reading import Tables


def unfilled(tables: Tables) -> dict[int, list[str]]:
    """By lane, the roll-ups that hold nothing though the raw facts call for rows. Only a lane's writer may
    ask, and between inserts: amid one, roll-ups are empty that nobody needs to fill."""
    return {lane: sorted(names) for lane, names in tables.rows(query("unfilled"))}


class Filled:
    """`tables`, once all `lanes` are vouched for and this process has `recovered`; asks until that is so."""

    def __init__(self, tables: Tables, lanes: int, recovered: Callable[[], bool]) -> None:
        self._tables = tables
        self._lanes = lanes
        self._recovered = recovered
        self._known = False

    def rows(self, text: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises UnfilledError besides what the tables raise."""
        try:
            if not self._known and text != query("clocks"):
                self._look()
            return self._tables.rows(text, parameters)
        except UnknownTableError as error:
            if self._known:
                raise
            raise UnfilledError("the tables are not made yet") from error

    def _look(self) -> None:
        if not self._recovered():
            raise UnfilledError("this process has not held the tables against the log yet")
        found = self._tables.rows(query("vouched_lanes"), {"migration": newest_feed()})
        lacking = set(range(self._lanes)).difference(lane for (lane,) in found)
        if lacking:
            raise UnfilledError(f"no start has vouched for lanes {sorted(lacking)} yet")
        self._known = True
