"""The secrets of a development stack: API keys, one a role, and the province's key for pseudonyms.

Made once per home and kept, so that scripts and bookmarks survive a restart. Plain keys lie in a file
only its owner can read; the services see hashes. The file of hashes is a person's too: clients added to it
(`motcua key new`) stay.
"""

from __future__ import annotations

import os
import re
import secrets
import tomllib
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.access import hash_key
from contracts.words import Role
from deploy.local.errors import StackError
from deploy.local.home import Home

_OWN: Final = frozenset(f"dev-{role.value.replace('_', '-')}" for role in Role)

# A table of our own: its header, and the lines up to the next table, comment or blank line.
_OWN_TABLE: Final = re.compile(
    rf"^\[clients\.(?:{'|'.join(sorted(_OWN))})\][ \t]*\n(?:[a-z][^\n]*(?:\n|\Z))*\n?", re.MULTILINE
)


def ensure_secrets(home: Home) -> dict[str, str]:
    """The development keys by role; makes what is missing and renews our part of the services' key file.

    Raises StackError for a key file that cannot be read: its clients might be lost.
    """
    keys = home.dev_keys()
    if set(keys) != {role.value for role in Role}:
        keys = {role.value: keys.get(role.value) or secrets.token_urlsafe(32) for role in Role}
        _write_private(home.dev_keys_file, msgspec.json.format(msgspec.json.encode(keys), indent=2) + b"\n")
    _write_private(home.key_file, (key_file_text(keys) + _kept(home.key_file)).encode())
    if not home.province_key_file.exists():
        _write_private(home.province_key_file, secrets.token_hex(32).encode() + b"\n")
    return keys


def key_file_text(keys: dict[str, str]) -> str:
    """The services' key file (contracts.access) for keys by role: clients `dev-<role>`, every agency."""
    tables = [
        f'[clients.dev-{role.replace("_", "-")}]\nsha256 = "{hash_key(key)}"\nrole = "{role}"\n'
        for role, key in keys.items()
    ]
    return "\n".join(tables)


def _kept(path: Path) -> str:
    """What stands in the key file beside our own clients, as it stands. Raises StackError."""
    try:
        text = path.read_text(encoding="utf-8")
        kept = _OWN_TABLE.sub("", text).strip()
        before, after = _clients(text), _clients(kept)
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise StackError(f"the key file {path} cannot be read: {error}") from error
    others = {name: row for name, row in before.items() if name not in _OWN}
    if others != after:
        own = ", ".join(sorted(before.keys() & _OWN))
        raise StackError(f"the key file {path} cannot be renewed; take these out of it: {own}")
    return f"\n{kept}\n" if kept else ""


def _clients(text: str) -> dict[str, Any]:
    clients = tomllib.loads(text).get("clients", {})
    if not isinstance(clients, dict):
        raise ValueError("clients is no table")
    return clients


def _write_private(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
    fresh.replace(path)
