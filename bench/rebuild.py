"""How long `motcua rebuild` takes as a warehouse grows, and what its questions cost then.

A hundred lives of dossiers as the sink would write them, by its own mapping, are written once; all other
facts are the same rows under other dossiers, agencies, seals and days, made inside the warehouse and put in
place past the feeds. They compress better than facts of different lives would. The log is in the order of
time: as many dossiers are registered on each day, lives of two weeks stand between each other's, and those of
the last days are cut short. The roll-ups come from the rebuild alone, and the figures are checked against the
facts.
`python -m bench.rebuild --dossiers 10000 100000 1000000`
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
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
from tests.fakes.analytics_lives import START
from tests.warehouse_process import WarehouseProcess

_SEEDS: Final = 100
"""Dossiers whose rows are made by the mapping; all others are copies of these."""
_COPIES: Final = 500
"""Copies in one statement."""
_DAYS: Final = 300
_SHIFT: Final = "INTERVAL day DAY + INTERVAL k * 7919 % 36000 SECOND"
_WANTED_SECONDS: Final = 600.0
_SHIFTED: Final = {
    "log_offset": "log_offset + shift",
    "cause_offset": "cause_offset + shift",
    "dossier_id": "lower(hex(MD5(concat(toString(k), dossier_id))))",
    "stamped_dossier": "if(stamped_dossier = '', '', lower(hex(MD5(concat(toString(k), stamped_dossier)))))",
    "dossier_code": "if(dossier_code = '', '', concat(dossier_code, '-', toString(k)))",
    "agency": "concat(agency, '.', toString(k % 50))",
    "procedure": "concat(procedure, '.', toString(intDiv(k, 50) % 20))",
    "seal": "if(seal = '', '', concat(seal, '-', toString(k % 200)))",
    **{name: f"{name} + {_SHIFT}" for name in ("at", "due", "received_at", "step_due")},
}
"""What of a row is another's in a copy. `day` is the day its dossiers came in, the `k`th copy of all."""


class _Whole(random.Random):
    """Lives go as far as they can."""

    def randint(self, a: int, b: int) -> int:
        return b


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
    late: int
    peak_asked_mib: int


def seeds() -> list[FactRow]:
    """The rows of `_SEEDS` dossiers, by partition in the order of the log."""
    topic = MemoryFacts(range(DOSSIER_PARTITIONS))
    fill(topic, _SEEDS, _Whole(), noise=False)
    return [row for records in topic.records.values() for row in translate(records, {}).rows]


