"""How much poison is too much: a bug in a writer must stop the reader, not drain the topic."""

from __future__ import annotations

from typing import Final, NamedTuple

WINDOW: Final = 1_000
ALLOWANCE: Final = 10


class PoisonCount(NamedTuple):
    """Records and poison of the recent past; stands in the lane's position, so a restart keeps it."""

    records: int = 0
    poison: int = 0

    def after(self, records: int, poison: int) -> PoisonCount:
        """The count with one more batch; the past fades by halves once it is long enough."""
        total = PoisonCount(self.records + records, self.poison + poison)
        while total.records > 2 * WINDOW:
            total = PoisonCount(total.records // 2, total.poison // 2)
        return total

    def exceeds(self, share: float) -> bool:
        """Whether the share is passed. A handful is always allowed: one bad record in ten is no trend."""
        return self.poison > ALLOWANCE and self.poison > share * self.records
