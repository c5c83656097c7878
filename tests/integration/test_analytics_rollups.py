"""Roll-ups on the real engine: right after every block, rebuilt while facts arrive, and repaired."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest

from services.analytics import reading, reconcile
from services.analytics.adapters.beside import Beside
from services.analytics.adapters.clickhouse import Connection, Pool, SinkWarehouse
from services.analytics.domain.batch import NOTHING, translate
from services.analytics.domain.rollups import RollUp
from services.analytics.domain.rows import FactRow
from services.analytics.errors import FencedError, WarehouseRejectedError
from services.analytics.mending import mender
from services.analytics.migrations import migrate, shipped
from services.analytics.migrations.feeds import feeds
from services.analytics.rebuild import BehindError, Hold, Rebuilder
from services.analytics.reconcile import Reconciler
from services.analytics.sink.gate import Gate
from services.analytics.sink.status import Status
from tests.fakes.analytics import MemoryFactLog, MemoryFacts, folded
from tests.fakes.analytics_facts import fill
from tests.fakes.analytics_tables import MemoryTables
from tests.warehouse_process import WarehouseProcess

PARTITIONS = (0, 1, 8)  # two lanes
LANES = (0, 1)
NUMBERS = count()  # no token comes twice in the life of a warehouse


@dataclass
class House:
    """Empty tables, a log, and a sink that inserts the log stretch by stretch, one step at a time."""

    url: str
    connection: Connection
    pool: Pool
    facts: MemoryFacts
    status: Status = field(default_factory=lambda: Status(PARTITIONS))
    gate: Gate = field(default_factory=Gate)
    owned: bool = True
    last: tuple[list[FactRow], str] = ([], "")

    def __post_init__(self) -> None:
        self.sink = SinkWarehouse(self.connection)
        self.at = dict.fromkeys(PARTITIONS, 0)
        self.marks = dict.fromkeys(PARTITIONS, NOTHING)
        self.status.moved(self.at)
        self.hold = Hold(self.status, self.gate, self._confirm, patience=10)
        self.rebuilder = Rebuilder(lambda lane: Beside(self.pool, lane), self.hold, stretch=50)

    def _confirm(self) -> None:
        if not self.owned:
            raise FencedError("a newer writer")

    def batch(self, size: int) -> bool:
        """One batch of at most `size` records of a partition, as the sink does it; whether there was one."""
        with self.gate:
            ends = {p: min(at + size, len(self.facts.records[p])) for p, at in self.at.items()}
            if ends == self.at:
                return False
            self.status.began()
            records = [r for p, at in self.at.items() for r in self.facts.records[p][at : ends[p]]]
            found = translate(records, self.marks)
            self.last = (found.rows, f"batch {next(NUMBERS)}")
            if found.rows:
                self.sink.insert_facts(*self.last)
            if found.clocks:
                self.sink.insert_clocks(found.clocks, self.last[1])
            self.at, self.marks = ends, dict(found.marks)
            self.status.moved(self.at)
            return True

    def all(self, size: int = 1_000) -> None:
        while self.batch(size):
            pass

    def rows(self) -> list[FactRow]:
        """What the log comes to, as far as the sink is."""
        found = []
        for partition, at in self.at.items():
            found += translate(self.facts.records[partition][:at], {}).rows
        return found

    def assert_cells_right(self) -> MemoryTables:
        """Every cell says what the rows do; returns what they say."""
        rows = self.rows()
        memory = MemoryTables(folded(rows), rows)
        for partition in PARTITIONS:
            for roll_up in RollUp:
                found = reading.cells_of(self.connection, roll_up, partition)
                assert found == reading.cells_of(memory, roll_up, partition), (roll_up, partition)
        return memory

    def assert_right(self) -> None:
        """Every roll-up says what the rows do."""
        memory = self.assert_cells_right()
        for partition in PARTITIONS:
            assert reading.dossiers_of(self.connection, partition) == reading.dossiers_of(memory, partition)
            assert reading.stamps_of(self.connection, partition) == reading.stamps_of(memory, partition)

    def reconciler(self) -> Reconciler:
        def open_log() -> SoFar:
            return SoFar(self)

        return Reconciler(open_log, self.pool, self.hold, self.rebuilder, patience=10)

    def beside(self) -> list[str]:
        """Tables that stand beside."""
        return [name for (name,) in self.connection.rows("SELECT name FROM system.tables") if "__" in name]


class SoFar(MemoryFactLog):
    """The log as if nothing stood behind the sink: what is beyond arrives while one looks."""

    def __init__(self, house: House) -> None:
        super().__init__(house.facts, lambda point: None, lambda: None)
        self._house = house

    def true_ends(self) -> dict[int, int]:
        return dict(self._house.at)


@pytest.fixture
def house(process: WarehouseProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(reconcile, "DOSSIER_PARTITIONS", 16)
    with a_house(process) as one:
        yield one


@contextmanager
def a_house(process: WarehouseProcess) -> Iterator[House]:
    url = f"clickhouse://default@127.0.0.1:{process.port}/default"
    connection = Connection(url)
    migrate(connection)
    for table in ("facts", "clocks", *feeds()):
        connection.run(f"TRUNCATE TABLE {table}")
    facts = MemoryFacts(PARTITIONS)
    fill(facts, 50, random.Random(9))
    pool = Pool(url, size=1, patience=10)
    yield House(url, connection, pool, facts)
    with pool.lend() as one:
        one.close()
    connection.close()


@pytest.mark.parametrize("size", [8, 40, 1_000])
def test_roll_ups_are_right_after_every_block(house: House, size: int) -> None:
    for turn in count():
        if not house.batch(size):
            break
        house.sink.insert_facts(*house.last)  # again, as after a lost answer
        if turn % 20 == 0:
            house.assert_right()
    house.assert_right()
    for table in feeds():
        house.connection.run(f"OPTIMIZE TABLE {table} FINAL")
    house.assert_right()
    cells = reading.cells_of(house.connection, RollUp.FIGURES, 0)
    assert sum(numbers[0] for numbers in cells.values()) == len(reading.dossiers_of(house.connection, 0))
    assert all(number >= 0 for numbers in cells.values() for number in numbers)


@pytest.mark.parametrize("lacking", sorted(feeds()))
def test_the_same_batch_completes_what_half_of_it_left_undone(house: House, lacking: str) -> None:
    """As when the warehouse died inside an insert: the raw rows stand, one roll-up has none of them."""
    house.batch(100)
    feed = next(one.statement for one in shipped() if f" VIEW IF NOT EXISTS {lacking}_feed " in one.statement)
    house.connection.run(f"DROP VIEW {lacking}_feed")
    house.batch(1_000)
    house.connection.run(feed)
    with pytest.raises(AssertionError):
        house.assert_right()
    house.sink.insert_facts(*house.last)
    house.assert_right()


def test_a_rebuild_loses_and_doubles_nothing_that_arrives_meanwhile(house: House) -> None:
    for _ in range(4):
        house.batch(10)
    stop = threading.Event()
    inserted = threading.Semaphore(0)

    def arrive() -> None:
        while not stop.is_set() and house.batch(2):
            inserted.release()

    thread = threading.Thread(target=arrive)
    thread.start()
    try:
        assert inserted.acquire(timeout=30)
        before = dict(house.at)
        rebuilt = [house.rebuilder.lane(lane) for lane in (*LANES, *LANES)]
        until = {p: at for one in rebuilt for p, at in one.until.items()}
        assert any(until[p] > before[p] for p in PARTITIONS), "facts arrived meanwhile"
    finally:
        stop.set()
        thread.join(60)
    house.assert_right()
    house.sink.insert_facts(*house.last)  # the tables put in place know the tokens of the old ones
    house.assert_right()
    house.all()
    house.assert_right()
    assert house.beside() == []


def test_a_rebuild_makes_roll_ups_out_of_nothing(house: House) -> None:
    house.all()
    for table in feeds():
        house.connection.run(f"TRUNCATE TABLE {table}")
    assert reading.figures(house.connection, reading.Slice()).received == 0
    rebuilt = house.reconciler().rebuild()
    assert [one.lane for one in rebuilt] == list(LANES)
    assert {p: at for one in rebuilt for p, at in one.until.items()} == house.at
    house.assert_right()


def test_a_rebuild_empties_what_the_facts_do_not_call_for(house: House) -> None:
    house.connection.run(
        "INSERT INTO figures (registered_on, agency, log_partition, bucket, dossiers) "
        "VALUES ('2020-02-01', 'X', 1, 'late', 7)"
    )
    house.rebuilder.lane(0)
    house.assert_right()


def test_what_a_newer_writer_finds_beside_can_no_longer_be_put_in_place(house: House) -> None:
    house.all(30)
    old = Beside(house.pool, 1)
    old.begin()
    old.fill(8, 0, 10)
    house.sink.drop_unfinished((0, 1))
    assert house.beside()
    house.sink.drop_unfinished((8,))
    assert house.beside() == []
    for late in (old.swap, lambda: old.fill(8, 10, 20)):
        with pytest.raises(WarehouseRejectedError, match="code 60"):
            late()
    old.clear()
    house.assert_right()


def test_nothing_is_put_in_place_by_who_is_no_writer_or_amid_a_batch(house: House) -> None:
    house.all(30)
    house.connection.run("TRUNCATE TABLE ratings")
    house.owned = False
    with pytest.raises(FencedError):
        house.rebuilder.lane(0)
    house.owned = True
    house.status.began()
    with pytest.raises(BehindError, match="half done"):
        house.rebuilder.lane(0)
    assert reading.cells_of(house.connection, RollUp.RATINGS, 0) == {}
    assert house.beside() == []


Damage = Callable[[House], None]


def lose(table: str, where: str) -> Damage:
    """A part that is gone though its token is remembered."""

    def damage(house: House) -> None:
        house.connection.run(f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 2")

    return damage


def double(house: House) -> None:
    """The same rows under another token: every table has them twice."""
    house.sink.insert_facts(house.rows()[10:30], f"another {next(NUMBERS)}")


def change(table: str, what: str, where: str) -> Damage:
    """Rows that say something else."""

    def damage(house: House) -> None:
        house.connection.run(f"ALTER TABLE {table} UPDATE {what} WHERE {where} SETTINGS mutations_sync = 2")

    return damage


def turn_the_clock(house: House) -> None:
    house.sink.insert_clocks({0: 4_000_000_000_000_000}, f"wrong {next(NUMBERS)}")


def invent(house: House) -> None:
    """A row at an offset the log calls for none at."""
    silent = {r.offset for r in house.facts.records[1]} - {
        row.log_offset for row in house.rows() if row.log_partition == 1
    }
    house.sink.insert_facts(
        [house.rows()[0]._replace(log_partition=1, log_offset=min(silent))], f"invented {next(NUMBERS)}"
    )


def lose_of_every_roll_up(house: House) -> None:
    lose("dossier_states", "log_partition = 0 AND last_seq > 2")(house)
    lose("stamp_states", "log_partition = 8")(house)
    lose("figures", "log_partition = 1 AND bucket = 'late'")(house)
    lose("lives", "log_partition = 1 AND seq = 2")(house)
    lose("ratings", "1")(house)
    lose("step_times", "step = 'stamp'")(house)


DAMAGES: dict[str, Damage] = {
    "raw rows lost": lose("facts", "log_partition = 1 AND log_offset BETWEEN 5 AND 25"),
    "all raw rows of a partition lost": lose("facts", "log_partition = 8"),
    "of every roll-up something lost": lose_of_every_roll_up,
    "a clock lost": lose("clocks", "log_partition = 1"),
    "rows twice": double,
    "rows falsified": change("facts", "score = 9, bucket = 'late'", "log_offset < 9"),
    "lives falsified": change("lives", "agency = 'X'", "log_partition = 1 AND seq = 2"),
    "a clock gone ahead": turn_the_clock,
    "a row invented": invent,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_repair_puts_right_whatever_differs(house: House, damage: Damage) -> None:
    house.all(60)
    reconciler = house.reconciler()
    assert all(one.clean for one in reconciler.run())
    damage(house)
    found = reconciler.run()
    assert not all(one.clean for one in found)
    repair = reconciler.repair()
    assert [one.differences for one in repair.before] == [one.differences for one in found]
    assert all(one.clean for one in repair.after)
    house.assert_right()
    counts = house.sink.row_counts(PARTITIONS)
    assert sum(counts.values()) == len(house.rows())
    again = reconciler.repair()
    assert again.before == again.after == repair.after
    assert house.beside() == []


def test_a_start_puts_right_what_the_sink_would_stop_at(house: House) -> None:
    """Rows are gone though their token is remembered; the log goes on behind the sink's position."""
    for _ in range(4):
        house.batch(20)
    lose("facts", "log_partition = 1 AND log_offset > 30")(house)
    lose("lives", "log_partition = 1 AND seq > 3")(house)
    asked = []

    def open_log() -> MemoryFactLog:
        return MemoryFactLog(house.facts, lambda point: None, lambda: None)

    mend = mender(open_log, house.pool, lambda lane: Beside(house.pool, lane), lambda: asked.append(1))
    mend(house.at)
    assert asked, "whether the lane is still ours"
    house.assert_right()
    counts = house.sink.row_counts(PARTITIONS)
    assert sum(counts.values()) == len(house.rows())
    house.all()
    house.assert_right()


def test_a_repair_is_right_while_facts_arrive(house: House) -> None:
    for _ in range(5):
        house.batch(10)
    lose("facts", "log_partition = 1 AND log_offset < 9")(house)
    lose("figures", "log_partition = 1")(house)
    mended = threading.Event()

    def arrive() -> None:
        while not mended.is_set() and house.batch(1):
            pass

    before = dict(house.at)
    thread = threading.Thread(target=arrive)
    thread.start()
    try:
        repair = house.reconciler().repair()
    finally:
        mended.set()
        thread.join(60)
    assert sum(one.differences for one in repair.before) > 0
    assert all(one.until > before[one.partition] for one in repair.after), "facts arrived meanwhile"
    assert all(one.clean for one in repair.after)
    house.assert_right()
