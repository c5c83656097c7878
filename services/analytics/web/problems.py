"""Problem details (RFC 9457): the one form of every answer that is no success."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

CONTENT_TYPE: Final = "application/problem+json"

STATUS: Final[Mapping[str, int]] = {
    "unauthorized": 401,
    "role_not_allowed": 403,
    "other_agency": 403,
    "not_found": 404,
    "unknown_dossier": 404,
    "method_not_allowed": 405,
    "reconcile_running": 409,
    "bad_shape": 422,
    "internal": 500,
    "warehouse_down": 503,
    "broker_down": 503,
    "behind": 503,
}


class Problem(Exception):  # noqa: N818  read as the thing it carries: raise Problem("unknown_dossier", …)
    """An answer that is no success; becomes the response. `field` names the wrong parameter."""

    def __init__(self, reason: str, detail: str, field: str | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.field = field


class _Document(Struct, frozen=True, kw_only=True, omit_defaults=True):
    type: str
    title: str
    status: int
    detail: str
    reason: str
    field: str | None = None


def respond(problem: Problem) -> Response:
    """The response: 503 and a dossier not yet seen say when to come back, 401 how to come in."""
    status = STATUS[problem.reason]
    headers = {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE or problem.reason == "unknown_dossier":
        headers["Retry-After"] = "1"
    elif status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    document = _Document(
        type=f"urn:motcua:problem:{problem.reason}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=problem.detail,
        reason=problem.reason,
        field=problem.field,
    )
    return Response(msgspec.json.encode(document), status, headers, CONTENT_TYPE)
