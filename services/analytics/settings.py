"""The environment of the analytics process, read once and refused by name when wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from contracts.access import KeyRing, parse_keys
from contracts.topics import DOSSIER_PARTITIONS
from contracts.words import Clock
from services.analytics.domain.lane import LANE_WIDTH, lanes_of

_INSTANCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
_BROKERS: Final = ("apache", "tansu")


class SettingError(ValueError):
    """A variable is missing or wrong; the message names it."""


class Settings(Struct, frozen=True, kw_only=True):
    """Everything analytics is told from outside. `poison_share` is 0 to 1."""

    kafka: tuple[str, ...]
    broker: str
    clickhouse: str
    host: str
    port: int
    keys: KeyRing
    clock: Clock
    instance: str
    log_level: str
    lane: int
    poison_share: float
    repair: bool


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings. Raises SettingError."""
    host, port = _address("MOTCUA_HTTP", _needed(environ, "MOTCUA_HTTP"))
    servers = tuple(_needed(environ, "MOTCUA_KAFKA").split(","))
    for server in servers:
        _address("MOTCUA_KAFKA", server)
    instance = environ.get("MOTCUA_INSTANCE", "analytics")
    if not _INSTANCE.fullmatch(instance):
        raise SettingError(f"MOTCUA_INSTANCE: expected letters, digits, '.', '_', '-', got {instance!r}")
    return Settings(
        kafka=servers,
        broker=_one_of(environ, "MOTCUA_BROKER", _BROKERS, "apache"),
        clickhouse=warehouse("MOTCUA_CLICKHOUSE", _needed(environ, "MOTCUA_CLICKHOUSE")),
        host=host,
        port=port,
        keys=_keys(_needed(environ, "MOTCUA_API_KEYS")),
        clock=Clock(_one_of(environ, "MOTCUA_CLOCK", tuple(Clock), Clock.SYSTEM)),
        instance=instance,
        log_level=_one_of(environ, "MOTCUA_LOG", _LEVELS, "INFO"),
        lane=_lane(environ),
        poison_share=_share(environ, "MOTCUA_POISON_SHARE", 0.05),
        repair=_one_of(environ, "MOTCUA_REPAIR", ("0", "1"), "0") == "1",
    )


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingError(f"{name}: needed, not set")
    return value


def _one_of(environ: Mapping[str, str], name: str, words: tuple[str, ...], default: str) -> str:
    value = environ.get(name, default)
    if value not in words:
        raise SettingError(f"{name}: expected one of {', '.join(words)}, got {value!r}")
    return value


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name, str(default))
    if not value.isdecimal() or len(value) > 4:
        raise SettingError(f"{name}: expected a whole number, got {value!r}")
    return int(value)


def _lane(environ: Mapping[str, str]) -> int:
    if "MOTCUA_LANES" in environ:
        raise SettingError(
            f"MOTCUA_LANES: is no more; a lane is {LANE_WIDTH} partitions for life. Unset it, and give each "
            f"process the number of its lane: MOTCUA_LANE from 0 to {lanes_of(DOSSIER_PARTITIONS) - 1}"
        )
    lane = _whole(environ, "MOTCUA_LANE", 0)
    if lane >= lanes_of(DOSSIER_PARTITIONS):
        raise SettingError(
            f"MOTCUA_LANE: the topic's {DOSSIER_PARTITIONS} partitions make lanes 0 to "
            f"{lanes_of(DOSSIER_PARTITIONS) - 1}, got {lane}"
        )
    return lane


def _share(environ: Mapping[str, str], name: str, default: float) -> float:
    value = environ.get(name, str(default))
    if not re.fullmatch(r"0(\.\d+)?|1(\.0+)?", value):
        raise SettingError(f"{name}: expected a share from 0 to 1, got {value!r}")
    return float(value)


def _address(name: str, value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise SettingError(f"{name}: expected host:port, got {value!r}")
    return host.strip("[]"), int(port)


def warehouse(name: str, value: str) -> str:
    """`value`, the address of a warehouse that `name` gave. Raises SettingError."""
    # The message must not repeat the value: it may hold a password.
    shape = f"{name}: expected clickhouse://user[:password]@host:port/database"
    parts = urlsplit(value)
    try:
        port = parts.port
    except ValueError as error:
        raise SettingError(shape) from error
    if parts.scheme not in ("clickhouse", "clickhouses") or not parts.hostname or not port:
        raise SettingError(shape)
    if not re.fullmatch(r"/[A-Za-z0-9_]+", parts.path):
        raise SettingError(shape)
    return value


def _keys(path: str) -> KeyRing:
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"MOTCUA_API_KEYS: cannot read {path!r}: {error}") from error
    try:
        return parse_keys(text)
    except ValueError as error:
        raise SettingError(f"MOTCUA_API_KEYS: {path!r}: {error}") from error
