"""Identities derived by hashing, so that saying something twice names the same thing.

All identities are the first 128 bits of SHA-256 in lower-case hex over length-prefixed parts; the
prefix keeps ("ab", "c") and ("a", "bc") apart.
"""

from __future__ import annotations

import hashlib
import hmac


def _hash(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    return digest.hexdigest()[:32]


def dossier_id(client: str, idempotency_key: str) -> str:
    """The dossier that `client` registers under `idempotency_key`. The key of every topic."""
    return _hash("dossier", client, idempotency_key)


def command_id(dossier: str, client: str, idempotency_key: str) -> str:
    """The command `client` gives to `dossier` under `idempotency_key`."""
    return _hash("command", dossier, client, idempotency_key)


def derived_id(cause: str, purpose: str) -> str:
    """The id of a command that follows from another record: same cause, same id."""
    return _hash("derived", cause, purpose)


def seal_id(seal: str) -> str:
    """The key of a seal's register among the dossiers' keys."""
    return _hash("seal", seal)


def fingerprint(canonical: bytes) -> str:
    """What was asked, in 64 bits: tells a repeated command from another one under the same key."""
    return hashlib.sha256(canonical).hexdigest()[:16]


def pseudonym(province_key: bytes, kind: str, value: str) -> str:
    """A keyed pseudonym of a person: HMAC-SHA-256, 128 bits. `kind` keeps officers and applicants apart."""
    return hmac.new(province_key, f"{kind}\x00{value}".encode(), hashlib.sha256).hexdigest()[:32]
