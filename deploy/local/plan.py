"""What the one-machine stack consists of: its processes, their environment, the order of their start.

The services get the same settings they would get anywhere else; nothing here is known to them.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping

from deploy.kafka.admin import BrokerUnavailableError, TopicError
from deploy.kafka.topics import ensure_topics
from deploy.local.apache import Apache, begun_with
from deploy.local.broker import BrokerKind, StackBroker, Tansu
from deploy.local.child import ProcessSpec
from deploy.local.errors import StackError
from deploy.local.home import Home
from deploy.local.ports import HOST, Ports, free_ports, holder, is_free
from deploy.local.probes import answers_ready, answers_select
from deploy.local.supervisor import Description, Stage

_PASSED_ON = frozenset({"MOTCUA_LOG", "MOTCUA_REPAIR"})
"""The settings of ours that services inherit from the caller."""

_REFUSALS = frozenset({71, 73, 74, 75, 76, 77, 78})
"""Exit codes of the services that need a person (services/*/__main__.py)."""


def choose_broker(
    home: Home, kind: BrokerKind, size: int, clock: str, ports: Ports, free: bool
) -> StackBroker:
    """The broker of a stack: `size` servers, one for Tansu.

    Apache Kafka needs more ports than a stack has by name: free ones, or those that follow the warehouse's.
    Raises StackError where another kind keeps its data.
    """
    if kind is BrokerKind.TANSU:
        if options := begun_with(home):
            raise StackError(
                f"{home.path} holds the data of a stack on Apache Kafka, which Tansu would not show:"
                f" go on there with `motcua up {options}`, or name another folder with --home"
            )
        return Tansu(home, ports.broker)  # which leaves no data that another kind could hide
    more = more_ports(kind, size)
    others = free_ports(more) if free else [ports.warehouse + 1 + n for n in range(more)]
    return Apache(home, clock, (ports.broker, *others[: size - 1]), tuple(others[size - 1 :]))


def more_ports(kind: BrokerKind, size: int) -> int:
    """How many ports `size` servers need beyond those a stack has by name."""
    return 0 if kind is BrokerKind.TANSU else 2 * size - 1


def description(clock: str, ports: Ports, broker: StackBroker, options: tuple[str, ...] = ()) -> Description:
    """Where everything will be found, and the words that start it so again."""
    return Description(
        clock=clock,
        broker=broker.kind.value,
        options=options,
        urls={
            "intake": f"http://{HOST}:{ports.intake}",
            "analytics": f"http://{HOST}:{ports.analytics}",
            "workflow": f"http://{HOST}:{ports.workflow}",
            "broker": broker.bootstrap,
            "warehouse": f"clickhouse://default@{HOST}:{ports.warehouse}/default",
        },
    )


def refuse_taken_ports(ports: Mapping[str, int]) -> None:
    """Raises StackError naming every port (by process) somebody listens on already, and who."""
    taken = [
        f"port {port} of {name} is taken by {holder(port)}"
        for name, port in ports.items()
        if not is_free(port)
    ]
    if taken:
        raise StackError("; ".join(taken) + ". Stop it, or choose others with --port-base N or --ports auto")


def start_logs(home: Home) -> None:
    """Begin new logs. Those of the last run stay as `<name>.log.1`: who starts again may still ask why."""
    home.logs.mkdir(parents=True, exist_ok=True)
    for log in home.logs.glob("*.log"):
        if log.stem.partition("-")[0] in Ports.__struct_fields__:  # broker-1 is a broker
            log.replace(log.with_name(f"{log.name}.1"))


def stages(
    home: Home, clock: str, ports: Ports, broker: StackBroker, seed: Callable[[], Awaitable[None]] | None
) -> list[Stage]:
    """Broker and warehouse, the topics, the services, then `seed`. Raises StackError without a broker."""
    urls = description(clock, ports, broker).urls
    inherited = base_environment(os.environ)

    async def create_topics() -> None:
        try:
            await asyncio.to_thread(ensure_topics, broker.bootstrap, broker.replication)
        except (BrokerUnavailableError, TopicError) as error:
            raise StackError(f"the topics cannot be created: {error}") from error

    warehouse = ProcessSpec(
        name="warehouse",
        command=(
            *_module("deploy.local.warehouse"),
            *("--listen", f"{HOST}:{ports.warehouse}", "--path", str(broker.warehouse)),
        ),
        env=inherited,
        url=urls["warehouse"],
        probe=answers_select(urls["warehouse"]),
    )
    settings = service_settings(home, clock, urls, broker.kind)
    services = tuple(
        ProcessSpec(
            name=name,
            command=_module(f"services.{name}"),
            env={**inherited, **settings[name]},
            url=urls[name],
            probe=answers_ready(urls[name]),
            refusals=_REFUSALS,
        )
        # Stopped in reverse: the door first, then the judge, then the reader.
        for name in ("analytics", "workflow", "intake")
    )
    return [Stage((*broker.processes(inherited), warehouse), create_topics), Stage(services, seed)]


def service_settings(
    home: Home, clock: str, urls: Mapping[str, str], broker: BrokerKind
) -> dict[str, dict[str, str]]:
    """The settings of each service, by its name."""

    def common(name: str) -> dict[str, str]:
        return {
            "MOTCUA_KAFKA": urls["broker"],
            "MOTCUA_BROKER": broker.value,
            "MOTCUA_HTTP": urls[name].removeprefix("http://"),
            "MOTCUA_CLOCK": clock,
            "MOTCUA_INSTANCE": f"{name}-0",
        }

    keys = {"MOTCUA_API_KEYS": str(home.key_file)}
    return {
        "intake": {
            **common("intake"),
            **keys,
            "MOTCUA_PROVINCE_KEY": str(home.province_key_file),
            "MOTCUA_ANALYTICS_URL": urls["analytics"],
            **({"MOTCUA_TRUST": str(home.trust_folder)} if home.trust_folder.is_dir() else {}),
        },
        "workflow": common("workflow"),
        "analytics": {**common("analytics"), **keys, "MOTCUA_CLICKHOUSE": urls["warehouse"]},
    }


def base_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without its own settings of ours, which may belong to another stack."""
    kept = {
        key: value for key, value in environ.items() if not key.startswith("MOTCUA_") or key in _PASSED_ON
    }
    return {**kept, "PYTHONUNBUFFERED": "1"}


def _module(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", name)
