"""What a fact costs the sink, beside reading it at all and beside other sinks: `python -m bench.sink`.

One broker holds the facts of many ordinary dossiers, with the headers they have. Each contestant reads them
all in a process of its own, and all but the bare ones write the same rows to the same tables of the same
engine, which is a fresh one every time. Counted are the CPU seconds (user and system) of that process from
its first record to its last row, the wall's seconds, and the CPU seconds of the warehouse apart: the feeds of
the roll-ups run there. Rounds take turns, a ratio is the median over the rounds. Afterwards the rows of every
table are counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from kafka.admin import KafkaAdminClient

from bench import rig
from bench.dossiers import DRAWN_EACH, FACTS_EACH
from bench.facts import SIDE_BY_SIDE
from bench.table import Check, verdict
from bench.workflow import expect, metric, profile, top_of
from contracts.access import hash_key
from contracts.topics import INTENTS
from deploy.kafka.topics import ensure_topics
from deploy.local.broker import BrokerKind
from deploy.local.plan import base_environment
from deploy.local.ports import HOST, free_ports
from deploy.local.probes import why_no_select
from services.analytics.adapters.clickhouse import Connection
from services.analytics.domain import intents
from services.analytics.domain.intents import Greeting, Position
from services.analytics.migrations import migrate

OURS: Final = "this sink"
BARE: Final = "read and decode, its reader"
CLIENT: Final = "read and decode, kafka-python"
ARROYO: Final = "sentry-arroyo"
QUIX: Final = "quixstreams"
RIVALS: Final = {BARE: "bare", CLIENT: "client", ARROYO: "arroyo", QUIX: "quix"}
WRITES: Final = (OURS, ARROYO, QUIX)
WANTED: Final = {CLIENT: 0.5, ARROYO: 1.0, QUIX: 1.0}
"""Facts a second and core beside theirs, at least."""
AIM: Final = 40_000
EACH: Final = FACTS_EACH + DRAWN_EACH


@dataclass(frozen=True, slots=True)
class Run:
    """One contestant in one round; CPU in seconds."""

    records: int
    seconds: float
    cpu: float
    warehouse: float

    @property
    def rate(self) -> float:
        """Facts a second of one core's time."""
        return self.records / self.cpu


@dataclass(frozen=True, slots=True)
class Task:
    """What every contestant is given. `ends` are the ends of the log by partition."""

    kind: BrokerKind
    bootstrap: str
    dossiers: int
    ends: dict[int, int]
    seconds: float
    pythons: dict[str, Path]
    target: Path | None = None

    @property
    def records(self) -> int:
        """Facts of the topic."""
        return sum(self.ends.values())


@contextlib.contextmanager
def own_warehouse(folder: Path) -> Iterator[tuple[str, int]]:
    """A fresh warehouse with every table: its address, and its process."""
    [port] = free_ports(1)
    url, log = f"clickhouse://default@{HOST}:{port}/default", folder / "warehouse.log"
    command = [sys.executable, "-m", "deploy.local.warehouse", "--listen", f"{HOST}:{port}"]
    command += ["--path", str(folder / "data")]
    with rig.process(command, log, base_environment(os.environ)) as process:
        rig.wait_for("the warehouse", lambda: not why_no_select(url), process, log, 60)
        connection = Connection(url)
        migrate(connection)
        connection.close()
        yield url, process.pid


def one_run(name: str, task: Task) -> Run:
    """A contestant on a fresh warehouse."""
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as at, contextlib.ExitStack() as open_:
        folder = Path(at)
        url, pid = open_.enter_context(own_warehouse(folder))
        house = open_.enter_context(rig.CpuLog(pid))
        begun, ended, cpu = (run_ours if name == OURS else run_rival)(name, task, url, folder)
        run = Run(task.records, ended - begun, cpu, house.between(begun, ended))
        if name in WRITES:
            count_rows(name, task, url)
        return run


