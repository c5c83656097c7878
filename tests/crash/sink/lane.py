"""One process of analytics over a real warehouse: sink, proof, repair and rebuild, wired as its main does.

Log and intents are in memory, and survive it.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import Final

from services.analytics.adapters.beside import Beside
from services.analytics.adapters.clickhouse import SinkWarehouse
from services.analytics.domain.cut import CutPolicy
from services.analytics.errors import RefusedError
from services.analytics.filled import unfilled
from services.analytics.mending import filler, mender
from services.analytics.rebuild import Hold, Rebuilder
from services.analytics.reconcile import Reconciler
from services.analytics.sink.gate import Gate
from services.analytics.sink.loop import LaneSettings, Ports, Sink
from services.analytics.sink.status import Status
from tests.crash.sink.doomed import Doom, DoomedConnection, OnePool
from tests.fakes.analytics import FakeClock, MemoryFactLog, MemoryIntentLog, Notes, World

STRETCH: Final = 100
"""Offsets a rebuild makes anew with one statement, and a batch of the sink at most."""


class Arriving(Hold):
    """Says of each lane first that half of what stands there has come: the rest comes meanwhile."""

    def __init__(self, sink: Sink, status: Status, gate: Gate) -> None:
        super().__init__(status, gate, sink.confirm, patience=1, said=sink.said)
        self._told: set[int] = set()

    def positions(self, lane: int) -> dict[int, int]:
        """See `Hold`."""
        found = super().positions(lane)
        if lane in self._told:
            return found
        self._told.add(lane)
        return {partition: at // 2 for partition, at in found.items()}


class Process:
    """The one lane there is, of all partitions of the log; `name` is its writer's."""

    def __init__(self, url: str, world: World, name: str, doom: Doom | None = None) -> None:
        self.doom = doom or Doom()
        self._connection = DoomedConnection(url, self.doom)
        self._pool = OnePool(self._connection)
        self._world = world
        self._name = name

    def run(self, *, repair: bool = False) -> int:
        """Start, insert what there is, stop; the exit code."""
        stop, status, gate = threading.Event(), Status(self._world.facts.records), Gate()
        ports = Ports(
            facts=MemoryFactLog(self._world.facts, lambda point: None, stop.set),
            intents=MemoryIntentLog(self._world.intents, lambda point: None),
            dead_letters=self._world.dead_letters,
            warehouse=SinkWarehouse(self._connection),
            clock=FakeClock(),
            observer=Notes(),
        )
        cut = CutPolicy(max_records=STRETCH)
        settings = LaneSettings("0", self._name, status.partitions, cut, poison_share=1.0)
        beside = partial(Beside, self._pool)
        sink = Sink(
            ports,
            settings,
            stop,
            status,
            gate,
            mend=mender(self._log, self._pool, beside, lambda: sink.confirm()) if repair else None,
            fill=filler(partial(unfilled, self._pool), beside, lambda: sink.confirm()),
        )
        hold = Arriving(sink, status, gate)
        self.reconciler = Reconciler(
            self._log, self._pool, hold, Rebuilder(beside, hold, stretch=STRETCH), patience=1
        )
        try:
            sink.run()
        except RefusedError as error:
            return error.exit_code
        return 0

    def _log(self) -> MemoryFactLog:
        return MemoryFactLog(self._world.facts, lambda point: None, lambda: None)

    def close(self) -> None:
        """Its sockets."""
        self._connection.close()
