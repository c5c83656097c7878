"""What a start with MOTCUA_REPAIR=1 puts back before the repair, on the real engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.analytics import reconcile
from services.analytics.adapters.beside import Beside
from services.analytics.adapters.clickhouse import check_windows
from services.analytics.errors import WarehouseMismatchError
from services.analytics.mending import mender
from services.analytics.migrations.feeds import feeds, views
from services.analytics.migrations.restore import restore
from tests.fakes.analytics import MemoryFactLog
from tests.integration.test_analytics_rollups import House, a_house
from tests.warehouse_process import WarehouseProcess


@pytest.fixture
def house(process: WarehouseProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(reconcile, "DOSSIER_PARTITIONS", 16)
    with a_house(process) as one:
        yield one
        one.connection.run("DROP TABLE IF EXISTS facts_local")
        restore(one.connection)
        check_windows(one.connection)


def definitions(house: House) -> dict[str, str]:
    """What each feed asks, as the warehouse has it."""
    text = "SELECT name, as_select FROM system.tables WHERE engine = 'MaterializedView'"
    return {str(name): str(asked) for name, asked in house.connection.rows(text)}


def mend(house: House) -> None:
    def open_log() -> MemoryFactLog:
        return MemoryFactLog(house.facts, lambda point: None, lambda: None)

    mender(open_log, house.pool, lambda lane: Beside(house.pool, lane), lambda: None)(house.at)


def test_what_stands_is_left_alone(house: House) -> None:
    assert restore(house.connection) == []


def test_feeds_that_are_gone_are_made_anew_and_what_they_missed_is_put_right(house: House) -> None:
    house.batch(20)
    before = definitions(house)
    assert set(before) == set(views())
    gone = ("figures_feed", "dossier_states_feed")
    for view in gone:
        house.connection.run(f"DROP VIEW {view} SYNC")
    house.batch(20)
    with pytest.raises(AssertionError):
        house.assert_right()
    with pytest.raises(WarehouseMismatchError, match="is gone"):
        check_windows(house.connection)
    done = restore(house.connection)
    assert sorted(done) == sorted(f"the feed {one}, which fills {views()[one]}, is made anew" for one in gone)
    assert definitions(house) == before
    check_windows(house.connection)
    mend(house)
    house.assert_right()
    house.all(30)
    house.assert_right()


@pytest.mark.parametrize(
    ("table", "change"),
    [("facts", "MODIFY SETTING {} = 1"), ("clocks", "RESET SETTING {}"), ("figures", "RESET SETTING {}")],
)
def test_a_window_that_shrank_is_put_back_and_what_came_twice_is_put_right(
    house: House, table: str, change: str
) -> None:
    house.batch(20)
    first = house.last
    house.connection.run(f"ALTER TABLE {table} {change.format('non_replicated_deduplication_window')}")
    for _ in range(2):
        house.batch(20)
    house.sink.insert_facts(*first)  # which a table of a small window has forgotten
    with pytest.raises(WarehouseMismatchError, match=f"table {table} must have"):
        check_windows(house.connection)
    assert restore(house.connection) == [f"table {table} remembers 10000 tokens again"]
    check_windows(house.connection)
    if table in feeds():
        with pytest.raises(AssertionError):
            house.assert_right()
    mend(house)
    house.assert_right()
    house.batch(20)
    house.sink.insert_facts(*house.last)  # remembered again
    house.assert_right()
    assert sum(house.sink.row_counts(list(house.at)).values()) == len(house.rows())


def test_of_a_cluster_nothing_is_touched(house: House) -> None:
    house.connection.run("DROP VIEW ratings_feed SYNC")
    house.connection.run("CREATE TABLE facts_local (n UInt8) ENGINE = MergeTree ORDER BY n")
    assert restore(house.connection) == []
    assert "ratings_feed" not in definitions(house)