def run_ours(name: str, task: Task, url: str, folder: Path) -> tuple[float, float, float]:
    """`python -m services.analytics` from its greeting to its last position, as the topic has them."""
    admin = KafkaAdminClient(bootstrap_servers=task.bootstrap)
    admin.delete_topics([INTENTS])
    admin.close()
    ensure_topics(task.bootstrap, 1, patience=rig.START_SECONDS)
    [port] = free_ports(1)
    keys, log = folder / "keys.toml", folder / "ours.log"
    keys.write_text(f'[clients.bench]\nsha256 = "{hash_key("bench")}"\nrole = "admin"\n', encoding="utf-8")
    env = base_environment(os.environ) | {
        "MOTCUA_KAFKA": task.bootstrap,
        "MOTCUA_BROKER": task.kind.value,
        "MOTCUA_CLICKHOUSE": url,
        "MOTCUA_HTTP": f"{HOST}:{port}",
        "MOTCUA_API_KEYS": str(keys),
    }
    command = [sys.executable, "-m", "services.analytics"]
    with rig.process(command, log, env) as process, rig.CpuLog(process.pid) as cpu:
        if task.target:
            rig.wait_for(name, lambda: inserted(port) > 0, process, log, 60)
            profile(process.pid, task.target, seconds=5)
        rig.wait_for(name, lambda: inserted(port) >= task.records, process, log, task.seconds)
        begun, ended = lane_times(asyncio.run(rig.read_all(task.bootstrap, INTENTS, 1)), task.ends)
    return begun, ended, cpu.between(begun, ended)


def inserted(port: int) -> float:
    """Rows a running sink has inserted, in its own words."""
    return metric(port, "motcua_analytics_rows_inserted_total")


def lane_times(found: Sequence[rig.Found], ends: dict[int, int]) -> tuple[float, float]:
    """When the writer greeted, and when its position reached the end of the log (Unix times).

    Raises BenchError when it has not.
    """
    entries = [(at / 1000, intents.decode(key or b"", value)) for at, key, value in found]
    begun = [at for at, entry in entries if isinstance(entry, Greeting)]
    ended = [
        at
        for at, entry in entries
        if isinstance(entry, Position) and {part.partition: part.next for part in entry.partitions} == ends
    ]
    if not begun or not ended:
        raise rig.BenchError("the intents topic does not say that everything is inserted")
    return begun[0], ended[0]


def run_rival(name: str, task: Task, url: str, folder: Path) -> tuple[float, float, float]:
    """A contestant of bench.sink_rivals, which reports its own times."""
    log, report = folder / "rival.log", folder / "report.json"
    kind = RIVALS[name]
    command = [str(task.pythons.get(kind, sys.executable)), "-m", "bench.sink_rivals", kind]
    command += ["--broker", task.bootstrap, "--warehouse", url, "--group", folder.name]
    command += ["--records", str(task.records), "--report", str(report)]
    # Tansu lets a group wait for half the session before anybody may join.
    command += ["--session", "6000" if task.kind is BrokerKind.TANSU else "45000"]
    env = base_environment(os.environ) | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    with rig.process(command, log, env) as process, rig.CpuLog(process.pid) as cpu:
        rig.wait_for(name, report.exists, process, log, task.seconds)
        found = json.loads(report.read_text())
    expect(name, "facts read", found["records"], task.records)
    return found["begun"], found["ended"], cpu.between(found["begun"], found["ended"])


def count_rows(name: str, task: Task, url: str) -> None:
    """Whether all rows are there, in the table of facts and in the roll-ups. Raises BenchError."""
    connection = Connection(url)
    try:
        wanted = task.dossiers * EACH
        for what, number in (
            ("count() FROM facts", wanted),
            ("uniqExact(log_partition, log_offset) FROM facts", wanted),
            ("sum(fact_count) FROM dossiers_now", task.dossiers * FACTS_EACH),
            ("countIf(bucket_now = 'early') FROM dossiers_now", task.dossiers),
        ):
            [(found,)] = connection.rows(f"SELECT {what}")
            expect(name, what, found, number)
    finally:
        connection.close()


