"""Who may ask what: the role table as data, and the key of a request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

from fastapi import Request

from contracts.access import Client, KeyRing
from contracts.words import Role
from services.analytics.web.parameters import known_only
from services.analytics.web.problems import Problem

_log = logging.getLogger(__name__)


class Right(StrEnum):
    """What can be asked."""

    FIGURES = "figures"
    DOSSIERS = "dossiers"
    RECONCILE = "reconcile"
    REPAIR = "repair"
    FRESHNESS = "freshness"
    LATE = "late"
    SAMPLE = "sample"
    REGISTER = "register"


_ASKED: Final[Mapping[Right, str]] = {
    Right.FIGURES: "số liệu",
    Right.DOSSIERS: "hồ sơ",
    Right.RECONCILE: "đối soát",
    Right.REPAIR: "sửa và dựng lại bảng",
    Right.FRESHNESS: "độ mới của số liệu",
    Right.LATE: "danh sách quá hạn",
    Right.SAMPLE: "mẫu ngẫu nhiên",
    Right.REGISTER: "sổ dấu",
}

_EVERYDAY: Final = frozenset({Right.FIGURES, Right.DOSSIERS, Right.FRESHNESS})
_EVERYTHING: Final = frozenset(Right)
# Whoever inspects looks at the tables and never changes them.
_LOOKING: Final = _EVERYTHING - {Right.REPAIR}

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.COUNTER: _EVERYDAY,
    Role.OFFICER: _EVERYDAY,
    Role.APPROVER: _EVERYDAY,
    Role.SEAL_KEEPER: _EVERYDAY | {Right.REGISTER},
    Role.LEADER: _LOOKING,
    Role.INSPECTOR: _LOOKING,
    Role.IMPORTER: _EVERYDAY | {Right.RECONCILE, Right.REPAIR},
    Role.ADMIN: _EVERYTHING,
    Role.PORTAL: frozenset({Right.DOSSIERS, Right.FRESHNESS}),
    Role.CARRIER: frozenset({Right.FRESHNESS}),
}


def holder(keys: KeyRing, right: Right) -> Callable[[Request], Client]:
    """A dependency that gives the client of a request, or answers 401, 403, or 422 to what nobody knows."""

    def identify(request: Request) -> Client:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        client = keys.identify(key.strip()) if scheme.lower() == "bearer" else None
        if client is None:
            _log.info("a request without a valid key was turned away")
            raise Problem("unauthorized")
        if right not in RIGHTS[client.role]:
            _log.info("client %s asked for %s, which role %s may not", client.name, right, client.role)
            raise Problem("role_not_allowed", f"Vai trò {client.role.value} không được hỏi {_ASKED[right]}.")
        known_only(request)
        return client

    return identify
