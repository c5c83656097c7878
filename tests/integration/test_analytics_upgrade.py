"""A warehouse of before the roll-ups: its migrations, and the first start after them, give it the past."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.analytics import migrations, reading, reconcile
from services.analytics.adapters.beside import Beside
from services.analytics.adapters.clickhouse import Connection, Pool
from services.analytics.errors import UnfilledError
from services.analytics.filled import Filled, unfilled
from services.analytics.mending import filler, mender
from services.analytics.migrations import migrate, shipped
from services.analytics.migrations.feeds import feeds
from services.analytics.queries import query
from services.analytics.reading import Slice
from tests.fakes.analytics import MemoryFactLog, MemoryFacts
from tests.fakes.analytics_facts import fill
from tests.integration.test_analytics_rollups import PARTITIONS, House
from tests.warehouse_process import WarehouseProcess

LANES = 2
BEFORE = 12
"""The last migration before the roll-ups."""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """As the release before left it, with facts in it; then brought up to date."""
    process = WarehouseProcess(tmp_path / "data")
    url = f"clickhouse://default@127.0.0.1:{process.port}/default"
    connection, pool = Connection(url), Pool(url, size=1, patience=10)
    try:
        everything = shipped()
        with monkeypatch.context() as then:
            then.setattr(migrations, "shipped", lambda: everything[:BEFORE])
            migrate(connection)
        facts = MemoryFacts(PARTITIONS)
        fill(facts, 50, random.Random(9))
        one = House(url, connection, pool, facts)
        for _ in range(3):
            one.batch(25)
        assert migrate(connection) == everything[BEFORE:]
        yield one
    finally:
        with pool.lend() as lent:
            lent.close()
        connection.close()
        process.kill()


def start(house: House) -> int:
    """What the sink does at its start; how often the lane's writer was asked for."""
    asked = []
    call = filler(
        lambda: unfilled(house.connection), lambda lane: Beside(house.pool, lane), lambda: asked.append(1)
    )
    call(house.at)
    house.sink.vouch_for(PARTITIONS)
    return len(asked)


def asking(house: House, *, recovered: bool = True) -> Filled:
    """Questions to a process that has just begun."""
    return Filled(house.connection, LANES, lambda: recovered)


def test_the_first_start_fills_the_roll_ups_and_nothing_is_told_before(house: House) -> None:
    tables = asking(house)
    assert reading.clocks(tables) == reading.clocks(house.connection), "how far the log is, is told always"
    with pytest.raises(UnfilledError, match="lanes"):
        reading.figures(tables, Slice())
    assert start(house), "whether the lane is still ours"
    house.assert_right()
    assert reading.figures(tables, Slice()).received > 0
    assert unfilled(house.connection) == {}
    assert house.connection.rows(query("roll_ups"), {"partitions": list(PARTITIONS)}) == []
    assert not start(house), "a second start finds nothing to do"
    house.all()
    house.assert_right()
    assert house.beside() == []


def test_an_insert_that_outlives_its_writer_is_not_taken_away_by_the_first_filling(house: House) -> None:
    """Its facts stand before what feeds make of them; it ends while a table that looks empty is filled."""
    start(house)
    house.connection.run("ALTER TABLE facts DELETE WHERE type = 'DossierRated' SETTINGS mutations_sync = 2")
    house.connection.run("TRUNCATE TABLE ratings")
    before = dict(house.at)

    def confirm() -> None:
        if house.at == before:
            house.all()

    call = filler(
        lambda: {lane: ["ratings"] for lane in range(LANES)}, lambda lane: Beside(house.pool, lane), confirm
    )
    call(before)
    house.sink.insert_facts(*house.last)
    assert house.at != before
    rated = "SELECT count() FROM facts WHERE type = 'DossierRated'"
    assert house.connection.rows("SELECT toUInt64(sum(ratings)) FROM ratings") == house.connection.rows(rated)


def test_a_batch_of_the_old_release_after_the_migration_is_told_and_cured_by_a_repair(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reaches the new tables, which then do not look new: nothing may be inserted until they are whole."""
    monkeypatch.setattr(reconcile, "DOSSIER_PARTITIONS", 16)
    house.batch(25)
    assert unfilled(house.connection) == {}
    assert not start(house)
    assert house.sink.roll_ups(PARTITIONS), "what a start stops at"

    def open_log() -> MemoryFactLog:
        return MemoryFactLog(house.facts, lambda point: None, lambda: None)

    mender(open_log, house.pool, lambda lane: Beside(house.pool, lane), lambda: None)(house.at)
    assert house.sink.roll_ups(PARTITIONS) == []
    house.assert_right()


def test_a_batch_begun_before_the_upgrade_and_finished_after_it_counts_once(house: House) -> None:
    """The raw rows of the last batch stand already; the position stands before it."""
    for table in feeds():
        house.connection.run(f"DROP VIEW {table}_feed")
    before = dict(house.at)
    house.batch(25)
    for one in shipped():
        if "CREATE MATERIALIZED VIEW" in one.statement and one.number > BEFORE:
            house.connection.run(one.statement)
    after, house.at = house.at, before
    assert start(house)
    house.assert_right()
    house.at = after
    house.sink.insert_facts(*house.last)
    house.assert_right()
