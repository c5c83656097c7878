"""A warehouse that can be put back to how it stood, damaged or not, as often as it is to be mended.

Most of the log is inserted; the rest `arrives` when it is told to.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from services.analytics import reading
from services.analytics.adapters.clickhouse import Connection, Pool
from services.analytics.domain.batch import translate
from services.analytics.domain.rollups import RollUp
from services.analytics.migrations import migrate, shipped
from services.analytics.migrations.feeds import feeds
from services.analytics.queries import query
from tests.crash.sink.doomed import Doom, Fate
from tests.crash.sink.lane import Process
from tests.fakes.analytics import DiedError, MemoryFacts, World
from tests.fakes.analytics_facts import fill
from tests.integration.test_analytics_rollups import NUMBERS, PARTITIONS, Damage, House

LANES: Final = {0: (0, 1), 1: (8,)}
TABLES: Final = ("facts", "clocks", "vouched_lanes", *feeds())
_DOSSIERS: Final = 9


class Estate:
    """`damage` is done once; `begin` puts it back with a log and intents of its own."""

    def __init__(self, url: str, damage: Sequence[Damage] = ()) -> None:
        self.url = url
        self.connection = Connection(url)
        migrate(self.connection)
        self._whole = MemoryFacts(PARTITIONS)
        fill(self._whole, _DOSSIERS, random.Random(9))
        self._some = {p: len(records) * 3 // 5 for p, records in self._whole.records.items()}
        for table in TABLES:
            self.connection.run(f"TRUNCATE TABLE {table}")
        self.world = World(self._log(self._some))
        with contextlib.closing(self.process("first")) as first:
            assert first.run() == 0
        self._intents = self.world.intents.copy()
        self._keep("right")
        for one in damage:
            one(self.house())
        self._keep("wrong")

    def close(self) -> None:
        """Its sockets."""
        self.connection.close()

    def _log(self, ends: dict[int, int]) -> MemoryFacts:
        facts = MemoryFacts(PARTITIONS)
        for partition, end in ends.items():
            facts.records[partition] = self._whole.records[partition][:end]
        return facts

    def process(self, name: str, doom: Doom | None = None) -> Process:
        """Another process of the lane."""
        return Process(self.url, self.world, name, doom)

    def house(self) -> House:
        """The tables, and what of the log they must hold."""
        house = House(self.url, self.connection, Pool(self.url, size=0), self.world.facts)
        house.at = {p: len(records) for p, records in self.world.facts.records.items()}
        return house

    # -- how it stood --------------------------------------------------------------------------------

    def _keep(self, how: str) -> None:
        for table in TABLES:
            self.connection.run(f"DROP TABLE IF EXISTS {how}_{table}")
            self.connection.run(f"CREATE TABLE {how}_{table} AS {table}")
            self.connection.run(f"ALTER TABLE {how}_{table} ATTACH PARTITION ALL FROM {table}")

    def put(self, how: str) -> None:
        """The tables are as they were kept."""
        for table in TABLES:
            self.connection.run(f"TRUNCATE TABLE {table}")
            self.connection.run(f"ALTER TABLE {table} ATTACH PARTITION ALL FROM {how}_{table}")

    def begin(self, how: str) -> None:
        """All over again: the world of before, the tables as they were kept."""
        self.world = World(self._log(self._some), self._intents.copy())
        # Another topic each time: emptied tables may remember the tokens of parts that had been merged.
        old, new = self.world.facts.topic_id, f"topic-{next(NUMBERS)} again"
        self.world.facts.topic_id = new
        self.world.intents.records = [
            (offset, key, value and value.replace(old.encode(), new.encode()))
            for offset, key, value in self.world.intents.records
        ]
        self.put(how)

    def arrive(self) -> None:
        """The rest of the log."""
        self.world.facts.records.update(
            self._log({p: len(r) for p, r in self._whole.records.items()}).records
        )

    def pend(self) -> None:
        """An older release, which knew no roll-ups, dies having inserted a batch's raw facts."""
        self.arrive()
        for table in feeds():
            self.connection.run(f"DROP VIEW {table}_feed")
        old = self.process("older", Doom(Fate.AFTER, "INSERT INTO facts"))
        with contextlib.suppress(DiedError):
            old.run()
        assert old.doom.dead
        old.close()
        for table in ("vouched_lanes", *feeds()):
            self.connection.run(f"TRUNCATE TABLE {table}")
        for one in shipped():
            if "CREATE MATERIALIZED VIEW" in one.statement and any(
                f" {table}_feed TO " in one.statement for table in feeds()
            ):
                self.connection.run(one.statement)

    # -- what must be --------------------------------------------------------------------------------

    def assert_right(self) -> None:
        """Raw rows, clocks and every roll-up say what the log does, and nothing stands beside."""
        house = self.house()
        assert house.beside() == []
        for partition, records in self.world.facts.records.items():
            rows = translate(records, {}).rows
            assert reading.stretch(self.connection, partition, 0, 2**62) == rows, partition
            clock = translate(records, {}).clocks.get(partition)
            assert reading.clocks(self.connection).get(partition) == clock, partition
        house.assert_right()

    def drifting(self) -> list[object]:
        """Roll-ups that are made of another number of facts than there are."""
        return list(self.connection.rows(query("roll_ups"), {"partitions": list(PARTITIONS)}))

    def roll_ups(self) -> dict[tuple[str, int], object]:
        """What each roll-up says of each lane."""
        return {
            (table, lane): self._read(table, partitions)
            for table in feeds()
            for lane, partitions in LANES.items()
        }

    def _read(self, table: str, partitions: Sequence[int]) -> object:
        read: Callable[[Connection, int], object]
        if table == "dossier_states":
            read = reading.dossiers_of
        elif table == "stamp_states":
            read = reading.stamps_of
        else:
            read = partial(_cells, RollUp(table))
        return [read(self.connection, partition) for partition in partitions]


def _cells(roll_up: RollUp, connection: Connection, partition: int) -> object:
    return reading.cells_of(connection, roll_up, partition)
