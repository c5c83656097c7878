"""How long `motcua rebuild` takes as a warehouse grows, and what its questions cost then.

Lives of dossiers as the sink would write them, by its own mapping, are written once; all other facts are the
same rows under other dossiers, offsets and days, made inside the warehouse and put in place past the feeds.
They compress better than facts of different lives would. The roll-ups come from the rebuild alone, and the
figures are checked against the facts. `python -m bench.rebuild --dossiers 10000 100000 1000000`
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from bench.table import Check, verdict
from contracts.topics import DOSSIER_PARTITIONS
from services.analytics import oversight, reading
from services.analytics.adapters.beside import Beside
from services.analytics.adapters.clickhouse import Connection, Pool
from services.analytics.domain.batch import translate
from services.analytics.domain.rows import FactRow
from services.analytics.migrations import migrate
from services.analytics.migrations.feeds import feeds
from services.analytics.rebuild import Hold, Rebuilder
from services.analytics.sink.gate import Gate
from services.analytics.sink.status import Status
from tests.fakes.analytics import MemoryFacts
from tests.fakes.analytics_facts import fill
from tests.warehouse_process import WarehouseProcess

_SEEDS: Final = 1_000
"""Dossiers whose rows are made by the mapping; all others are copies of these."""
_COPIES: Final = 50
"""Copies in one statement."""
_WANTED_SECONDS: Final = 600.0
_SHIFTED: Final = (
    "log_offset",
    "cause_offset",
    "dossier_id",
    "at",
    "due",
    "received_at",
    "step_due",
    "dossier_code",
)


@dataclass(frozen=True)
class Grown:
    """One line of the table."""

    dossiers: int
    facts: int
    seconds: float
    held: float
    peak_mib: int
    bytes_each: dict[str, float]
    questions: dict[str, float]


def seeds() -> list[FactRow]:
    """The rows of `_SEEDS` dossiers, by partition in the order of the log."""
    topic = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(topic, _SEEDS, random.Random(1), noise=False)
    return [row for records in topic.records.values() for row in translate(records, {}).rows]


def grow(connection: Connection, rows: list[FactRow], dossiers: int) -> dict[int, int]:
    """Facts of so many dossiers, past the feeds; one past the last offset by partition."""
    width = 1 + max(row.log_offset for row in rows)
    connection.run("CREATE TABLE seeds AS facts")
    connection.run("CREATE TABLE grown AS facts")
    connection.insert("seeds", FactRow._fields, rows, "seeds")
    plain = ", ".join(name for name in FactRow._fields if name not in _SHIFTED)
    copies = dossiers // _SEEDS
    for first in range(0, copies, _COPIES):
        last = min(first + _COPIES, copies)
        connection.run(
            f"INSERT INTO grown ({plain}, {', '.join(_SHIFTED)}) "
            "SETTINGS async_insert = 0, insert_deduplicate = 0, deduplicate_insert_select = 'disable', "
            "max_partitions_per_insert_block = 0 "
            f"SELECT {plain}, log_offset + k * {width}, cause_offset + k * {width}, "
            "lower(hex(MD5(concat(toString(k), dossier_id)))), at + INTERVAL k % 300 DAY, "
            "due + INTERVAL k % 300 DAY, received_at + INTERVAL k % 300 DAY, "
            "step_due + INTERVAL k % 300 DAY, "
            "if(dossier_code = '', '', concat(dossier_code, '-', toString(k))) "
            f"FROM seeds CROSS JOIN (SELECT number AS k FROM numbers({first}, {last - first})) AS copies"
        )
    for (month,) in connection.rows("SELECT DISTINCT _partition_id FROM grown"):
        connection.run(f"ALTER TABLE facts ATTACH PARTITION ID '{month}' FROM grown")
    for table in ("seeds", "grown"):
        connection.run(f"DROP TABLE {table} SYNC")
    return dict.fromkeys(range(DOSSIER_PARTITIONS), width * copies)


def measured(dossiers: int, rows: list[FactRow]) -> Grown:
    """Grow, rebuild, check and ask on a warehouse of its own."""
    with tempfile.TemporaryDirectory() as folder:
        process = WarehouseProcess(Path(folder) / "data")
        url = f"clickhouse://default@127.0.0.1:{process.port}/default"
        connection, pool = Connection(url, timeout=600.0), Pool(url, size=1, timeout=600.0)
        try:
            migrate(connection)
            status = Status(range(DOSSIER_PARTITIONS))
            status.moved(grow(connection, rows, dossiers))
            rebuilder = Rebuilder(partial(Beside, pool), Hold(status, Gate(), lambda: None))
            started = monotonic()
            rebuilt = rebuilder.lane(0)
            seconds = monotonic() - started
            return _looked_at(connection, dossiers, seconds, rebuilt.held, _peak(process.process.pid))
        finally:
            connection.close()
            with pool.lend() as lent:
                lent.close()
            process.kill()


def _looked_at(connection: Connection, dossiers: int, seconds: float, held: float, peak: int) -> Grown:
    [(facts,)] = connection.rows("SELECT count() FROM facts")
    received = reading.figures(connection, reading.Slice()).received
    [(registered,)] = connection.rows("SELECT uniqExact(dossier_id) FROM facts WHERE type != 'NumberDrawn'")
    if received != registered:
        raise SystemExit(f"{received} dossiers in the figures, {registered} in the facts")
    sizes = connection.rows("SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active GROUP BY table")
    bytes_each = {table: size / facts for table, size in sizes if table in ("facts", *feeds())}
    every, by = reading.Slice(), frozenset({"agency", "procedure", "channel"})
    late = oversight.LateFilter(None, "", "")
    questions = {
        "figures": _seconds(lambda: reading.figures(connection, every)),
        "compliance": _seconds(lambda: reading.compliance(connection, every, "month", by)),
        "steps": _seconds(lambda: reading.steps(connection, every, "month", by | {"step"})),
        "late": _seconds(lambda: oversight.late(connection, late, 100)),
    }
    return Grown(dossiers, facts, seconds, held, peak, bytes_each, questions)


def _seconds(ask: Callable[[], object]) -> float:
    """The middle one of three."""
    took = []
    for _ in range(3):
        started = monotonic()
        ask()
        took.append(monotonic() - started)
    return sorted(took)[1]


def _peak(pid: int) -> int:
    """The largest memory the engine's process ever had, MiB; it is the one child of its leash, or itself."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = Path(f"/proc/{children[0] if children else pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024


