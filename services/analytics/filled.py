"""Roll-ups that are still empty must not be read: a board of zeros would look like a board of figures.

After a migration that makes a roll-up, its lanes are filled from the raw facts at the next start of each.
Until then every question is turned away.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.analytics.errors import UnfilledError
from services.analytics.queries import query
from services.analytics.reading import Tables


def unfilled(tables: Tables) -> dict[int, list[str]]:
    """By lane, the roll-ups that hold nothing though the raw facts call for rows."""
    return {lane: sorted(names) for lane, names in tables.rows(query("unfilled"))}


class Filled:
    """`tables`, once every roll-up has been filled; asks until that is so, then never again."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._known = False

    def rows(self, text: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query. Raises UnfilledError besides what the tables raise."""
        if not self._known and text != query("clocks"):
            lacking = unfilled(self._tables)
            if lacking:
                raise UnfilledError(f"not filled yet, by lane: {lacking}")
            self._known = True
        return self._tables.rows(text, parameters)
