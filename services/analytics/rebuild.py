"""Roll-ups made anew from the raw facts, a whole lane at once, while everybody reads and writes.

The tables beside are filled up to where the lane stands, in peace; then, with the sink held still
between two batches, with what came meanwhile; then they are put in place. So every fact is in them once: the
sink's next batch feeds the new ones. What a batch begun and not finished has written must not be replaced:
its token would keep it out for ever. So nothing is put in place unless the sink stands between batches and
owns the lane.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Final, Protocol

from services.analytics.domain.comparison import Mending
from services.analytics.domain.lane import lane_of
from services.analytics.domain.rows import FactRow
from services.analytics.errors import AnalyticsError, RetryLaterError, WarehouseRejectedError
from services.analytics.sink.gate import Gate
from services.analytics.sink.status import Status

_STRETCH: Final = 200_000
_PAUSE: Final = 0.2
_NOT_YET: Final = "the sink has not recovered its position yet"


class BehindError(AnalyticsError):
    """The sink has not caught up in time, or does not let go of a batch: ask again."""


class RowsDifferError(AnalyticsError):
    """There are other raw rows than the sink has inserted: roll-ups made from them would be wrong too."""


class Beside(Protocol):
    """See `adapters.beside.Beside`."""

    def rows(self, partitions: Collection[int]) -> Mapping[int, int]: ...
    def begin(self, tables: Collection[str] | None = None) -> None: ...
    def fill(self, partition: int, start: int, end: int) -> None: ...
    def swap(self) -> None: ...
    def reserve(self) -> None: ...
    def mend(self, partition: int, offsets: Sequence[int], rows: Sequence[FactRow]) -> None: ...
    def set_clock(self, partition: int, to: int | None, *, back: bool) -> None: ...
    def clear(self) -> None: ...


@dataclass(frozen=True)
class Rebuilt:
    """A lane whose roll-ups were made anew, of each partition from the facts before `until`; how long the
    sink was held still for it, seconds."""

    lane: int
    until: Mapping[int, int]
    held: float


class Hold:
    """Holds the sink still between two batches; `confirm` raises when the lane has a newer writer.

    `said` gives how many rows the sink says it has inserted, by partition; nothing when it need not agree.
    `doubt` ends the process, because only a start looks at all that may be wrong now.
    """

    def __init__(
        self,
        status: Status,
        gate: Gate,
        confirm: Callable[[], None],
        patience: float = 60.0,
        said: Callable[[], Mapping[int, int]] = dict,
        doubt: Callable[[], None] = lambda: None,
    ) -> None:
        self.status = status
        self._gate = gate
        self._confirm = confirm
        self._patience = patience
        self.said = said
        self.doubt = doubt

    @contextmanager
    def still(self, *, writing: bool = False) -> Iterator[None]:
        """Within the block no batch is on its way; with `writing` none was left half done either.

        Raises BehindError when the sink does not come to that in time, FencedError when it is ours no more.
        """
        if not self._gate.acquire(timeout=self._patience):
            raise BehindError("a batch is on its way and does not end")
        try:
            if writing:
                if not self.status.snapshot().settled:
                    raise BehindError("a batch was left half done; its next writer finishes it")
                self._confirm()
            yield
        finally:
            self._gate.release()

    def positions(self, lane: int) -> dict[int, int]:
        """Where the partitions of a lane stand. Raises BehindError before the sink has found out."""
        found = {p: at for p, at in self.status.snapshot().positions.items() if lane_of(p) == lane}
        if not found:
            raise BehindError(_NOT_YET)
        return found

    def position(self, partition: int) -> int:
        """Where a partition stands. Raises BehindError before the sink has found out."""
        try:
            return self.status.snapshot().positions[partition]
        except KeyError as error:
            raise BehindError(_NOT_YET) from error


class Rebuilder:
    """Makes roll-ups anew, and puts raw facts right; `beside` gives the tables for a lane."""

    def __init__(
        self,
        beside: Callable[[int], Beside],
        hold: Hold,
        stretch: int = _STRETCH,
        patience: float = 60.0,
    ) -> None:
        self._beside = beside
        self._hold = hold
        self._stretch = stretch
        self._patience = patience

    def lane(self, lane: int, only: Collection[str] | None = None) -> Rebuilt:
        """The roll-ups of one lane, all or some. Raises BehindError, RowsDifferError, RetryLaterError or a
        RefusedError; nothing is put in place then, or only whole tables, and the next time does it all."""
        with self._tables(lane) as tables:
            tables.begin(only)
            done = self._fill(tables, {}, self._hold.positions(lane))
            done = self._fill(tables, done, self._hold.positions(lane))  # less is left to do while it stands
            with self._hold.still(writing=True):
                started = monotonic()
                self._compare(tables, lane)
                done = self._fill(tables, done, self._hold.positions(lane))
                self._swap(tables)
                held = monotonic() - started
        return Rebuilt(lane, done, round(held, 3))

    def _compare(self, tables: Beside, lane: int) -> None:
        """The raw rows must be as many as were inserted. Raises RowsDifferError."""
        said = {p: rows for p, rows in self._hold.said().items() if lane_of(p) == lane}
        found = tables.rows(said) if said else {}
        for partition, rows in sorted(said.items()):
            held = found.get(partition, 0)
            if held != rows:
                raise RowsDifferError(
                    f"partition {partition}: the warehouse holds {held} facts, {rows} were inserted; "
                    "`motcua reconcile --repair` puts it right"
                )

    def _swap(self, tables: Beside) -> None:
        """Until an answer comes: a warehouse that died amid it may come back with roll-ups that say all of it
        twice. When patience ends the process must, for only a start counts what roll-ups are made of."""
        gives_up = monotonic() + self._patience
        while True:
            try:
                return tables.swap()
            except RetryLaterError:
                if monotonic() > gives_up:
                    self._hold.doubt()
                    raise
                sleep(_PAUSE)

    def mend(self, partition: int, mending: Mending) -> None:
        """The raw facts of a stretch before the sink's position, past the feeds."""
        with self._reserved(partition) as tables:
            tables.mend(partition, mending.offsets, mending.rows)

    def set_clock(self, partition: int, until: int, to: int | None) -> None:
        """The log clock of a partition, `to` being the log's before `until`.

        It is put back only while the sink still stands there: else the log may have moved it on since.
        """
        with self._reserved(partition) as tables:
            tables.set_clock(partition, to, back=self._hold.position(partition) == until)

    def _fill(self, tables: Beside, done: Mapping[int, int], until: Mapping[int, int]) -> Mapping[int, int]:
        for partition, end in sorted(until.items()):
            for first in range(done.get(partition, 0), end, self._stretch):
                tables.fill(partition, first, min(first + self._stretch, end))
        return until

    @contextmanager
    def _reserved(self, partition: int) -> Iterator[Beside]:
        """The sink held still. A table stands beside from before it is asked whether the lane is ours: a
        newer writer drops it, and whatever this process still does after a long freeze fails."""
        with self._tables(lane_of(partition)) as tables:
            tables.reserve()
            with self._hold.still(writing=True):
                yield tables

    @contextmanager
    def _tables(self, lane: int) -> Iterator[Beside]:
        tables = self._beside(lane)
        try:
            yield tables
        except WarehouseRejectedError:
            # As when a newer writer has dropped them while this one was frozen: that is the thing to say.
            with contextlib.suppress(BehindError), self._hold.still(writing=True):
                pass
            raise
        finally:
            # What stays behind is dropped by the next start of the lane; it must not hide what went wrong.
            with contextlib.suppress(AnalyticsError):
                tables.clear()
