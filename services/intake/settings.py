"""The environment of the intake process, read once and refused by name when wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

from contracts.access import KeyRing, parse_keys
from contracts.words import Clock

_INSTANCE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
_BROKERS: Final = ("apache", "tansu")
_KEY_BYTES: Final = 16


class SettingError(ValueError):
    """A variable is missing or wrong; the message names it."""


class Settings(Struct, frozen=True, kw_only=True):
    """Everything intake is told from outside."""

    kafka: tuple[str, ...]
    broker: str
    host: str
    port: int
    keys: KeyRing
    province_key: bytes
    clock: Clock
    analytics_url: str
    instance: str
    log_level: str
    trust: Path | None = None
    """The folder of roots and revocation lists; without it no signature can be judged."""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in `environ`. Raises SettingError naming the first wrong one."""
    host, port = _address("MOTCUA_HTTP", _needed(environ, "MOTCUA_HTTP"))
    servers = tuple(_needed(environ, "MOTCUA_KAFKA").split(","))
    for server in servers:
        _address("MOTCUA_KAFKA", server)
    instance = environ.get("MOTCUA_INSTANCE", "intake")
    if not _INSTANCE.fullmatch(instance):
        raise SettingError(f"MOTCUA_INSTANCE: expected letters, digits, '.', '_', '-', got {instance!r}")
    return Settings(
        kafka=servers,
        broker=_one_of(environ, "MOTCUA_BROKER", _BROKERS, "apache"),
        host=host,
        port=port,
        keys=_keys(_needed(environ, "MOTCUA_API_KEYS")),
        province_key=read_province_key(_needed(environ, "MOTCUA_PROVINCE_KEY")),
        clock=Clock(_one_of(environ, "MOTCUA_CLOCK", tuple(Clock), Clock.SYSTEM)),
        analytics_url=_url(_needed(environ, "MOTCUA_ANALYTICS_URL")),
        instance=instance,
        log_level=_one_of(environ, "MOTCUA_LOG", _LEVELS, "INFO"),
        trust=_folder("MOTCUA_TRUST", environ.get("MOTCUA_TRUST", "")),
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


def _address(name: str, value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise SettingError(f"{name}: expected host:port, got {value!r}")
    return host.strip("[]"), int(port)


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise SettingError(f"MOTCUA_ANALYTICS_URL: expected http(s)://host[/path], got {value!r}")
    return value.rstrip("/")


def _read(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{name}: cannot read {path!r}: {error}") from error


def _folder(name: str, path: str) -> Path | None:
    if path and not Path(path).is_dir():
        raise SettingError(f"{name}: expected a folder, got {path!r}")
    return Path(path) if path else None


def _keys(path: str) -> KeyRing:
    try:
        return parse_keys(_read("MOTCUA_API_KEYS", path))
    except SettingError:
        raise
    except ValueError as error:
        raise SettingError(f"MOTCUA_API_KEYS: {path!r}: {error}") from error


def read_province_key(path: str, name: str = "MOTCUA_PROVINCE_KEY") -> bytes:
    """The key of the pseudonyms in the file at `path`, which came from the setting `name`.

    Raises SettingError, which does not repeat it.
    """
    text = _read(name, path).strip()
    try:
        key = bytes.fromhex(text)
    except ValueError as error:
        # The message must not repeat the key.
        raise SettingError(f"{name}: {path!r} does not hold hex digits") from error
    if len(key) < _KEY_BYTES:
        raise SettingError(f"{name}: {path!r} holds {len(key)} bytes, needed are {_KEY_BYTES}")
    return key
