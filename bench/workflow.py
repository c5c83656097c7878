"""This worker beside what one would write with Faust: `python -m bench.workflow`, or `make bench-workflow`.

Everyone gets a broker of his own with the same records: the law, then the commands of many five-step
dossiers. Everyone reads them from the beginning; timed is from the first record to the last, so neither
start nor joining. Rounds take turns, a ratio is the median over the rounds. This worker's end is when its
last batch was durable; the others' when the last record was handled, whatever was still on its way.
Afterwards everybody's topics are counted: an answer too few, and there is nothing to compare.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench import rig, workflow_rivals
from bench.dossiers import COMMANDS_EACH, DRAWN_EACH, FACTS_EACH
from bench.table import Check, verdict
from contracts.codec import decode_outcome
from contracts.outcomes import Result
from contracts.topics import DOSSIER_PARTITIONS, FACTS, OUTCOMES, STATES
from deploy.local.broker import BrokerKind
from deploy.local.plan import base_environment
from deploy.local.ports import HOST, free_ports
from services.workflow.engine.records import LAW_KEY

OURS: Final = "this worker"
STOCK: Final = "stock Faust, deciding"
COUNTING: Final = "stock Faust, counting only"
NOTHING: Final = "Faust, doing nothing"
WANTED: Final = {STOCK: (2.0, 3.0), NOTHING: (0.5, 0.7)}
"""Wanted and aimed at."""

_RIVALS: Final = {STOCK: "stock", COUNTING: "counting", NOTHING: "nothing"}
_WRITTEN: Final = {
    STOCK: {workflow_rivals.OUT_FACTS: FACTS_EACH, workflow_rivals.OUT_OUTCOMES: COMMANDS_EACH},
    COUNTING: {workflow_rivals.OUT_STEPS: COMMANDS_EACH},
    NOTHING: {},
}
"""Topics of a contestant and how many records a dossier leaves in each."""


@dataclass(frozen=True, slots=True)
class Run:
    """One contestant in one round."""

    seconds: float
    cpu: float
    records: int

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.records / self.seconds


@dataclass(frozen=True, slots=True)
class Task:
    """What every contestant is given."""

    kind: BrokerKind
    dossiers: int
    seconds: float
    begun: datetime
    profile: Path | None = None

    @property
    def records(self) -> int:
        """Records of the commands topic."""
        return self.dossiers * COMMANDS_EACH + DOSSIER_PARTITIONS


def run_ours(task: Task, bootstrap: str, folder: Path) -> Run:
    """`python -m services.workflow` from the first law record to the last durable batch."""
    [port] = free_ports(1)
    log = folder / "ours.log"
    env = base_environment(os.environ) | {
        "MOTCUA_KAFKA": bootstrap,
        "MOTCUA_BROKER": task.kind.value,
        "MOTCUA_HTTP": f"{HOST}:{port}",
        "MOTCUA_INSTANCE": "workflow-0",
    }

    def done() -> bool:
        # Beside the commands it was given it decides those it forwarded itself, to the seal's register.
        wanted = task.records + task.dossiers * DRAWN_EACH
        return metric(port, "motcua_workflow_records_total") >= wanted

    with (
        rig.process([sys.executable, "-m", "services.workflow"], log, env) as process,
        rig.CpuLog(process.pid) as cpu,
    ):
        if task.profile:
            rig.wait_for(OURS, lambda: metric(port, "motcua_workflow_records_total") > 0, process, log, 60)
            profile(process.pid, task.profile)
        rig.wait_for(OURS, done, process, log, task.seconds)
        ended = metric(port, "motcua_workflow_last_batch_timestamp_seconds")
    states = asyncio.run(rig.read_all(bootstrap, STATES, DOSSIER_PARTITIONS, task.dossiers))
    law = LAW_KEY.encode()
    begun = min(at for at, key, _ in states if key and key.startswith(law)) / 1000
    commands = task.dossiers * COMMANDS_EACH
    answers = asyncio.run(rig.read_all(bootstrap, OUTCOMES, DOSSIER_PARTITIONS, commands))
    outcomes = [decode_outcome(value) for _, _, value in answers]
    accepted = {one.command_id for one in outcomes if one.result is Result.ACCEPTED}
    expect(OURS, "accepted commands", len(accepted), commands)
    count_topics(OURS, bootstrap, task.dossiers, {FACTS: FACTS_EACH + DRAWN_EACH})
    return Run(ended - begun, cpu.between(begun, ended), task.records)


def run_rival(name: str, task: Task, bootstrap: str, folder: Path) -> Run:
    """A rival of bench.workflow_rivals, which reports its own times."""
    log, report = folder / "rival.log", folder / "report.json"
    session = "6" if task.kind is BrokerKind.TANSU else "20"
    command = [sys.executable, "-m", "bench.workflow_rivals", _RIVALS[name], "--broker", bootstrap]
    command += ["--session", session, "--records", str(task.records), "--report", str(report)]
    with rig.process(command, log, base_environment(os.environ)) as process, rig.CpuLog(process.pid) as cpu:
        rig.wait_for(name, report.exists, process, log, task.seconds)
        found = json.loads(report.read_text())
        count_topics(name, bootstrap, task.dossiers, _WRITTEN[name])
    begun, ended = found["begun"], found["ended"]
    return Run(ended - begun, cpu.between(begun, ended), found["records"])


def metric(port: int, name: str) -> float:
    """The sum of a meter over its labels; 0 while nobody listens."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/metrics", timeout=5) as answer:
            return metric_sum(answer.read().decode(), name)
    except OSError:
        return 0.0