def show(runs: dict[str, list[Run]]) -> None:
    """A table: the medians, and the slowest and fastest round."""
    print(
        f"\n  {'':32}{'facts/s a core':>15}{'(rounds)':>18}{'CPU s/million':>15}{'wall s/million':>16}"
        f"{'warehouse CPU s/million':>25}"
    )
    for name, each in runs.items():
        rates = [run.rate for run in each]
        cpu, wall, house = (
            statistics.median(getattr(run, what) / run.records * 1e6 for run in each)
            for what in ("cpu", "seconds", "warehouse")
        )
        spread = f"{min(rates):,.0f}-{max(rates):,.0f}"
        print(
            f"  {name:32}{statistics.median(rates):15,.0f}{spread:>18}{cpu:15.1f}{wall:16.1f}"
            f"{house if name in WRITES else 0:25.1f}"
        )


def checks(runs: dict[str, list[Run]]) -> list[Check]:
    """Facts a second and core beside the others', the median over the rounds."""
    found = []
    for name, wanted in WANTED.items():
        ratio = statistics.median(
            ours.rate / their.rate for ours, their in zip(runs[OURS], runs[name], strict=True)
        )
        more = "above" if wanted == 1 else "at least"
        met = ratio > wanted if wanted == 1 else ratio >= wanted
        found.append(Check(f"{OURS}, beside {name}", f"{ratio:.2f} ×", f"{more} {wanted:g} ×", met))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run all and say what was wanted and what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dossiers", type=int, default=30_000, help="eleven facts each")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--broker", type=BrokerKind, choices=list(BrokerKind), default=BrokerKind.TANSU)
    parser.add_argument("--only", action="append", choices=[OURS, *RIVALS], help="no ratios then")
    parser.add_argument("--seconds", type=float, default=300.0, help="what one run may take")
    parser.add_argument("--arroyo", type=Path, help="Python of an environment with sentry-arroyo")
    parser.add_argument("--quix", type=Path, help="Python of an environment with quixstreams")
    parser.add_argument("--profile", action="store_true", help="watch this sink with py-spy as well")
    options = parser.parse_args(argv)
    pythons = {name: path.absolute() for name in ("arroyo", "quix") if (path := getattr(options, name))}
    names = options.only or [OURS, *RIVALS]
    runs: dict[str, list[Run]] = {name: [] for name in names}
    begun = datetime.now(UTC) - timedelta(hours=1)
    dossiers = -(-options.dossiers // SIDE_BY_SIDE) * SIDE_BY_SIDE  # whole lives
    try:
        with rig.own_broker(options.broker) as bootstrap:
            ends = asyncio.run(rig.fill_facts(bootstrap, dossiers * EACH, begun))
            task = Task(options.broker, bootstrap, dossiers, ends, options.seconds, pythons)
            print(f"{task.records} facts, broker {task.kind}, {options.rounds} rounds", flush=True)
            for number in range(options.rounds):
                for name in names[number % len(names) :] + names[: number % len(names)]:
                    run = one_run(name, task)
                    runs[name].append(run)
                    print(
                        f"  round {number + 1} {name:32}{run.rate:9,.0f} facts/s a core"
                        f"{run.cpu:8.2f} CPU s{run.seconds:8.2f} s{run.warehouse:8.2f} s of the warehouse's",
                        flush=True,
                    )
            if options.profile:
                watch(task)
    except rig.BenchError as error:
        sys.exit(str(error))
    show(runs)
    if options.only:
        return 0
    rate = statistics.median(run.rate for run in runs[OURS])
    print(f"\n  {rate:,.0f} facts a second and core, {rate / AIM:.2f} of the {AIM:,} aimed at")
    return verdict(checks(runs))


def watch(task: Task) -> None:
    """One more run of this sink, watched; prints where its time goes."""
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder:
        target = Path(folder) / "stacks"
        one_run(OURS, Task(task.kind, task.bootstrap, task.dossiers, task.ends, task.seconds, {}, target))
        print(top_of(target.read_text()))


if __name__ == "__main__":
    sys.exit(main())
