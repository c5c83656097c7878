"""Facts that can never be read: what is left of their dossiers counts where it can, on the real engine."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.analytics import reading
from services.analytics.adapters.clickhouse import Connection, Pool
from services.analytics.migrations import migrate
from tests.fakes.analytics import MemoryFacts, folded
from tests.fakes.analytics_facts import fill
from tests.integration.test_analytics_rollups import PARTITIONS, House
from tests.warehouse_process import WarehouseProcess


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    process = WarehouseProcess(tmp_path / "data")
    url = f"clickhouse://default@127.0.0.1:{process.port}/default"
    connection, pool = Connection(url), Pool(url, size=1, patience=10)
    try:
        migrate(connection)
        facts = MemoryFacts(PARTITIONS)
        fill(facts, 50, random.Random(9))
        yield House(url, connection, pool, facts)
    finally:
        with pool.lend() as lent:
            lent.close()
        connection.close()
        process.kill()


@pytest.mark.parametrize("size", [4, 1_000])
def test_a_dossier_whose_first_facts_are_dead_letters_counts_once_it_has_a_bucket(
    house: House, size: int
) -> None:
    for records in house.facts.records.values():
        for n, record in enumerate(records):
            seq = re.search(rb'"seq":(\d+)', record.value or b"")
            if seq and int(seq[1]) <= (record.key or b"0")[-1] % 4:
                records[n] = record._replace(value=b"no fact")
    without = 0
    while house.batch(size):
        dossiers = folded(house.rows()).values()
        counted = sum(dossier.bucket != "" for dossier in dossiers)
        assert reading.figures(house.connection, reading.Slice()).received == counted
        without = max(without, len(dossiers) - counted)
    assert without, "some dossier had no bucket for a while"
    house.assert_right()
    assert house.sink.roll_ups(PARTITIONS) == []
