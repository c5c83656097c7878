"""What a start puts right before it inserts: roll-ups that are new, and on request whatever differs.

A roll-up that a migration has just made is empty: `filler` gives it the past, from the raw facts before the
sink's position, before a batch begun and not finished goes on.

The repair is for a sink that refuses to go on because rows of the raw facts are gone.

A running sink is repaired beside (`motcua reconcile --repair`). One that finds fewer rows than its position
says stops, and so does every start after it; with ``MOTCUA_REPAIR=1`` the start puts them right from the log
first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.analytics.domain.batch import Record
from services.analytics.domain.intents import Range
from services.analytics.domain.lane import lane_of
from services.analytics.errors import WarehouseMismatchError
from services.analytics.reading import Tables
from services.analytics.rebuild import Beside, Hold, Rebuilder
from services.analytics.reconcile import Log, Reconciler
from services.analytics.sink.gate import Gate
from services.analytics.sink.status import Status

_UNDER_WAY: Final = "a repair from the log is under way"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class UpTo:
    """A log as if it ended at `ends`."""

    log: Log
    ends: Mapping[int, int]

    def true_ends(self) -> dict[int, int]:
        """See `Log`."""
        return dict(self.ends)

    def read(self, ranges: Sequence[Range]) -> list[Record]:
        """See `Log`."""
        return self.log.read(ranges)

    def close(self) -> None:
        """See `Log`."""
        self.log.close()


def filler(
    unfilled: Callable[[], Mapping[int, Collection[str]]],
    beside: Callable[[int], Beside],
    confirm: Callable[[], None],
) -> Callable[[Mapping[int, int]], None]:
    """What the sink calls with its positions before it does anything. `unfilled` gives, by lane, the roll-ups
    that are empty though the raw facts call for rows: no batch has ever reached them."""

    def fill(positions: Mapping[int, int]) -> None:
        status = Status(positions)
        status.moved(positions)
        rebuilder = Rebuilder(beside, Hold(status, Gate(), confirm))
        for lane, tables in unfilled().items():
            if any(lane_of(partition) == lane and at for partition, at in positions.items()):
                _log.warning("filling %s from the facts", ", ".join(sorted(tables)))
                rebuilder.lane(lane, tables)

    return fill


def mender(
    open_log: Callable[[], Log],
    tables: Tables,
    beside: Callable[[int], Beside],
    confirm: Callable[[], None],
    tell: Callable[[str], None] = lambda words: None,
) -> Callable[[Mapping[int, int]], Mapping[int, int]]:
    """What the sink calls with its positions, by partition, before it looks at the warehouse.

    The answer is how many rows stand there now, by partition. They may be others than the sink says: it made
    a dead letter of what this release can decode. The call raises WarehouseMismatchError when something still
    differs, else whatever a repair does. `tell` is told in words that a repair is under way, and how far.
    """

    def step(words: str) -> None:
        _log.info(words)
        tell(f"{_UNDER_WAY} ({words})")

    def mend(positions: Mapping[int, int]) -> Mapping[int, int]:
        status = Status(positions)
        status.moved(positions)
        hold = Hold(status, Gate(), confirm)
        _log.warning("%s: nothing is inserted before every fact is compared", _UNDER_WAY)
        tell(_UNDER_WAY)
        rebuilder = Rebuilder(beside, hold)
        reconciler = Reconciler(lambda: UpTo(open_log(), positions), tables, hold, rebuilder, tell=step)
        repair = reconciler.repair()
        found = sum(one.differences for one in repair.before)
        left = sum(one.differences for one in repair.after if one.partition in positions)
        if left:
            confirm()  # a newer writer may have inserted meanwhile
            raise WarehouseMismatchError(f"{found} differences were found, {left} are left after the repair")
        _log.warning("the repair at the start put %d differences right", found)
        return {one.partition: one.facts for one in repair.after if one.partition in positions}

    return mend