def main() -> int:
    """The exit status: 1 when the largest warehouse takes longer than wanted."""
    parser = argparse.ArgumentParser(prog="python -m bench.rebuild", description=__doc__)
    parser.add_argument("--dossiers", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    sizes = parser.parse_args().dossiers
    if min(sizes) < _SEEDS:
        parser.error(f"at least {_SEEDS} dossiers")
    rows, found = seeds(), []
    for size in sizes:
        one = measured(size, rows)
        found.append(one)
        each = ", ".join(f"{table} {number:.1f}" for table, number in sorted(one.bytes_each.items()))
        asked = ", ".join(f"{name} {took * 1000:.0f} ms" for name, took in one.questions.items())
        print(
            f"{one.dossiers} dossiers, {one.facts} facts: rebuilt in {one.seconds:.1f} s (the sink still for "
            f"{one.held:.2f} s), engine's peak {one.peak_mib} MiB\n  bytes a fact: {each}\n  {asked}",
            flush=True,
        )
    last = found[-1]
    wanted = f"at most {_WANTED_SECONDS:.0f} s"
    what = f"rebuild of {last.dossiers} dossiers"
    return verdict([Check(what, f"{last.seconds:.1f} s", wanted, last.seconds <= _WANTED_SECONDS)])


if __name__ == "__main__":
    raise SystemExit(main())
