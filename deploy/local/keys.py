"""The secrets of a development stack: API keys, one a role, and the province's key for pseudonyms.

Made once per home and kept, so that scripts and bookmarks survive a restart. Plain keys lie in a file
only its owner can read; the services see hashes.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from contracts.access import hash_key
from contracts.words import Role
from deploy.local.home import Home


def ensure_secrets(home: Home) -> dict[str, str]:
    """The development keys by role; makes what is missing and rewrites the services' key file."""
    keys = home.dev_keys()
    if set(keys) != {role.value for role in Role}:
        keys = {role.value: keys.get(role.value) or secrets.token_urlsafe(32) for role in Role}
        _write_private(home.dev_keys_file, msgspec.json.format(msgspec.json.encode(keys), indent=2) + b"\n")
    _write_private(home.key_file, key_file_text(keys).encode())
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


def _write_private(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
    fresh.replace(path)
