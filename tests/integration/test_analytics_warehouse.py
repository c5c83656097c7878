"""The schema and the queries on the real engine: what is inserted comes back, once, and merged right."""

from __future__ import annotations

import contextlib
import random
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from services.analytics import oversight, reading
from services.analytics.adapters.clickhouse import Connection, Pool, SinkWarehouse, check_windows
from services.analytics.domain.batch import translate
from services.analytics.domain.rows import NUMBER_DRAWN, FactRow, micros
from services.analytics.errors import RetryLaterError, WarehouseMismatchError, WarehouseRejectedError
from services.analytics.migrations import migrate, shipped
from services.analytics.migrations.restore import restore
from services.analytics.oversight import LateFilter
from services.analytics.reading import Slice
from services.analytics.sink.ports import RollUp
from tests.fakes.analytics import MemoryFacts, folded
from tests.fakes.analytics_facts import fill
from tests.fakes.analytics_lives import SEAL
from tests.fakes.analytics_tables import MemoryTables
from tests.waiting import wait_until
from tests.warehouse_process import WarehouseProcess

PARTITIONS = (0, 1, 2)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    process = WarehouseProcess(tmp_path_factory.mktemp("analytics") / "data")
    yield process
    process.kill()


def url_of(process: WarehouseProcess) -> str:
    return f"clickhouse://default@127.0.0.1:{process.port}/default"


@pytest.fixture
def connection(house: WarehouseProcess) -> Iterator[Connection]:
    """A connection to empty tables."""
    one = Connection(url_of(house))
    for (name,) in one.rows(
        "SELECT name FROM system.tables WHERE database = currentDatabase() "
        "ORDER BY engine IN ('View', 'MaterializedView') DESC"
    ):
        one.run(f"DROP TABLE IF EXISTS {name}")
    migrate(one)
    yield one
    one.close()


@pytest.fixture(scope="module")
def rows() -> list[FactRow]:
    facts = MemoryFacts(PARTITIONS)
    fill(facts, 90, random.Random(9))
    return [row for records in facts.records.values() for row in translate(records, {}).rows]


def assert_merged(connection: Connection, rows: list[FactRow]) -> None:
    """The roll-ups of every partition say what the rows of that partition do."""
    memory = MemoryTables(folded(rows), rows)
    for partition in PARTITIONS:
        dossiers, stamps = reading.dossiers_of(memory, partition), reading.stamps_of(memory, partition)
        assert dossiers
        assert stamps
        assert reading.dossiers_of(connection, partition) == dossiers
        assert reading.stamps_of(connection, partition) == stamps


def test_rows_come_back_as_they_went_in(connection: Connection, rows: list[FactRow]) -> None:
    vietnamese = rows[0]._replace(log_offset=10**6, body='{"rule":"Chưa phê duyệt thì không đóng dấu \'%\'"}')
    SinkWarehouse(connection).insert_facts([*rows, vietnamese], "one")
    for partition in PARTITIONS:
        ours = [row for row in (*rows, vietnamese) if row.log_partition == partition]
        assert reading.stretch(connection, partition, 0, 2 * 10**6) == ours
        assert reading.stretch(connection, partition, 3, 7) == [r for r in ours if 3 <= r.log_offset < 7]
    assert sum(SinkWarehouse(connection).row_counts(PARTITIONS).values()) == len(rows) + 1


