"""Settings of workflow, read once from the environment and refused by name when wrong."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from contracts.words import Clock

GROUP: Final = "workflow"
"""The consumer group of the workers."""

_ADDRESS: Final = re.compile(r"^[A-Za-z0-9.\-]+:\d{1,5}$")
_LEVELS: Final = frozenset({"DEBUG", "INFO", "WARNING", "ERROR"})


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it and says what is expected."""


@dataclass(frozen=True, slots=True)
class Broker:
    """What differs between the brokers of the stacks. Times in milliseconds unless named otherwise.

    Tansu does not wake a waiting fetch, holds a join for half the session time-out and refuses
    aiokafka's idempotent producer; Apache Kafka needs none of these concessions.
    """

    fetch_max_wait_ms: int
    session_timeout_seconds: float
    heartbeat_seconds: float
    rebalance_timeout_seconds: float
    idempotent: bool
    static_membership: bool


BROKERS: Final = {
    "apache": Broker(500, 20.0, 3.0, 30.0, idempotent=True, static_membership=True),
    "tansu": Broker(14, 6.0, 1.0, 10.0, idempotent=False, static_membership=False),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything workflow is told from outside."""

    bootstrap: tuple[str, ...]
    broker: Broker
    http_host: str
    http_port: int
    clock: Clock
    instance: str
    log_level: str
    batch_records: int = 500
    lists_at_once: int = 2
    poison_window: int = 1000
    poison_share: float = 0.1


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`. Raises SettingsError naming the first wrong one."""
    bootstrap = tuple(_require(environ, "MOTCUA_KAFKA").split(","))
    for address in bootstrap:
        _check_address("MOTCUA_KAFKA", address)
    listen = environ.get("MOTCUA_HTTP", "127.0.0.1:8803")
    _check_address("MOTCUA_HTTP", listen)
    host, port = listen.rsplit(":", 1)
    return Settings(
        bootstrap=bootstrap,
        broker=BROKERS[_choice(environ, "MOTCUA_BROKER", "apache", BROKERS)],
        http_host=host,
        http_port=int(port),
        clock=Clock(_choice(environ, "MOTCUA_CLOCK", "system", [c.value for c in Clock])),
        instance=environ.get("MOTCUA_INSTANCE", "workflow"),
        log_level=_choice(environ, "MOTCUA_LOG", "INFO", _LEVELS),
        poison_share=_share(environ, "MOTCUA_POISON_SHARE", 0.1),
    )


def _require(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingsError(f"{name}: missing; expected host:port of the Kafka brokers")
    return value


def _check_address(name: str, value: str) -> None:
    if not _ADDRESS.match(value) or int(value.rsplit(":", 1)[1]) > 65535:
        raise SettingsError(f"{name}: expected host:port, got {value!r}")


def _share(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, str(default))
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value <= 1:
        raise SettingsError(f"{name}: expected a share above 0 and at most 1, got {text!r}")
    return value


def _choice(
    environ: Mapping[str, str],
    name: str,
    default: str,
    choices: Collection[str],
) -> str:
    value = environ.get(name, default)
    if value not in choices:
        raise SettingsError(f"{name}: expected one of {', '.join(sorted(choices))}, got {value!r}")
    return value
