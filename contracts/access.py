"""API keys: who calls, in which role, for which agencies. Keys are kept only as hashes.

The key file is TOML, one table a client::

    [clients.counter-h52]
    sha256 = "…"            # hex SHA-256 of the key
    role = "counter"
    agencies = ["H52.18"]   # left out: every agency

A key is 32 random bytes, so a plain hash needs no salt. Services read the file once at start.
"""

from __future__ import annotations

import hashlib
import tomllib
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from contracts.words import AgencyCode, ClientName, Role


class Client(Struct, frozen=True, kw_only=True):
    """The holder of a key."""

    name: ClientName
    role: Role
    agencies: tuple[AgencyCode, ...] | None = None

    def covers(self, agency: str) -> bool:
        """Whether this client may act for `agency`."""
        return self.agencies is None or agency in self.agencies


class _Row(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    role: Role
    agencies: tuple[AgencyCode, ...] | None = None


class KeyRing:
    """Clients by their key."""

    def __init__(self, clients: dict[str, Client]) -> None:
        self._by_hash = clients

    def identify(self, key: str) -> Client | None:
        """The client holding `key`, or None. Looks up by hash, so timing tells nothing about a key."""
        return self._by_hash.get(hash_key(key))


def hash_key(key: str) -> str:
    """The form a key is kept in."""
    return hashlib.sha256(key.encode()).hexdigest()


def parse_keys(text: str) -> KeyRing:
    """The key file's content. Raises ValueError naming the client that is wrong."""
    clients: dict[str, Client] = {}
    for name, row in tomllib.loads(text).get("clients", {}).items():
        try:
            parsed = msgspec.convert(row, _Row, strict=False)
            client = msgspec.convert({"name": name, "role": parsed.role, "agencies": parsed.agencies}, Client)
        except msgspec.ValidationError as error:
            raise ValueError(f"API key of client {name!r}: {error}") from error
        if parsed.sha256 in clients:
            raise ValueError(f"API key of client {name!r} is also the key of {clients[parsed.sha256].name!r}")
        clients[parsed.sha256] = client
    if not clients:
        raise ValueError("the key file names no client")
    return KeyRing(clients)
