"""How soon a fact can be queried, and what idling costs: `python -m bench.freshness`, `make bench-freshness`.

A whole stack on this machine. Real facts (`facts.py`) are appended to its facts topic at a fixed mean rate,
arrivals by chance (Poisson, from a seed), to the partition of their dossier. Open loop: a fact is sent when
its time has come, and its age counts from that time, however late the log or the sink are. It is visible
when a reader of its own, with analytics' own connection, has got an answer in which the raw fact stands and
its dossier's roll-up has counted it: the end of that query, so the reader's pause and the query's length are
part of the figure. A warm-up comes first and is not counted.

Idle: afterwards, with everything inserted, merges done and the reader gone, the CPU of every process while
nothing is asked of the stack.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import psutil
from aiokafka import AIOKafkaProducer

from bench.facts import Teller, Told
from bench.latency import cpu_of
from bench.lookout import Lookout, pauses, steps_of
from bench.rig import BenchError
from bench.table import Check, percentile, verdict
from contracts.topics import FACTS
from deploy.local.broker import BrokerKind
from deploy.local.stack import LocalStack
from motcua.client import Client
from services.analytics.adapters.clickhouse import Connection

WANTED_SECONDS: Final = {10.0: 1.0, 100.0: 1.0, 1000.0: 2.0}
"""p99 by facts a second."""
WANTED_IDLE: Final = 0.03
"""Of a core, on Apache Kafka; Tansu does not wake who waits, so there clients must ask again and again."""
PATIENCE: Final = 60.0
"""How long the last facts of a rate may take, and merges afterwards."""


@dataclass(slots=True)
class Journey:
    """One fact: what, when due, sent, acked and visible (stopwatch), and where in the log it stands."""

    told: Told
    due: float
    sent: float = 0.0
    acked: float = 0.0
    offset: int = -1
    visible: float = 0.0

    @property
    def partition(self) -> int:
        """Where it stands."""
        return self.told.partition

    @property
    def kind(self) -> str:
        """Its type."""
        return self.told.kind


@dataclass(slots=True)
class Run:
    """What came of one rate; CPU and memory by process while it lasted, seconds of each step of the sink."""

    rate: float
    seconds: float
    journeys: list[Journey]
    cpu: dict[str, float]
    rss: dict[str, int]
    looks: list[float]
    steps: dict[str, tuple[float, float]]


def arrivals(told: Sequence[Told], rate: float, seed: int) -> list[Journey]:
    """Each fact with its time in seconds from the start."""
    dice, at, made = random.Random(seed), 0.0, []
    for one in told:
        at += dice.expovariate(rate)
        made.append(Journey(one, at))
    return made


async def send(journeys: Sequence[Journey], bootstrap: str, begun: float) -> None:
    """Append each fact when it is due, whatever became of those before; returns when all are acked."""
    # No idempotence: Tansu refuses aiokafka's. One request at a time a broker keeps the order anyway.
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0)
    await producer.start()
    tasks = []

    async def ack(one: Journey, future: asyncio.Future[object]) -> None:
        record = await future
        one.acked = time.monotonic()
        one.offset = record.offset  # type: ignore[attr-defined]  # an untyped library's record

    try:
        for one in journeys:
            one.due += begun
            pause = one.due - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            one.sent = time.monotonic()
            told = one.told
            future = await producer.send(
                FACTS, told.value, key=told.key, partition=told.partition, headers=told.headers
            )
            tasks.append(asyncio.create_task(ack(one, future)))
        await asyncio.gather(*tasks)
    finally:
        await producer.stop()


def one_rate(stack: LocalStack, lookout: Lookout, told: Sequence[Told], rate: float, seed: int) -> Run:
    """Drive `told` at `rate` and watch until the last one is visible. Raises BenchError."""
    journeys = arrivals(told, rate, seed)
    before, steps, looked = cpu_of(stack), steps_of(stack.analytics_url), len(lookout.looks)
    begun = time.monotonic()
    asyncio.run(send(journeys, stack.state().urls["broker"], begun))
    seconds = time.monotonic() - begun
    cpu = {name: used - before[name] for name, used in cpu_of(stack).items() if name in before}
    looks = pauses(lookout.looks[looked:])
    if not lookout.date(journeys, PATIENCE):
        raise BenchError(f"not every fact was visible {PATIENCE:g} s after the last one was sent")
    after = steps_of(stack.analytics_url)
    had = {step: steps.get(step, (0.0, 0.0)) for step in after}
    passed = {step: (now[0] - had[step][0], now[1] - had[step][1]) for step, now in after.items()}
    return Run(rate, seconds, journeys, cpu, rss_of(stack), looks, passed)


def rss_of(stack: LocalStack) -> dict[str, int]:
    """Resident bytes of each process."""
    return {one.name: int(psutil.Process(one.pid).memory_info().rss) for one in stack.processes() if one.pid}


def idle(stack: LocalStack, seconds: float) -> dict[str, float]:
    """Share of a core of each process while nothing is asked, once merges are done. Raises BenchError."""
    connection = Connection(stack.state().urls["warehouse"])
    until = time.monotonic() + PATIENCE
    while connection.rows("SELECT count() FROM system.merges") != [(0,)]:
        if time.monotonic() > until:
            raise BenchError(f"merges go on {PATIENCE:g} s after the last insert")
        time.sleep(1)
    connection.close()
    before, begun = cpu_of(stack), time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - begun
    return {name: (used - before[name]) / passed for name, used in cpu_of(stack).items() if name in before}


def proof(stack: LocalStack, runs: Sequence[Run], warm_up: Sequence[Journey]) -> None:
    """The figures must be those of what was told. Raises BenchError."""
    every = [*warm_up, *(one for run in runs for one in run.journeys)]
    with Client(stack.intake_url, stack.keys["admin"], analytics_url=stack.analytics_url) as client:
        found = client.post("/v1/reconcile", service="analytics")
        begun = time.monotonic()
        received = client.get("/v1/figures", service="analytics")["received"]
        took = time.monotonic() - begun
    registered = sum(one.kind == "DossierRegistered" for one in every)
    if received != registered or found["facts"] != len(every):
        raise BenchError(
            f"{received} of {registered} dossiers counted, {found['facts']} of {len(every)} facts"
        )
    if any(found[name] for name in ("missing", "duplicated", "mismatched")):
        raise BenchError(f"the figures do not reconcile: {found}")
    print(
        f"\n  all {len(every)} facts stand once; /v1/figures of {received} dossiers took {took * 1000:.0f} ms"
    )


def show(run: Run) -> None:
    """The distribution, the hops, the sink's steps, CPU and memory."""
    hops = {
        "from due to visible": [one.visible - one.due for one in run.journeys],
        "late in sending (the load's own)": [one.sent - one.due for one in run.journeys],
        "sent to acked": [one.acked - one.sent for one in run.journeys],
        "acked to visible": [one.visible - one.acked for one in run.journeys],
        "a look and the next (resolution)": run.looks,
    }
    print(f"\n{run.rate:g} facts/s: {len(run.journeys)} in {run.seconds:.1f} s")
    print(f"  {'milliseconds':40}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
    for name, values in hops.items():
        row = "".join(f"{percentile(values, share) * 1000:9.1f}" for share in (50, 90, 99, 100))
        print(f"  {name:40}{row}")
    for step, (seconds, times) in run.steps.items():
        if times:
            print(f"  sink, {step:34}{seconds / times * 1000:9.1f} ms, {times / run.seconds:6.1f}/s")
    for name, used in run.cpu.items():
        rss = f"{run.rss[name] / 2**20:9.0f} MiB" if name in run.rss else ""
        print(f"  CPU {name:36}{used / run.seconds:9.1%}{rss}")


def checks(runs: Sequence[Run], idling: dict[str, float], kind: BrokerKind) -> list[Check]:
    """What is wanted: the 99th percentile at each rate, and little for nothing."""
    made = []
    for run in runs:
        p99 = percentile([one.visible - one.due for one in run.journeys], 99)
        wanted = WANTED_SECONDS.get(run.rate, math.inf)
        what = f"fact to query, p99 at {run.rate:g} facts/s"
        made.append(Check(what, f"{p99 * 1000:.0f} ms", f"{wanted * 1000:.0f} ms", p99 <= wanted))
    if idling:
        limit = WANTED_IDLE if kind is BrokerKind.APACHE else math.inf
        share = idling["analytics"]
        said = f"below {limit:.0%}" if math.isfinite(limit) else "no limit"
        made.append(Check("CPU of analytics when idle", f"{share:.1%}", said, share < limit))
    return made


def measure(stack: LocalStack, options: argparse.Namespace) -> tuple[list[Run], dict[str, float]]:
    """The warm-up, every rate, then nothing at all. Raises BenchError."""
    teller = Teller(datetime.now(UTC) - timedelta(hours=1)).tell()
    plan = [(100.0, options.warm_up), *((rate, options.seconds) for rate in options.rates)]
    told = [list(islice(teller, round(rate * seconds))) for rate, seconds in plan]
    runs = []
    with Lookout(stack.state().urls["warehouse"]) as lookout:
        for place, (rate, _) in enumerate(plan):
            runs.append(one_rate(stack, lookout, told[place], rate, options.seed + place))
            if place:
                show(runs[-1])
        proof(stack, runs[1:], runs[0].journeys)
    return runs[1:], idle(stack, options.idle) if options.idle else {}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a stack under each rate, let it idle, and say what was wanted and what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--broker", type=BrokerKind, choices=list(BrokerKind), default=BrokerKind.TANSU)
    parser.add_argument("--rates", type=float, nargs="*", default=list(WANTED_SECONDS), help="facts a second")
    parser.add_argument("--warm-up", type=float, default=10.0, help="seconds, at 100 facts a second")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each rate")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds; 0 leaves it out")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    print(f"broker {options.broker}, {options.seconds:g} s each")
    with (
        tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder,
        LocalStack(Path(folder) / "home", broker=options.broker.value) as stack,
    ):
        try:
            runs, idling = measure(stack, options)
        except BenchError as error:
            sys.exit(str(error))
    for name, share in idling.items():
        print(f"  CPU idle, {name:30}{share:9.1%}")
    return verdict(checks(runs, idling, options.broker))


if __name__ == "__main__":
    sys.exit(main())
