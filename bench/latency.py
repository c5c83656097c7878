"""How long a clerk waits: `python -m bench.latency`, or `make bench-latency`.

A fresh stack on this machine; commands with `Prefer: wait=10` at a fixed mean rate, arrivals by chance
(Poisson, from a seed). Open loop: a command is sent when its time has come, whatever became of those before
it, and its latency counts from that time. Many dossiers go through their steps side by side, a second
between two steps of one. Measured is after a warm-up. Where the time goes is read from the log afterwards:
a record bears the time at which its writer handed it to its client.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import psutil

from bench import rig
from bench.http_pool import Pool
from bench.table import Check, percentile, verdict
from contracts.codec import decode_command, decode_outcome
from contracts.commands import Command
from contracts.identity import command_id, dossier_id
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, OUTCOMES
from contracts.words import Channel, Role
from deploy.local.broker import BrokerKind
from deploy.local.stack import LocalStack
from motcua.catalogue import sample_agencies, sample_procedures

STEPS: Final = ("register", "accept", "appraise", "approve", "stamp", "return", "rate")
OTHERS: Final = "everything else on the machine"
"""Beside the processes of the stack: what may spoil a figure. With a busy neighbour it says nothing."""

CLERKS: Final = {"appraise": Role.OFFICER, "approve": Role.APPROVER, "stamp": Role.SEAL_KEEPER}
"""Whose step it is; everything else is the counter's."""
WANTED_MS: Final = {50: 40.0, 99: 150.0}


@dataclass(slots=True)
class Asked:
    """One command: which, when it was to be sent, when it was, when its answer was there; and the answer."""

    dossier: int
    step: int
    at: float
    sent: float = 0.0
    answered: float = 0.0
    status: int = 0

    @property
    def key(self) -> str:
        """Its idempotency key."""
        return f"{STEPS[self.step]}-{self.dossier}"

    @property
    def role(self) -> Role:
        """Whose command it is."""
        return CLERKS.get(STEPS[self.step], Role.COUNTER)

    @property
    def dossier_id(self) -> str:
        """Known before the registration is answered: it follows from the counter and its key."""
        return dossier_id(client(Role.COUNTER), f"register-{self.dossier}")

    @property
    def command_id(self) -> str:
        """The command in the log."""
        return command_id(self.dossier_id, client(self.role), self.key)


def client(role: Role) -> str:
    """The name of a role's development key."""
    return f"dev-{role.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of the stack."""

    rate: float
    warm_up: float
    seconds: float
    seed: int


@dataclass(slots=True)
class Found:
    """What was measured: commands after the warm-up, CPU seconds by process over the same time."""

    asked: list[Asked]
    cpu: dict[str, float]
    hops: dict[str, list[float]] = field(default_factory=dict)


def schedule(load: Load) -> list[Asked]:
    """All commands with their times in seconds from the start, in order.

    As many lanes as there are commands in a second; in each one dossier after the other. The lanes are at
    different steps, so that after as many seconds as a dossier has steps the mix is even; until then there
    are fewer commands.
    """
    dice = random.Random(load.seed)
    lanes = max(1, round(load.rate))
    dossiers, asked, at, slot = [-1] * lanes, list[Asked](), 0.0, 0
    made = 0
    while True:
        at += dice.expovariate(load.rate)
        if at >= load.warm_up + load.seconds:
            return asked
        turn, lane = divmod(slot, lanes)
        slot += 1
        step = (turn + lane) % len(STEPS)
        if step == 0:
            dossiers[lane], made = made, made + 1
        if dossiers[lane] >= 0:
            asked.append(Asked(dossiers[lane], step, at))


