"""CPU seconds a thousand five-step dossiers cost: `python -m bench.chain`, part of `make bench-workflow`.

The whole chain on a fresh stack: handed in at the door in bulk, one step of all dossiers after the other,
until the board counts every one; the CPU of every process of the stack, clients excepted. Beside it
SpiffWorkflow, a BPMN engine: a process of five manual tasks, its state serialized to JSON after each step
and restored before the next; no broker, no queries, no copy of anything. It runs in an environment of its
own; `--spiff` names its Python.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from bench.rig import BenchError
from bench.table import Check, verdict
from contracts.words import Channel
from deploy.local.broker import BrokerKind
from deploy.local.stack import LocalStack
from motcua.catalogue import sample_agencies, sample_procedures
from motcua.client import Client

STEPS: Final = ("register", "accept", "appraise", "approve", "stamp", "return", "rate")
LINES: Final = 5_000
AIM_WORKER: Final = 0.6
AIM_CHAIN: Final = 2.0


def lines(dossiers: int, agency: str, procedure: str) -> Iterator[dict[str, object]]:
    """Every dossier's registration, then every dossier's acceptance, and so on."""
    extra: dict[str, dict[str, object]] = {
        "register": {"procedure": procedure, "agency": agency, "channel": Channel.COUNTER.value},
        "accept": {"agency": agency},
        "rate": {"score": 5},
    }
    for step in STEPS:
        for number in range(dossiers):
            # An actor a step: nobody may approve what he appraised, nor seal what he approved.
            line: dict[str, object] = {
                **{"key": f"{step}-{number}", "action": step, "actor": f"desk-{step}"},
                **extra.get(step, {}),
            }
            if step != "register":
                line["dossier_key"] = f"register-{number}"
            yield line


def in_bodies(every: Iterator[dict[str, object]], size: int = LINES) -> Iterator[list[dict[str, object]]]:
    """The lines in requests of at most `size`."""
    body: list[dict[str, object]] = []
    for line in every:
        body.append(line)
        if len(body) == size:
            yield body
            body = []
    if body:
        yield body


def chain(kind: BrokerKind, dossiers: int, seconds: float) -> dict[str, float]:
    """CPU seconds of each process of a stack from the first request to the last figure. Raises BenchError."""
    agency = next(one.code for one in sample_agencies())
    procedure = next(one.code for one in sample_procedures() if Channel.COUNTER in one.channels)
    with (
        tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder,
        LocalStack(Path(folder) / "home", broker=kind.value) as stack,
        Client(stack.intake_url, stack.keys["importer"], analytics_url=stack.analytics_url) as client,
    ):
        before = _cpu(stack)
        for body in in_bodies(lines(dossiers, agency, procedure)):
            answers = client.post_ndjson("/v1/commands", body)
            wrong = [one for one in answers if one["status"] != 202]
            if wrong:
                raise BenchError(f"the door did not take {len(wrong)} of {len(body)} lines: {wrong[0]}")
        until = time.monotonic() + seconds
        while _finished(client.get("/v1/figures", service="analytics")) < dossiers:
            if time.monotonic() > until:
                raise BenchError(f"not every dossier was counted within {seconds:g} s")
            time.sleep(0.5)
        used = {name: after - before[name] for name, after in _cpu(stack).items()}
        found = client.post("/v1/reconcile", service="analytics")
        if any(found[name] for name in ("missing", "duplicated", "mismatched")):
            raise BenchError(f"the figures do not reconcile: {found}")
    return used


def _finished(figures: dict[str, Any]) -> int:
    return int(figures["early"] + figures["on_time"] + figures["late"])


def _cpu(stack: LocalStack) -> dict[str, float]:
    found = {}
    for one in stack.processes():
        times = psutil.Process(one.pid).cpu_times()
        found[one.name] = times.user + times.system
    return found


def spiff(python: Path, dossiers: int) -> dict[str, float]:
    """CPU seconds of SpiffWorkflow for as many dossiers, serialized and in memory. Raises BenchError."""
    script = Path(__file__).with_name("spiff_rival.py")
    done = subprocess.run(
        [str(python), str(script), str(dossiers)], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise BenchError(f"SpiffWorkflow: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


def report(used: dict[str, float], beside: dict[str, float], dossiers: int, spiffs: int) -> list[Check]:
    """A table, CPU seconds per thousand dossiers, held against the dearest of what stands beside.

    The aims are what remains to be reached; only costing more than a workflow library alone is a failure.
    """
    each = {name: seconds / dossiers * 1000 for name, seconds in used.items()}
    print("\n  CPU seconds per 1 000 five-step dossiers")
    for name, seconds in each.items():
        print(f"  {name:44}{seconds:9.2f}")
    print(f"  {'whole chain':44}{sum(each.values()):9.2f}")
    for name, seconds in beside.items():
        print(f"  SpiffWorkflow, {name:29}{seconds / spiffs * 1000:9.2f}")
    worker, whole = each["workflow"], sum(each.values())
    limit = max((seconds / spiffs * 1000 for seconds in beside.values()), default=math.inf)
    return [
        Check(
            f"CPU s per 1 000 dossiers, {what}",
            f"{seconds:.2f}",
            f"below {limit:.2f} (aim {aim:g})",
            seconds < limit,
        )
        for what, seconds, aim in (("workflow", worker, AIM_WORKER), ("whole chain", whole, AIM_CHAIN))
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the chain and the rival; say what was aimed at."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--broker", type=BrokerKind, choices=list(BrokerKind), default=BrokerKind.TANSU)
    parser.add_argument("--dossiers", type=int, default=5_000)
    parser.add_argument("--spiff", type=Path, help="Python of an environment with SpiffWorkflow")
    parser.add_argument("--spiff-dossiers", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=240.0, help="what the chain may take")
    options = parser.parse_args(argv)
    try:
        beside = spiff(options.spiff, options.spiff_dossiers) if options.spiff else {}
        used = chain(options.broker, options.dossiers, options.seconds)
    except BenchError as error:
        sys.exit(str(error))
    return verdict(report(used, beside, options.dossiers, options.spiff_dossiers))


if __name__ == "__main__":
    sys.exit(main())