def grow(connection: Connection, rows: list[FactRow], dossiers: int) -> dict[int, int]:
    """Facts of so many dossiers, past the feeds; one past the last offset by partition."""
    width = 1 + max(row.log_offset for row in rows)
    connection.run("CREATE TABLE seeds AS facts")
    connection.run("CREATE TABLE grown AS facts")
    connection.insert("seeds", FactRow._fields, rows, "seeds")
    copies = dossiers // _SEEDS
    days = min(_DAYS, copies)
    a_day = -(-copies // days)
    plain = [name for name in FactRow._fields if name not in _SHIFTED]
    begin = int(START.timestamp() * 1_000_000)
    for first in range(0, copies, _COPIES):
        count = min(_COPIES, copies - first)
        connection.run(
            f"INSERT INTO grown ({', '.join([*plain, *_SHIFTED])}) "
            "SETTINGS async_insert = 0, insert_deduplicate = 0, deduplicate_insert_select = 'disable', "
            "max_partitions_per_insert_block = 0 "
            f"SELECT {', '.join([*plain, *_SHIFTED.values()])} FROM ("
            f"SELECT *, intDiv(k * {days}, {copies}) AS day, "
            f"day + intDiv(toUnixTimestamp64Micro(at) - {begin}, 86400000000) AS told_on, "
            f"(told_on * {a_day} + k % {a_day}) * {width} AS shift FROM seeds "
            f"CROSS JOIN (SELECT number AS k FROM numbers({first}, {count})) AS copies"
            f") WHERE told_on <= {days}"
        )
    for (month,) in connection.rows("SELECT DISTINCT _partition_id FROM grown"):
        connection.run(f"ALTER TABLE facts ATTACH PARTITION ID '{month}' FROM grown")
    for table in ("seeds", "grown"):
        connection.run(f"DROP TABLE {table} SYNC")
    return dict.fromkeys(range(DOSSIER_PARTITIONS), width * a_day * (days + 1))


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
            engine = _engine(process.process.pid)
            (engine / "clear_refs").write_text("5")  # its peak from now on
            started = monotonic()
            rebuilt = rebuilder.lane(0)
            seconds = monotonic() - started
            return _looked_at(connection, dossiers, seconds, rebuilt.held, engine)
        finally:
            connection.close()
            with pool.lend() as lent:
                lent.close()
            process.kill()


def _looked_at(connection: Connection, dossiers: int, seconds: float, held: float, engine: Path) -> Grown:
    peak = _peak(engine)
    [(facts,)] = connection.rows("SELECT count() FROM facts")
    received = reading.figures(connection, reading.Slice()).received
    [(registered,)] = connection.rows("SELECT uniqExact(dossier_id) FROM facts WHERE type != 'NumberDrawn'")
    if received != registered:
        raise SystemExit(f"{received} dossiers in the figures, {registered} in the facts")
    sizes = connection.rows("SELECT table, sum(bytes_on_disk) FROM system.parts WHERE active GROUP BY table")
    bytes_each = {table: size / facts for table, size in sizes if table in ("facts", *feeds())}
    month = reading.Slice(date(2020, 3, 1), date(2020, 3, 31))
    every, by = reading.Slice(), frozenset({"agency", "procedure", "channel"})
    late = oversight.LateFilter(None, "", "")
    [(one,)] = connection.rows("SELECT max(dossier_id) FROM facts WHERE type = 'DossierAccepted'")
    questions = {
        "figures": _seconds(lambda: reading.figures(connection, every)),
        "compliance": _seconds(lambda: reading.compliance(connection, every, "month", by)),
        "steps": _seconds(lambda: reading.steps(connection, every, "month", by | {"step"})),
        "late": _seconds(lambda: oversight.late(connection, late, 100)),
        "one dossier": _seconds(lambda: reading.dossier(connection, one)),
        "its history": _seconds(lambda: reading.history(connection, one)),
        "a month's sample": _seconds(lambda: oversight.sample(connection, month, "", "seed", 50)),
    }
    [(open_late,)] = connection.rows("SELECT count() FROM late_now")
    return Grown(dossiers, facts, seconds, held, peak, bytes_each, questions, open_late, _peak(engine))


def _seconds(ask: Callable[[], object]) -> float:
    """The middle one of three."""
    took = []
    for _ in range(3):
        started = monotonic()
        ask()
        took.append(monotonic() - started)
    return sorted(took)[1]


def _engine(pid: int) -> Path:
    """What the system says of the engine's process: the one child of its leash, or itself."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return Path(f"/proc/{children[0] if children else pid}")


def _peak(engine: Path) -> int:
    """The largest memory it had, MiB."""
    lines = (engine / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


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
            f"{one.held:.2f} s), engine's peak {one.peak_mib} MiB, {one.peak_asked_mib} with the questions\n"
            f"  {one.late} late and open; bytes a fact: {each}\n  {asked}",
            flush=True,
        )
    last = found[-1]
    wanted = f"at most {_WANTED_SECONDS:.0f} s"
    what = f"rebuild of {last.dossiers} dossiers"
    return verdict([Check(what, f"{last.seconds:.1f} s", wanted, last.seconds <= _WANTED_SECONDS)])


if __name__ == "__main__":
    raise SystemExit(main())
