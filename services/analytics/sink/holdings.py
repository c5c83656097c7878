"""What the tables hold, against what the lane says of them, and whether they would notice a repetition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.analytics.domain.intents import PartitionPosition
from services.analytics.errors import RetryLaterError
from services.analytics.sink.ports import Clock, Warehouse

_WINDOWS_EVERY: Final = 30.0


class Holdings:
    """Asks the warehouse. Every call may raise RetryLaterError, as the warehouse does, but `glance`."""

    def __init__(self, warehouse: Warehouse, clock: Clock) -> None:
        self._warehouse = warehouse
        self._clock = clock
        self._looked_at = float("-inf")

    def difference(self, parts: Mapping[int, PartitionPosition]) -> str | None:
        """What the tables lack, or have too much of, if `parts` are right: the raw rows, and each roll-up
        by the number of facts that it is made of. None when there is nothing to say."""
        counts = self._warehouse.row_counts(list(parts))
        for partition, part in parts.items():
            found = counts.get(partition, 0)
            if found != part.rows:
                return f"partition {partition}: the warehouse holds {found} facts, {part.rows} were inserted"
        for one in self._warehouse.roll_ups(list(parts)):
            made = f"{one.table} is made of {one.found} facts, {one.wanted} were inserted"
            return f"partition {one.partition}: {made}"
        return None

    def done_already(self, parts: Mapping[int, PartitionPosition]) -> bool:
        """Whether a batch that may have been inserted before stands in every table, `parts` being what is
        there with it. If not, its token must tell each table what it has: so all must remember.

        Raises WarehouseMismatchError when one does not.
        """
        self._warehouse.check_windows()
        return self.difference(parts) is None

    def glance(self) -> None:
        """Look at the windows now and then: somebody may have altered a table. Raises WarehouseMismatchError.

        A warehouse that is away is no matter here: the next insert will tell.
        """
        if self._clock.monotonic() - self._looked_at < _WINDOWS_EVERY:
            return
        try:
            self._warehouse.check_windows()
        except RetryLaterError:
            return
        self._looked_at = self._clock.monotonic()
