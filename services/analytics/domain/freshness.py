"""How old the figures are: the instant up to which everything that arrived stands inserted.

Times are seconds since 1970 (the wall clock of this process, the time stamps of records).
"""

from __future__ import annotations

from collections.abc import Iterable


class Freshness:
    """Known completeness by partition; the figures are as old as the oldest of them."""

    def __init__(self, partitions: Iterable[int]) -> None:
        self._known: dict[int, float | None] = dict.fromkeys(partitions)

    def caught_up(self, partition: int, at: float) -> None:
        """At `at` the log held nothing of `partition` that was not inserted."""
        self._raise_to(partition, at)

    def inserted(self, partition: int, arrived: float) -> None:
        """Everything of `partition` that arrived up to then is inserted, and more is waiting."""
        self._raise_to(partition, arrived)

    def _raise_to(self, partition: int, at: float) -> None:
        known = self._known[partition]
        self._known[partition] = at if known is None else max(known, at)

    @property
    def as_of(self) -> float | None:
        """The instant the figures are complete for; None until every partition is known."""
        known = [at for at in self._known.values() if at is not None]
        return min(known) if len(known) == len(self._known) else None
