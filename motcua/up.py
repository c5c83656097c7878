"""`motcua up`: the one-machine stack in the foreground, with the sample law enacted."""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import Final

from contracts.law import AgencyPublished, LawChange, ProcedurePublished
from contracts.words import Clock, Role
from deploy.local import plan
from deploy.local.apache import SIZES
from deploy.local.broker import BrokerKind
from deploy.local.errors import StackError
from deploy.local.home import Home, RunState, home_from
from deploy.local.keys import ensure_secrets
from deploy.local.ports import Ports, any_free, ports_from
from deploy.local.supervisor import Supervisor, only_one
from motcua.client import Client, add_home
from motcua.failure import Failure, WrongUsage
from motcua.hints import runnable

HELP: Final = "Start the one-machine stack (broker, warehouse, three services) and keep it running."
SEEDS: Final = ("sample", "calendar", "none")
READY_SECONDS: Final = {BrokerKind.TANSU: 60.0, BrokerKind.APACHE: 180.0}
"""Time a stage of the start may take: three Java processes on a busy machine take their time."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_home(parser)
    parser.add_argument(
        "--clock",
        choices=[clock.value for clock in Clock],
        default=Clock.SYSTEM.value,
        help="the wall clock, or the log's own time for replays (default: system)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--port-base",
        type=int,
        metavar="N",
        help="five ports in a row from N; Apache Kafka takes more after them",
    )
    where.add_argument("--ports", choices=["default", "auto"], default="default", help="auto: free ports")
    parser.add_argument(
        "--seed", choices=SEEDS, default="sample", help="the law to enact at start (default: sample)"
    )
    add_broker(parser)


def add_broker(parser: argparse.ArgumentParser) -> None:
    """Add the choice of a broker."""
    parser.add_argument(
        "--broker",
        choices=[kind.value for kind in BrokerKind],
        default=BrokerKind.TANSU.value,
        help="tansu: in memory, nothing else needed; apache: Apache Kafka, needs Java, keeps its data"
        " (default: tansu)",
    )
    parser.add_argument(
        "--brokers", type=int, choices=SIZES, default=1, help="how many servers of Apache Kafka (default: 1)"
    )


def brokers_of(args: argparse.Namespace) -> tuple[BrokerKind, int]:
    """Which broker, and how many servers. Raises WrongUsage for more than one Tansu."""
    kind = BrokerKind(args.broker)
    if kind is BrokerKind.TANSU and args.brokers != 1:
        raise WrongUsage("Tansu is one process; for three brokers use --broker apache")
    return kind, args.brokers


def options_of(args: argparse.Namespace) -> tuple[str, ...]:
    """What `args` say otherwise than the defaults, as words of a command line; without the home."""
    parser = argparse.ArgumentParser()
    configure(parser)
    said = {name: value for name, value in vars(parser.parse_args([])).items() if name != "home"}
    words = [(f"--{name.replace('_', '-')}", getattr(args, name), value) for name, value in said.items()]
    return tuple(word for option, is_, was in words if is_ != was for word in (option, str(is_)))


def run(args: argparse.Namespace) -> int:
    """Until SIGINT or SIGTERM: 0. A stack that cannot start or go on: 1. Raises WrongUsage."""
    home = home_from(args.home)
    kind, size = brokers_of(args)
    ports = _ports(args, plan.more_ports(kind, size))
    with only_one(home):
        broker = plan.choose_broker(home, kind, size, args.clock, ports, args.ports == "auto")
        plan.refuse_taken_ports({**ports.by_name(), **broker.ports})
        keys = ensure_secrets(home)
        plan.start_logs(home)
        _say(f"Stack in {home.path}. {broker.promise}")
        broker.prepare(_say)
        changes = _law(args.seed)
        description = plan.description(args.clock, ports, broker, options_of(args))

        def say(text: str) -> None:
            _say(runnable(text, args))

        async def seed() -> None:
            try:
                await asyncio.to_thread(_enact, description.urls["intake"], keys[Role.ADMIN.value], changes)
            except Failure as error:
                raise StackError(f"the law cannot be enacted: {error}") from error

        supervisor = Supervisor(
            home,
            plan.stages(home, args.clock, ports, broker, seed if changes else None),
            description,
            say=say,
            ready_seconds=READY_SECONDS[kind],
            on_ready=lambda state: say(_welcome(home, state, keys, changes)),
        )
        asyncio.run(supervisor.run())
    _say("Stopped.")
    return 0


def _ports(args: argparse.Namespace, more: int) -> Ports:
    if args.port_base is not None:
        try:
            return ports_from(args.port_base, more)
        except ValueError as error:
            raise WrongUsage(str(error)) from error
    return any_free() if args.ports == "auto" else Ports()


def _law(seed: str) -> list[LawChange]:
    if seed == "none":
        return []
    from motcua import catalogue  # a stack without a seed needs no catalogue data

    changes: list[LawChange] = [catalogue.calendar_change()]
    return changes + list(catalogue.sample_changes()) if seed == "sample" else changes


def _enact(intake_url: str, key: str, changes: list[LawChange]) -> None:
    """What is shipped, as far as the stack has not got it; a stack that kept its data has its own law."""
    from motcua.catalogue import lacking

    with Client(intake_url, key) as client:
        if wanted := lacking(client, changes):
            client.post("/v1/law", {"changes": wanted})


def _welcome(home: Home, state: RunState, keys: dict[str, str], changes: list[LawChange]) -> str:
    urls, key = state.urls, keys[Role.ADMIN.value]
    lines = ["", "Ready."]
    lines += [f"  {process.name:<10} {process.url}" for process in state.processes]
    lines += [
        f"  keys       {home.dev_keys_file} (development only)",
        f"  logs       {home.logs}",
        "",
        f"Board: {urls['analytics']}/#key={key}",
    ]
    example = _example(urls["intake"], key, changes)
    if example and state.clock == Clock.SYSTEM:
        lines += ["", "One dossier's whole day, in a second terminal: `motcua tour`."]
    if example:
        lines += ["", "Hand in a dossier (answers with its state once the workflow has decided):", example]
    lines += [
        "",
        "Then: `motcua status`, `motcua simulate --help`, `motcua doctor`.",
        "Ctrl-C or `motcua down` stops it.",
    ]
    return "\n".join(lines)


def _example(intake_url: str, key: str, changes: list[LawChange]) -> str:
    procedure = next((c for c in changes if isinstance(c, ProcedurePublished)), None)
    agency = next((c for c in changes if isinstance(c, AgencyPublished) and c.valid_to is None), None)
    if procedure is None or agency is None:
        return ""
    body = f'{{"procedure":"{procedure.code}","agency":"{agency.code}","channel":"{procedure.channels[0]}"}}'
    return (
        f"  curl -s -X POST {intake_url}/v1/dossiers \\\n"
        f"    -H 'Authorization: Bearer {key}' -H 'Idempotency-Key: first-dossier' -H 'Prefer: wait=5' \\\n"
        f"    -H 'Content-Type: application/json' -d '{body}'"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
