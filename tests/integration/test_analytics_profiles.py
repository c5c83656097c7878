"""What a server's profile says by default changes nothing of what is inserted and asked."""

from __future__ import annotations

import random

import pytest

from services.analytics import reading
from services.analytics.adapters.clickhouse import Connection, SinkWarehouse
from services.analytics.domain.batch import translate
from services.analytics.domain.rollups import RollUp
from services.analytics.domain.rows import FactRow
from services.analytics.migrations import migrate
from tests.fakes.analytics import MemoryFacts, folded
from tests.fakes.analytics_facts import fill
from tests.fakes.analytics_tables import MemoryTables
from tests.warehouse_process import WarehouseProcess

PARTITIONS = (0, 1)


@pytest.fixture(scope="module")
def rows() -> list[FactRow]:
    facts = MemoryFacts(PARTITIONS)
    fill(facts, 30, random.Random(9))
    return [row for records in facts.records.values() for row in translate(records, {}).rows]


@pytest.mark.parametrize(
    "profile",
    [
        "aggregate_functions_null_for_empty = 1",
        "cast_keep_nullable = 1",
        "data_type_default_nullable = 1",
        "join_use_nulls = 1",
        '"limit" = 1, "offset" = 1',
        "max_bytes_in_join = 10",
        "max_bytes_in_set = 10",
        "max_bytes_to_read = 10, read_overflow_mode = 'break'",
        "max_rows_in_join = 5",
        "max_rows_in_join = 5, join_overflow_mode = 'break'",
        "max_rows_in_set = 5, set_overflow_mode = 'break'",
        "max_rows_to_group_by = 5, group_by_overflow_mode = 'any'",
        "max_rows_to_read = 10",
        "optimize_on_insert = 0",
        "prefer_column_name_to_alias = 1",
        "transform_null_in = 1",
    ],
)
def test_a_profile_changes_nothing(process: WarehouseProcess, rows: list[FactRow], profile: str) -> None:
    database = "d" + "".join(filter(str.isalnum, profile))
    with process.client() as admin:
        admin.execute(f"CREATE DATABASE {database}")
    url = f"clickhouse://default@127.0.0.1:{process.port}/{database}"
    plain, under = Connection(url), Connection(url)
    try:
        under.run(f"SET {profile}")
        if not profile.startswith("max_"):  # a question may be bounded, and be refused for it
            migrate(under)
        migrate(plain)
        sink = SinkWarehouse(under)
        for turn in (1, 2, 2):
            sink.insert_facts(rows[: len(rows) // 2] if turn == 1 else rows[len(rows) // 2 :], f"turn {turn}")
        assert SinkWarehouse(plain).roll_ups(PARTITIONS) == []
        memory = MemoryTables(folded(rows), rows)
        for connection in (plain,) if profile.startswith("max_") else (plain, under):
            for partition in PARTITIONS:
                for roll_up in RollUp:
                    found = reading.cells_of(connection, roll_up, partition)
                    assert found == reading.cells_of(memory, roll_up, partition), (roll_up, partition)
                assert reading.dossiers_of(connection, partition) == reading.dossiers_of(memory, partition)
    finally:
        plain.close()
        under.close()