def metric_sum(text: str, name: str) -> float:
    """The sum of one meter's samples in Prometheus' text form."""
    samples = (
        line.rsplit(" ", 1) for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))
    )
    return sum(float(value) for _, value in samples)


def count_topics(name: str, bootstrap: str, dossiers: int, each: dict[str, int]) -> None:
    """Whether a contestant wrote what a dossier leaves behind. Raises BenchError."""
    for topic, number in each.items():
        wanted = dossiers * number
        found = asyncio.run(rig.read_all(bootstrap, topic, DOSSIER_PARTITIONS, wanted))
        expect(name, f"records in {topic}", len(found), wanted)


def expect(name: str, what: str, found: int, wanted: int) -> None:
    """Raises BenchError when a contestant did something else than its task."""
    if found != wanted:
        raise rig.BenchError(f"{name}: {found} {what}, expected {wanted}")


def profile(pid: int, target: Path, seconds: int = 10) -> None:
    """What the worker does for some seconds, by py-spy, which must be on the path; raw stacks in `target`."""
    tool = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
    command = [
        tool,
        "record",
        "-p",
        str(pid),
        "-d",
        str(seconds),
        "-r",
        "200",
        "-f",
        "raw",
        "-o",
        str(target),
    ]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise rig.BenchError("py-spy could not watch the worker: install it, and allow it to trace processes")


def one_run(name: str, task: Task) -> Run:
    """A contestant on a fresh broker."""
    with (
        rig.own_broker(task.kind) as bootstrap,
        tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder,
    ):
        asyncio.run(rig.fill(bootstrap, task.dossiers, task.begun))
        if name == OURS:
            return run_ours(task, bootstrap, Path(folder))
        return run_rival(name, task, bootstrap, Path(folder))


def show(runs: dict[str, list[Run]], dossiers: int) -> None:
    """A table: rate, CPU and what a thousand dossiers cost."""
    print(f"\n  {'':30}{'records/s':>11}{'best':>9}{'seconds':>9}{'CPU s':>8}{'CPU s/1 000 dossiers':>22}")
    for name, each in runs.items():
        rate = statistics.median(run.rate for run in each)
        cpu = statistics.median(run.cpu for run in each)
        seconds = statistics.median(run.seconds for run in each)
        print(
            f"  {name:30}{rate:11,.0f}{max(run.rate for run in each):9,.0f}{seconds:9.2f}{cpu:8.2f}"
            f"{cpu / dossiers * 1000:22.2f}"
        )


def ratios(runs: dict[str, list[Run]]) -> list[Check]:
    """This worker's rate beside the others': the median over the rounds."""
    checks = []
    for name, (wanted, aim) in WANTED.items():
        found = statistics.median(
            ours.rate / their.rate for ours, their in zip(runs[OURS], runs[name], strict=True)
        )
        checks.append(
            Check(f"{OURS}, beside {name}", f"{found:.2f} ×", f"{wanted:g} × (aim {aim:g})", found >= wanted)
        )
    return checks


def main(argv: Sequence[str] | None = None) -> int:
    """Run all and say what was wanted and what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--dossiers", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--broker", type=BrokerKind, choices=list(BrokerKind), default=BrokerKind.TANSU)
    parser.add_argument("--only", action="append", choices=[OURS, *_RIVALS], help="no ratios then")
    parser.add_argument("--seconds", type=float, default=300.0, help="what one run may take")
    parser.add_argument("--profile", action="store_true", help="watch this worker with py-spy as well")
    options = parser.parse_args(argv)
    begun = datetime.now(UTC) - timedelta(hours=1)
    task = Task(options.broker, options.dossiers, options.seconds, begun)
    names = options.only or [OURS, *_RIVALS]
    runs: dict[str, list[Run]] = {name: [] for name in names}
    print(f"{task.records} records, {task.dossiers} dossiers, broker {task.kind}, {options.rounds} rounds")
    try:
        for number in range(options.rounds):
            for name in names[number % len(names) :] + names[: number % len(names)]:
                run = one_run(name, task)
                runs[name].append(run)
                print(
                    f"  round {number + 1} {name:30}{run.rate:11,.0f} records/s{run.cpu:8.2f} CPU s",
                    flush=True,
                )
        if options.profile:
            watch(task)
    except rig.BenchError as error:
        sys.exit(str(error))
    show(runs, task.dossiers)
    return 0 if options.only else verdict(ratios(runs))


def watch(task: Task) -> None:
    """One more run of this worker, watched; prints where its time goes."""
    with tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder:
        target = Path(folder) / "stacks"
        one_run(OURS, Task(task.kind, task.dossiers, task.seconds, task.begun, target))
        print(top_of(target.read_text()))


def top_of(stacks: str, lines: int = 25) -> str:
    """The functions of raw py-spy stacks by time in themselves, and by time in what they call."""
    own: dict[str, int] = {}
    under: dict[str, int] = {}
    total = 0
    for line in stacks.splitlines():
        stack, _, text = line.rpartition(" ")
        count, frames = int(text), stack.split(";")
        total += count
        own[frames[-1]] = own.get(frames[-1], 0) + count
        for frame in set(frames):
            under[frame] = under.get(frame, 0) + count
    return "\n".join(
        _ranking("in itself", own, total, lines) + _ranking("with what it calls", under, total, lines)
    )


def _ranking(title: str, counts: dict[str, int], total: int, lines: int) -> list[str]:
    best = sorted(counts.items(), key=lambda item: -item[1])[:lines]
    return [f"\n  {title}", *(f"  {count / total:7.1%}  {name}" for name, count in best)]


if __name__ == "__main__":
    sys.exit(main())
