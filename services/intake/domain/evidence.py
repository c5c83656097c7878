"""Evidence of a verified signature as a token: found by the door, sealed by it, carried by the caller.

The door keeps nothing. Who had a signature verified takes the finding along to the command it is for, and the
HMAC says that it is this door's own. Whether it fits the dossier is the workflow's to judge.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

import msgspec

from contracts.commands import Evidence
from contracts.outcomes import ActionName
from contracts.roles import may
from contracts.words import Role
from services.intake.domain.refusals import Refused

TOKEN_LIMIT: Final = 4096
"""Longest token there is, in characters; the contract's own limits make it at most about 2 500."""

SIGNERS: Final = frozenset(
    role for role in Role if may(role, ActionName.APPROVE) or may(role, ActionName.STAMP)
)
"""Roles that may have a signature verified: those whose commands carry evidence."""

_PURPOSE: Final = b"motcua evidence v1\x00"
"""The province's key also makes pseudonyms: what is sealed for one purpose means nothing for another."""

_encoder: Final = msgspec.json.Encoder(order="deterministic")
_decoder: Final = msgspec.json.Decoder(Evidence)


def seal_token(evidence: Evidence, province_key: bytes) -> str:
    """The token of `evidence`: base64url of its JSON, a dot, and the HMAC-SHA-256 of that."""
    payload = _base64(_encoder.encode(evidence))
    return f"{payload}.{_mac(payload, province_key)}"


def open_token(token: str, province_key: bytes) -> Evidence:
    """What the token holds. Raises Refused (bad_evidence) for all but what :func:`seal_token` made."""
    payload, dot, mac = token.rpartition(".")
    if len(token) > TOKEN_LIMIT or not dot or not token.isascii():
        raise _bad()
    # Compared as text before anything is decoded, so that there is one token for each finding.
    if not hmac.compare_digest(mac, _mac(payload, province_key)):
        raise _bad()
    try:
        return _decoder.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except msgspec.MsgspecError as error:
        # Its own, but of a release with another contract.
        raise _bad() from error


def _mac(payload: str, province_key: bytes) -> str:
    return _base64(hmac.new(province_key, _PURPOSE + payload.encode(), hashlib.sha256).digest())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bad() -> Refused:
    return Refused(
        "bad_evidence",
        "Chứng cứ phải là mã do /v1/signatures của hệ thống này cấp, nguyên vẹn",
        field="evidence",
    )