def test_a_token_again_inserts_nothing_twice(connection: Connection, rows: list[FactRow]) -> None:
    sink = SinkWarehouse(connection)
    assert len({row.at // (30 * 86_400 * 10**6) for row in rows}) > 1, "the batch crosses months"
    for _ in range(3):
        sink.insert_facts(rows[:200], "one")
        sink.insert_clocks({0: 5_000_000, 1: 7_000_000}, "one")
    sink.insert_facts(rows[200:], "two")
    assert_merged(connection, rows)
    assert reading.clocks(connection) == {0: 5_000_000, 1: 7_000_000}


def test_a_roll_up_is_made_of_as_many_facts_as_the_raw_rows_call_for(
    connection: Connection, rows: list[FactRow]
) -> None:
    sink = SinkWarehouse(connection)
    sink.insert_facts(rows, "one")
    assert sink.roll_ups(PARTITIONS) == []
    lives = {p: sum(row.log_partition == p and row.type != NUMBER_DRAWN for row in rows) for p in PARTITIONS}
    doubled = ("dossier_states", "lives", "figures")
    for table in doubled:
        connection.run(f"INSERT INTO {table} SELECT * FROM {table} WHERE log_partition = 1")
    emptied = ("stamp_states", "ratings", "step_times")
    for table in emptied:
        connection.run(f"TRUNCATE TABLE {table}")
    differing = {(one.table, one.partition): one for one in sink.roll_ups(PARTITIONS)}
    assert {(one.table, one.found) for one in differing.values()} == {
        *((table, 2 * lives[1]) for table in doubled),
        *((table, 0) for table in emptied),
    }
    for table in doubled:
        assert differing[table, 1] == RollUp(table, 1, lives[1], 2 * lives[1])
    assert all(one.wanted for one in differing.values())
    assert sink.roll_ups([0, 2]) == [one for one in differing.values() if one.partition != 1]


@pytest.mark.parametrize("code", [159, 173, 241, 439, 473])
def test_what_passes_by_itself_is_tried_again(connection: Connection, code: int) -> None:
    allowed = "SETTINGS allow_custom_error_code_in_throwif = 1"
    with pytest.raises(RetryLaterError, match=str(code)):
        connection.run(f"SELECT throwIf(1, 'no', toInt16({code})) {allowed}")


def test_pieces_of_a_state_merge_in_any_order(connection: Connection, rows: list[FactRow]) -> None:
    shuffled = rows.copy()
    random.Random(1).shuffle(shuffled)
    for place in range(0, len(shuffled), 40):
        SinkWarehouse(connection).insert_facts(shuffled[place : place + 40], f"part {place}")
    assert_merged(connection, rows)
    for table in ("dossier_states", "stamp_states"):
        connection.run(f"OPTIMIZE TABLE {table} FINAL")
    assert_merged(connection, rows)


SLICES = [
    Slice(),
    Slice(date(2020, 2, 2), date(2020, 2, 2)),
    Slice(date(2020, 3, 1)),
    Slice(agencies=("H52.18", "H52.20")),
    Slice(agencies=()),
]


@pytest.mark.parametrize("part", SLICES, ids=str)
def test_the_queries_answer_as_a_count_in_memory_does(
    connection: Connection, rows: list[FactRow], part: Slice
) -> None:
    SinkWarehouse(connection).insert_facts(rows, "one")
    memory = MemoryTables(folded(rows), rows)
    assert reading.figures(connection, part) == reading.figures(memory, part)
    for period in ("day", "month", "all"):
        for by in (frozenset[str](), frozenset({"agency"}), frozenset({"agency", "procedure", "channel"})):
            wanted = reading.compliance(memory, part, period, by)
            assert list(reading.compliance(connection, part, period, by).items()) == list(wanted.items())


@pytest.mark.parametrize("part", SLICES, ids=str)
def test_steps_and_ratings_answer_as_a_count_in_memory_does(
    connection: Connection, rows: list[FactRow], part: Slice
) -> None:
    SinkWarehouse(connection).insert_facts(rows, "one")
    memory = MemoryTables(folded(rows), rows)
    for period in ("day", "month", "year", "all"):
        for by in (
            frozenset[str](),
            frozenset({"agency"}),
            frozenset({"agency", "procedure", "channel", "step"}),
        ):
            steps = reading.steps(memory, part, period, by)
            assert list(reading.steps(connection, part, period, by).items()) == list(steps.items())
            ratings = reading.ratings(memory, part, period, by - {"step"})
            assert list(reading.ratings(connection, part, period, by - {"step"}).items()) == list(
                ratings.items()
            )
            if part == Slice():
                assert steps
                assert ratings


def test_quarters_and_years_begin_where_they_should(connection: Connection, rows: list[FactRow]) -> None:
    SinkWarehouse(connection).insert_facts(rows, "one")
    for period, starts in (("quarter", "2020-01-01"), ("year", "2020-01-01")):
        table = reading.compliance(connection, Slice(), period, frozenset())
        assert [group.starts for group in table] == [starts]


def test_one_dossier_its_history_and_its_code(connection: Connection, rows: list[FactRow]) -> None:
    SinkWarehouse(connection).insert_facts(rows, "one")
    memory = MemoryTables(folded(rows), rows)
    for dossier_id in list(memory.dossiers)[:5]:
        assert reading.dossier(connection, dossier_id) == reading.dossier(memory, dossier_id)
        assert reading.history(connection, dossier_id) == reading.history(memory, dossier_id)
    assert reading.dossier(connection, "f" * 32) is None
    register = next(row.dossier_id for row in rows if row.type == NUMBER_DRAWN)
    assert (reading.dossier(connection, register), reading.history(connection, register)) == (None, [])
    code = "H52.18-200201-0001"
    assert reading.by_code(connection, code) == sorted(reading.by_code(memory, code))[:20]
    assert reading.by_code(connection, "'; DROP TABLE facts") == []


def test_the_stamps_of_a_dossier_have_the_numbers_of_their_seal(
    connection: Connection, rows: list[FactRow]
) -> None:
    SinkWarehouse(connection).insert_facts(rows, "one")
    memory = MemoryTables(folded(rows), rows)
    stamped = {row.dossier_id for row in rows if row.type == "StampRevoked"}
    assert stamped
    for dossier_id in stamped:
        found = reading.stamps_on(connection, dossier_id, [SEAL, "H52.99-D1"])
        assert found == reading.stamps_on(memory, dossier_id, [SEAL])
        assert found[0].revoked_at
        assert found[0].number
    assert reading.stamps_on(connection, min(stamped), []) == []


OVERSIGHT = [
    LateFilter(),
    LateFilter(agencies=("H52.21",)),
    LateFilter(agencies=("H52.19", "H52.20")),
    LateFilter(agencies=()),
    LateFilter(agency="H52.21", step="appraise"),
    LateFilter(step="return"),
]


@pytest.mark.parametrize("of", OVERSIGHT, ids=str)
def test_what_is_late_is_found_and_counted(
    connection: Connection, rows: list[FactRow], of: LateFilter
) -> None:
    SinkWarehouse(connection).insert_facts(rows, "one")
    memory = MemoryTables(folded(rows), rows)
    for limit in (2, 500):
        assert oversight.late(connection, of, limit) == oversight.late(memory, of, limit)
    counts = oversight.late_counts(memory, of)
    assert oversight.late_counts(connection, of) == counts
    assert sum(count.either for count in counts) == len(oversight.late(memory, of, 500))
    assert counts or of in (LateFilter(agencies=()), LateFilter(step="return"))


@pytest.mark.parametrize("part", SLICES, ids=str)
def test_a_sample_is_drawn_as_anybody_would_draw_it_again(
    connection: Connection, rows: list[FactRow], part: Slice
) -> None:
    SinkWarehouse(connection).insert_facts(rows, "one")
    memory = MemoryTables(folded(rows), rows)
    for agency in ("", "H52.19"):
        for seed, n in (("a", 7), ("thanh-tra_1.2", 500)):
            wanted = oversight.sample(memory, part, agency, seed, n)
            assert oversight.sample(connection, part, agency, seed, n) == wanted


def test_a_register_is_that_of_its_year(connection: Connection, rows: list[FactRow]) -> None:
    last = [row for row in rows if row.type == NUMBER_DRAWN][-3:]
    waiting = [row for row in rows if row not in last]
    at_new_year = micros(datetime(2020, 12, 31, 17, tzinfo=UTC))  # 00:00 local
    late_stamp = next(row for row in rows if row.type == "StampApplied")._replace(
        dossier_id="f" * 32, at=at_new_year, log_offset=10**6
    )
    SinkWarehouse(connection).insert_facts([*waiting, late_stamp], "one")
    memory = MemoryTables(folded(waiting), [*waiting, late_stamp])
    for year in (2019, 2020, 2021):
        found = oversight.register(connection, SEAL, year)
        assert found == oversight.register(memory, SEAL, year)
        assert bool(found) == (year > 2019)
    assert [stamp.dossier_id for stamp, _ in oversight.register(connection, SEAL, 2021)] == ["f" * 32]
    assert oversight.register(connection, "H52.99-D1", 2020) == []


def test_what_stands_for_partitions_nobody_has_is_found(connection: Connection, rows: list[FactRow]) -> None:
    sink = SinkWarehouse(connection)
    sink.insert_facts(rows, "one")
    sink.insert_clocks({0: 5_000_000}, "one")
    assert reading.strays(connection, 3) == []
    strangers = [row._replace(log_partition=99) for row in rows[:20]] + [rows[0]._replace(log_partition=4)]
    sink.insert_facts(strangers, "two")
    sink.insert_clocks({7: 1, 99: 2}, "two")
    sink.insert_clocks({99: 3}, "three")
    memory = MemoryTables(folded(rows), [*rows, *strangers])
    memory.clocks = {0: 5_000_000, 7: 1, 99: 3}
    found = reading.strays(connection, 3)
    assert [one[:4] for one in found] == [one[:4] for one in reading.strays(memory, 3)]
    assert [one[:4] for one in found] == [
        (4, 1, 1, 0),
        (7, 0, 0, 1),
        (99, 20, len({row.dossier_id for row in rows[:20]}), 1),
    ]


@pytest.mark.parametrize("table", ["stamp_states", "lives", "figures", "ratings", "step_times"])
def test_a_roll_up_for_a_partition_nobody_has_is_found(connection: Connection, table: str) -> None:
    assert reading.strays(connection, 3) == []
    connection.run(f"INSERT INTO {table} (log_partition) VALUES (9)")
    assert reading.strays(connection, 3) == [(9, 0, 0, 0, 1)]


def test_migrations_are_applied_once_and_never_edited(connection: Connection) -> None:
    assert [migration.number for migration in shipped()] == list(range(1, len(shipped()) + 1))
    assert migrate(connection) == []
    connection.run("INSERT INTO migrations (number, name, checksum) VALUES (1, 'facts', 'another text')")
    connection.run("OPTIMIZE TABLE migrations FINAL")
    with pytest.raises(WarehouseMismatchError, match="0001_facts"):
        migrate(connection)


@pytest.mark.parametrize("window", ["0", "50"])
def test_a_table_that_forgets_tokens_too_soon_is_refused(connection: Connection, window: str) -> None:
    check_windows(connection)
    connection.run(f"ALTER TABLE figures MODIFY SETTING non_replicated_deduplication_window = {window}")
    with pytest.raises(WarehouseMismatchError, match="figures"):
        check_windows(connection)


def test_a_feed_that_was_dropped_is_refused_and_made_anew_as_told(connection: Connection) -> None:
    connection.run("DROP VIEW figures_feed")
    with pytest.raises(
        WarehouseMismatchError, match=r"the feed figures_feed is gone.*MOTCUA_REPAIR=1 makes it anew"
    ):
        check_windows(connection)
    restore(connection)
    check_windows(connection)


def test_an_answer_that_no_repetition_cures_is_refused(connection: Connection) -> None:
    with pytest.raises(WarehouseRejectedError, match="code 60"):
        connection.rows("SELECT * FROM nowhere")
    assert connection.rows("SELECT 1") == [(1,)]


def test_a_warehouse_that_is_away_may_come_back(tmp_path: Path) -> None:
    process = WarehouseProcess(tmp_path / "data")
    pool = Pool(url_of(process), size=1)
    try:
        assert pool.rows("SELECT 1") == [(1,)]
        process.kill()
        with pytest.raises(RetryLaterError):
            pool.rows("SELECT 1")
        with pool.lend(), pytest.raises(RetryLaterError, match="busy"):
            Pool.rows(_impatient(pool), "SELECT 1")
    finally:
        process.kill()


def test_a_frozen_warehouse_is_told_soon_and_a_thawed_one_answers(tmp_path: Path) -> None:
    process = WarehouseProcess(tmp_path / "data")
    pool = Pool(url_of(process), size=1, sign_of_life=0.5, timeout=600)
    try:
        assert pool.rows("SELECT 1") == [(1,)]
        process.process.send_signal(signal.SIGSTOP)
        # The signal stops its threads one by one: a ping may still be answered, and then the query is given.
        witness = Pool(url_of(process), size=1, sign_of_life=0.5, timeout=0.5)
        wait_until(lambda: not _answers(witness), 30, "the warehouse to freeze")
        for _ in range(2):  # with a connection that was fine, and with a new one
            with pytest.raises(RetryLaterError):
                pool.rows("SELECT 1")
        process.process.send_signal(signal.SIGCONT)
        assert wait_until(lambda: _answers(pool), 30, "an answer after the thaw")
        _close(pool)
    finally:
        process.kill()


def test_a_connection_that_died_while_idle_is_opened_again(house: WarehouseProcess) -> None:
    pool = Pool(url_of(house), size=1)
    assert pool.rows("SELECT 1") == [(1,)]
    with pool.lend() as connection:
        connection._client.connection.socket.shutdown(socket.SHUT_RDWR)
    assert pool.rows("SELECT 1") == [(1,)]
    _close(pool)


def _close(pool: Pool) -> None:
    with pool.lend() as connection:
        connection.close()


def _answers(pool: Pool) -> bool:
    with contextlib.suppress(RetryLaterError):
        return pool.rows("SELECT 1") == [(1,)]
    return False


def _impatient(pool: Pool) -> Pool:
    pool._patience = 0.01
    return pool
