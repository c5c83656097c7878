"""When figures may be told: once every lane's start has found its tables right, and never before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.analytics import reading
from services.analytics.adapters.clickhouse import Connection
from services.analytics.errors import UnfilledError
from services.analytics.filled import Filled, unfilled
from services.analytics.migrations.feeds import feeds
from services.analytics.migrations.restore import restore
from services.analytics.reading import Slice
from tests.integration.test_analytics_rollups import LANES, PARTITIONS, House, a_house
from tests.warehouse_process import WarehouseProcess


@pytest.fixture
def house(process: WarehouseProcess) -> Iterator[House]:
    with a_house(process) as one:
        one.batch(25)
        one.sink.vouch_for(PARTITIONS)
        yield one
        one.connection.run("TRUNCATE TABLE vouched_lanes")
        restore(one.connection)


def asking(house: House, *, recovered: bool = True) -> Filled:
    """Questions to a process that has just begun."""
    return Filled(house.connection, len(LANES), lambda: recovered)


def test_an_insert_on_its_way_is_nothing_unfilled(house: House) -> None:
    """The facts of a block stand before what its feeds make of them."""
    for table in ("facts", *feeds()):
        house.connection.run(f"TRUNCATE TABLE {table}")
    for table in feeds():
        house.connection.run(f"DROP VIEW {table}_feed")
    house.batch(25)
    assert unfilled(house.connection), "as it looks amid an insert"
    assert reading.figures(asking(house), Slice()).received == 0


def test_rows_of_partitions_that_the_log_does_not_have_turn_nobody_away(house: House) -> None:
    """Nobody can ever vouch for them; the proof tells of them."""
    house.connection.run("INSERT INTO facts SELECT * REPLACE (99 AS log_partition) FROM facts LIMIT 3")
    assert reading.figures(asking(house), Slice()).received > 0


def test_a_lane_whose_start_is_not_through_is_not_told_of(house: House) -> None:
    """Lost altogether a table is as empty as one that has nothing to say."""
    house.connection.run("TRUNCATE TABLE figures")
    with pytest.raises(UnfilledError, match="this process"):
        reading.figures(asking(house, recovered=False), Slice())
    house.connection.run("TRUNCATE TABLE vouched_lanes")
    house.sink.vouch_for(PARTITIONS[:1])
    with pytest.raises(UnfilledError, match=r"lanes \[1\]"):
        reading.figures(asking(house), Slice())


def test_tables_that_are_not_made_yet_have_nothing_to_say(house: House) -> None:
    house.connection.run("CREATE DATABASE IF NOT EXISTS empty")
    empty = Connection(house.url.removesuffix("default") + "empty")
    with pytest.raises(UnfilledError, match="not made"):
        reading.figures(Filled(empty, len(LANES), lambda: True), Slice())
    with pytest.raises(UnfilledError, match="not made"):
        reading.clocks(Filled(empty, len(LANES), lambda: True))
    empty.close()
