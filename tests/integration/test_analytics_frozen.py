"""Repairs and rebuilds that die, give up or freeze, and what a newer writer finds: on the real engine."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator

import pytest

from services.analytics import reading, reconcile
from services.analytics.adapters.beside import Beside
from services.analytics.adapters.clickhouse import Pool
from services.analytics.domain.batch import translate
from services.analytics.domain.comparison import Mending
from services.analytics.domain.lane import lane_of
from services.analytics.domain.rollups import RollUp
from services.analytics.errors import AnalyticsError, FencedError, RetryLaterError, WarehouseRejectedError
from services.analytics.mending import mender
from services.analytics.migrations.feeds import feeds
from services.analytics.rebuild import Hold, Rebuilder
from tests.fakes.analytics import DiedError, MemoryFactLog
from tests.integration.test_analytics_rollups import LANES, PARTITIONS, House, a_house, lose
from tests.waiting import wait_until
from tests.warehouse_process import WarehouseProcess


@pytest.fixture
def house(process: WarehouseProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(reconcile, "DOSSIER_PARTITIONS", 16)
    with a_house(process) as one:
        yield one


def test_a_start_repairs_though_the_log_itself_lacks_a_fact(house: House) -> None:
    """A fact in the middle of a dossier cannot be decoded: no repair cures it, so none refuses for it."""
    spoilt = next(row for row in translate(house.facts.records[1], {}).rows if row.seq == 2)
    at = spoilt.log_offset
    house.facts.records[1][at] = house.facts.records[1][at]._replace(value=b"{")
    house.all()
    lose("facts", f"log_partition = 1 AND log_offset > {at}")(house)
    mend = mender(
        lambda: MemoryFactLog(house.facts, lambda point: None, lambda: None),
        house.pool,
        lambda lane: Beside(house.pool, lane),
        lambda: None,
    )
    assert mend(house.at) == house.sink.row_counts(PARTITIONS)
    assert sum(one.gaps for one in house.reconciler().run()) > 0
    house.assert_right()


def test_a_repair_that_died_amid_its_deletion_is_in_no_later_ones_way(house: House) -> None:
    """SYSTEM STOP MERGES holds the moment open: the mutation is written down and has not begun."""
    house.all()
    wrong = [row for row in house.rows() if row.log_partition == 1][:2]
    house.connection.run("SYSTEM STOP MERGES facts")
    dying = Pool(house.url, size=1, timeout=60)
    old = Beside(dying, 0)
    old.reserve()

    def repair() -> None:
        with contextlib.suppress(AnalyticsError):  # killed: the server answers that the mutation is no more
            old.mend(1, [wrong[0].log_offset], wrong[:1])

    thread = threading.Thread(target=repair)
    thread.start()
    waiting = "SELECT 1 FROM system.mutations WHERE NOT is_done"
    try:
        wait_until(lambda: house.connection.rows(waiting), 30, "the mutation to be written down")
        house.sink.drop_unfinished((8,))
        assert house.connection.rows(waiting), "another lane's is none of ours"
        house.sink.drop_unfinished((0, 1))
        assert house.connection.rows(waiting) == []
    finally:
        house.connection.run("SYSTEM START MERGES facts")
        thread.join(60)
        with dying.lend() as one:
            one.close()
    assert not thread.is_alive()
    new = Beside(house.pool, 0)
    new.reserve()
    new.mend(1, [wrong[1].log_offset], wrong[1:])
    new.clear()
    assert all(one.clean for one in house.reconciler().repair().after)
    house.assert_right()


def test_a_repair_that_gives_up_waiting_takes_its_deletion_back(house: House) -> None:
    house.all()
    first = house.rows()[0]
    house.connection.run("SYSTEM STOP MERGES facts")
    impatient = Pool(house.url, size=1, timeout=1)
    try:
        beside = Beside(impatient, lane_of(first.log_partition))
        beside.reserve()
        with pytest.raises(RetryLaterError):
            beside.mend(first.log_partition, [first.log_offset], [first])
        beside.clear()
        assert house.connection.rows("SELECT 1 FROM system.mutations WHERE NOT is_done") == []
    finally:
        house.connection.run("SYSTEM START MERGES facts")
        with impatient.lend() as one:
            one.close()
    house.assert_right()
    assert sum(house.sink.row_counts(PARTITIONS).values()) == len(house.rows())


class Freezing(Pool):
    """The process stands still before it alters a table in use; a newer writer comes meanwhile."""

    before = "ALTER TABLE "
    newer_writer: Callable[[], object] = staticmethod(lambda: None)

    def run(self, statement: str) -> None:
        if statement.startswith(self.before):
            self.newer_writer()
        super().run(statement)


@pytest.fixture
def frozen(house: House) -> Iterator[Freezing]:
    """The newer writer inserts all there is."""

    def newer_writer() -> None:
        house.sink.drop_unfinished((0, 1))
        house.all()

    pool = Freezing(house.url, size=1)
    pool.newer_writer = newer_writer
    yield pool
    with pool.lend() as one:
        one.close()


def test_who_was_frozen_before_putting_nothing_in_place_leaves_a_newer_writers_rows(
    house: House, frozen: Freezing
) -> None:
    old = Beside(frozen, 0)
    old.begin()
    with pytest.raises(WarehouseRejectedError, match="code 60"):
        old.swap()
    assert reading.cells_of(house.connection, RollUp.STEP_TIMES, 1)
    house.assert_right()


def test_who_was_frozen_before_putting_a_clock_back_leaves_a_newer_writers_clock(
    house: House, frozen: Freezing
) -> None:
    old = Beside(frozen, 0)
    old.reserve()
    with pytest.raises(WarehouseRejectedError, match="code 60"):
        old.set_clock(0, None, back=True)
    assert reading.clocks(house.connection)[0]


def test_who_was_frozen_and_finds_its_tables_gone_says_that_the_lane_is_anothers(house: House) -> None:
    """Not that the warehouse refuses: that would be no case for another start."""
    house.all()

    def newer_writer() -> None:
        house.sink.drop_unfinished(PARTITIONS)
        house.owned = False

    frozen = Freezing(house.url, size=1)
    frozen.newer_writer = newer_writer
    rebuilder = Rebuilder(lambda lane: Beside(frozen, lane), house.hold)
    row = house.rows()[0]
    for work in (
        lambda: rebuilder.lane(0),
        lambda: rebuilder.mend(row.log_partition, Mending((row.log_offset,), (row,))),
    ):
        house.owned = True
        with pytest.raises(FencedError):
            work()
    house.assert_right()
    with frozen.lend() as one:
        one.close()


def test_who_was_frozen_before_the_second_look_of_a_start_says_so_too(house: House) -> None:
    """What it finds then is what the newer writer has inserted: no difference that was left."""
    house.batch(20)
    lose("facts", "log_partition = 1")(house)
    at = dict(house.at)

    def newer_writer() -> None:
        house.sink.drop_unfinished(PARTITIONS)
        house.all()
        house.owned = False

    def confirm() -> None:
        if not house.owned:
            raise FencedError("a newer writer")

    frozen = Freezing(house.url, size=1)
    frozen.before, frozen.newer_writer = "DROP TABLE IF EXISTS step_times", newer_writer
    mend = mender(
        lambda: MemoryFactLog(house.facts, lambda point: None, lambda: None),
        frozen,
        lambda lane: Beside(frozen, lane),
        confirm,
    )
    with pytest.raises(FencedError):
        mend(at)
    house.assert_right()
    with frozen.lend() as one:
        one.close()


class Halving(Pool):
    """The server dies amid putting a partition in place or moving one away, and comes back: both stand.

    So it was seen after every third SIGKILL during the statement. `then` happens once it is back.
    """

    then: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, url: str) -> None:
        super().__init__(url, size=1)
        self.halved: set[str] = set()

    def run(self, statement: str) -> None:
        half = statement.replace(" REPLACE PARTITION ", " ATTACH PARTITION ")
        if moved := re.fullmatch(r"ALTER TABLE (\w+) MOVE PARTITION (\d+) TO TABLE (\w+)", statement):
            table, lane, beside = moved.groups()
            half = f"ALTER TABLE {beside} ATTACH PARTITION {lane} FROM {table}"
        if half == statement or statement in self.halved:
            return super().run(statement)
        self.halved.add(statement)
        super().run(half)
        self.then()
        raise RetryLaterError("the warehouse is not reachable")


@pytest.fixture
def halving(house: House) -> Iterator[Halving]:
    house.all()
    house.connection.run("ALTER TABLE facts DELETE WHERE type = 'DossierRated' SETTINGS mutations_sync = 2")
    pool = Halving(house.url)
    yield pool
    with pool.lend() as one:
        one.close()


def test_a_server_that_dies_amid_a_swap_leaves_nothing_twice(house: House, halving: Halving) -> None:
    assert reading.cells_of(house.connection, RollUp.RATINGS, 0), "to be moved away"
    wanted = {p: reading.dossiers_of(house.connection, p) for p in PARTITIONS}
    rebuilder = Rebuilder(lambda lane: Beside(halving, lane), house.hold)
    for lane in LANES:
        rebuilder.lane(lane)
    assert len(halving.halved) == len(LANES) * len(feeds())
    for partition in PARTITIONS:
        assert reading.cells_of(house.connection, RollUp.RATINGS, partition) == {}
        rated = {row.dossier_id for row in house.rows() if row.type == "DossierRated"}
        found = reading.dossiers_of(house.connection, partition)
        assert found.keys() == wanted[partition].keys()
        assert all(found[one] == wanted[partition][one] for one in found.keys() - rated)
    assert house.sink.roll_ups(PARTITIONS) == []
    assert all(one.clean for one in house.reconciler().repair().after)
    house.assert_right()


def test_a_process_that_dies_with_the_server_amid_a_swap_is_found_out_by_the_next_start(
    house: House, halving: Halving
) -> None:
    def die() -> None:
        raise DiedError

    house.reconciler().repair()
    halving.then = die
    with pytest.raises(DiedError):
        Rebuilder(lambda lane: Beside(halving, lane), house.hold).lane(0)
    house.sink.drop_unfinished(PARTITIONS)
    assert {one.table for one in house.sink.roll_ups(PARTITIONS)} == {next(iter(feeds()))}
    mender(
        lambda: MemoryFactLog(house.facts, lambda point: None, lambda: None),
        house.pool,
        lambda lane: Beside(house.pool, lane),
        lambda: None,
    )(house.at)
    house.assert_right()


def test_what_a_repair_needs_stands_before_it_asks_whether_the_lane_is_ours(house: House) -> None:
    """Frozen after it was told yes: the newer writer drops it, and the repair changes nothing."""
    house.all()
    row = house.rows()[0]
    confirm = Hold(house.status, house.gate, lambda: house.sink.drop_unfinished((0, 1)))
    rebuilder = Rebuilder(lambda lane: Beside(house.pool, lane), confirm)
    with pytest.raises(WarehouseRejectedError, match="code 60"):
        rebuilder.mend(row.log_partition, Mending((row.log_offset,), (row,)))
    with pytest.raises(WarehouseRejectedError, match="code 60"):
        rebuilder.set_clock(row.log_partition, house.at[row.log_partition], None)
    assert sum(house.sink.row_counts(PARTITIONS).values()) == len(house.rows())
    house.assert_right()


def test_a_rebuild_is_right_whatever_the_profile_says_of_joins_and_empty_groups(house: House) -> None:
    house.all(40)
    bounds = "max_rows_in_join=2&max_bytes_in_join=9&max_rows_to_group_by=2"
    profile = f"join_use_nulls=1&aggregate_functions_null_for_empty=1&{bounds}"
    odd = Pool(f"{house.url}?{profile}", size=1)
    for lane in LANES:
        Rebuilder(lambda lane: Beside(odd, lane), house.hold, stretch=50).lane(lane)
    with odd.lend() as one:
        one.close()
    house.assert_right()