def request(one: Asked, keys: Mapping[str, str], agency: str, procedure: str) -> bytes:
    """The bytes of a command's request."""
    if one.step == 0:
        path = "/v1/dossiers"
        body: dict[str, object] = {"procedure": procedure, "agency": agency, "channel": Channel.COUNTER.value}
    else:
        path = f"/v1/dossiers/{one.dossier_id}/{STEPS[one.step]}"
        needed: dict[str, dict[str, object]] = {"accept": {"agency": agency}, "rate": {"score": 5}}
        body = needed.get(STEPS[one.step], {})
    content = msgspec.json.encode(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: intake\r\nAuthorization: Bearer {keys[one.role.value]}\r\n"
        f"Motcua-Actor: {one.role.value}-1\r\nIdempotency-Key: {one.key}\r\nPrefer: wait=10\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


async def drive(asked: Sequence[Asked], pool: Pool, requests: Sequence[bytes], begun: float) -> None:
    """Send each command at its time after `begun` (monotonic) and note what came of it."""

    async def one(what: Asked, data: bytes) -> None:
        what.sent = time.monotonic() - begun
        what.status = await pool.ask(data)
        what.answered = time.monotonic() - begun

    tasks = set()
    for what, data in zip(asked, requests, strict=True):
        pause = begun + what.at - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        task = asyncio.create_task(one(what, data))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


async def measure(stack: LocalStack, load: Load) -> Found:
    """Drive the load and say what came of it after the warm-up."""
    host, port = stack.intake_url.removeprefix("http://").split(":")
    agency = next(one.code for one in sample_agencies())
    procedure = next(one.code for one in sample_procedures() if Channel.COUNTER in one.channels)
    asked = schedule(load)
    requests = [request(one, stack.keys, agency, procedure) for one in asked]
    pool = Pool(host, int(port))
    await pool.open(64)
    cpu: dict[str, float] = {}
    begun, wall = time.monotonic() + 0.5, time.time() + 0.5

    async def watch() -> None:
        await asyncio.sleep(begun + load.warm_up - time.monotonic())
        before = cpu_of(stack)
        await asyncio.sleep(begun + load.warm_up + load.seconds - time.monotonic())
        cpu.update({name: used - before[name] for name, used in cpu_of(stack).items() if name in before})

    try:
        await asyncio.gather(watch(), drive(asked, pool, requests, begun))
    finally:
        pool.close()
    measured = [one for one in asked if one.at >= load.warm_up]
    hops = await hops_of(measured, wall, stack.state().urls["broker"])
    return Found(measured, cpu, hops)


def cpu_of(stack: LocalStack) -> dict[str, float]:
    """CPU seconds so far of each process of the stack, of this one, and of whatever else the machine did."""
    pids = {one.name: one.pid for one in stack.processes() if one.pid is not None}
    found = {}
    for name, pid in {**pids, "this load": psutil.Process().pid}.items():
        times = psutil.Process(pid).cpu_times()
        found[name] = times.user + times.system
    found[OTHERS] = rig.machine_cpu() - sum(found.values())
    return found


async def hops_of(asked: Sequence[Asked], wall: float, bootstrap: str) -> dict[str, list[float]]:
    """Seconds of each part of each command's way, from the times its records bear."""
    taken, decided = {}, {}
    for at, _, value in await rig.read_all(bootstrap, COMMANDS, DOSSIER_PARTITIONS):
        record = decode_command(value)
        if isinstance(record, Command):
            taken[record.id] = at / 1000 - wall
    for at, _, value in await rig.read_all(bootstrap, OUTCOMES, DOSSIER_PARTITIONS):
        decided[decode_outcome(value).command_id] = at / 1000 - wall
    hops: dict[str, list[float]] = {
        "late in sending (the load's own)": [],
        "door: request to command record": [],
        "log and worker: to outcome record": [],
        "log and door: to the answer": [],
    }
    for one in asked:
        command = one.command_id
        if command in taken and command in decided:
            stations = (one.at, one.sent, taken[command], decided[command], one.answered)
            for hop, (start, end) in zip(hops.values(), pairwise(stations), strict=True):
                hop.append(end - start)
    return hops


def show(found: Found, seconds: float) -> None:
    """The distribution, the hops, the CPU of every process."""
    took = [one.answered - one.at for one in found.asked]
    print(f"\n  {'milliseconds':40}{'p50':>9}{'p90':>9}{'p99':>9}{'max':>9}")
    for name, values in {"from due to answered": took, **found.hops}.items():
        row = "".join(f"{percentile(values, share) * 1000:9.1f}" for share in (50, 90, 99, 100))
        print(f"  {name:40}{row}")
    good = sum(200 <= one.status < 300 for one in found.asked)
    decided = sum(one.status in (200, 201) for one in found.asked)
    print(
        f"\n  {len(found.asked)} commands, {len(found.asked) / seconds:.0f} a second, "
        f"2xx {good / len(found.asked):.2%}, decided within the wait {decided / len(found.asked):.2%}"
    )
    for status, count in sorted(Counter(one.status for one in found.asked).items()):
        if status not in (200, 201):
            print(f"  {count} answered {status or 'not at all'}")
    for name, used in found.cpu.items():
        print(f"  CPU {name:36}{used / seconds:8.1%}")


def checks(found: Found) -> list[Check]:
    """What is wanted: percentiles, and an answer to everything."""
    took = [(one.answered - one.at) * 1000 for one in found.asked]
    made = []
    for share, wanted in WANTED_MS.items():
        value = percentile(took, share)
        made.append(
            Check(f"p{share} of Prefer: wait", f"{value:.1f} ms", f"{wanted:.0f} ms", value <= wanted)
        )
    decided = sum(one.status in (200, 201) for one in found.asked) / len(found.asked)
    made.append(Check("decided within the wait", f"{decided:.2%}", "100%", decided == 1.0))
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run a stack under the load and say what was wanted and what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--broker", type=BrokerKind, choices=list(BrokerKind), default=BrokerKind.TANSU)
    parser.add_argument("--rate", type=float, default=200.0, help="commands a second")
    parser.add_argument("--warm-up", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    load = Load(options.rate, options.warm_up, options.seconds, options.seed)
    print(f"broker {options.broker}, {load.rate:g} commands/s for {load.seconds:g} s")
    with (
        tempfile.TemporaryDirectory(prefix="motcua-bench-") as folder,
        LocalStack(Path(folder) / "home", broker=options.broker.value) as stack,
    ):
        found = asyncio.run(measure(stack, load))
    show(found, load.seconds)
    return verdict(checks(found))


if __name__ == "__main__":
    sys.exit(main())
