"""The guard: metrics, credentials, size and back-pressure, before any body is read. Pure ASGI.

It wraps the whole application, so no route can be forgotten. A request that is turned away here has
cost its headers and nothing more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.access import Client, KeyRing
from services.intake.application.metrics import Metrics
from services.intake.domain.admission import Gate
from services.intake.domain.refusals import Refused
from services.intake.http.problems import problem, refused, respond, unavailable
from services.intake.ports import Unavailable

_log = logging.getLogger(__name__)

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics", "/v1/about", "/openapi.json"})
SINGLE_LIMIT: Final = 64 * 1024
BULK_LIMIT: Final = 8 * 1024 * 1024
SIGNED_LIMIT: Final = 20 * 1024 * 1024
LIMITS: Final[Mapping[str, int]] = {
    "/v1/commands": BULK_LIMIT,
    "/v1/law": BULK_LIMIT,
    "/v1/signatures": SIGNED_LIMIT,
}
_FIXED: Final = OPEN_PATHS | LIMITS.keys() | {"/v1/dossiers", "/v1/time"}
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Guard:
    """ASGI middleware. Puts the caller into ``scope["state"]["client"]``."""

    def __init__(self, app: ASGIApp, *, keys: KeyRing, gate: Gate, metrics: Metrics) -> None:
        self._app = app
        self._keys = keys
        self._gate = gate
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500
        # HEAD is GET without the body (RFC 9110); the routes know only GET.
        method = scope["method"] if scope["method"] in _METHODS else "other"
        head = method == "HEAD"
        scope = {**scope, "method": "GET"} if head else scope

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif head:
                message = {**message, "body": b""}
            await send(message)

        try:
            await self._admit(scope, receive, note)
        finally:
            route = _template(scope)
            self._metrics.requests.labels(method, route, str(status)).inc()
            self._metrics.request_seconds.labels(route).observe(time.perf_counter() - started)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        path: str = scope["path"]
        if path not in OPEN_PATHS:
            client = _identify(self._keys, headers)
            if client is None:
                self._metrics.refusals.labels("unauthorized").inc()
                _log.info("401 %s", scope["method"])
                await respond(problem("unauthorized", detail="Cần khóa truy cập hợp lệ."))(
                    scope, receive, send
                )
                return
            scope.setdefault("state", {})["client"] = client
        if scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        limit = LIMITS.get(path, SINGLE_LIMIT)
        declared = _length(headers)
        size = limit if declared is None else declared
        if size > limit:
            self._metrics.refusals.labels("body_too_large").inc()
            await respond(refused(_too_large(limit)))(scope, receive, send)
            return
        reason = self._gate.admit(size, time.monotonic())
        if reason is not None:
            self._metrics.turned_away.labels(reason).inc()
            await respond(unavailable(Unavailable(reason)))(scope, receive, send)
            return
        self._metrics.reserved_bytes.set(self._gate.reserved_bytes)
        try:
            await self._app(scope, _bounded(receive, limit), send)
        finally:
            self._gate.leave(size)
            self._metrics.reserved_bytes.set(self._gate.reserved_bytes)


def _identify(keys: KeyRing, headers: Headers) -> Client | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return keys.identify(key.strip()) if scheme.lower() == "bearer" else None


def _length(headers: Headers) -> int | None:
    """The declared length; None for a chunked body, which may turn out as long as allowed."""
    text = headers.get("content-length")
    if text is not None and text.isdecimal() and len(text) < 16:
        return int(text)
    return None if text is None and "transfer-encoding" in headers else 0 if text is None else 1 << 62


def _template(scope: Scope) -> str:
    """The route's template, never the path as such: paths are unbounded and name dossiers."""
    route: Any = scope.get("route")
    path: str = scope["path"]
    # Who is turned away at the guard has not met a route yet; the fixed paths are templates themselves.
    return getattr(route, "path", None) or (path if path in _FIXED else "<unmatched>")


def _too_large(limit: int) -> Refused:
    return Refused("body_too_large", f"Nội dung ở đây dài tối đa {limit} byte")


def _bounded(receive: Receive, limit: int) -> Receive:
    """`receive`, counting: a body is cut off where it exceeds what was declared as allowed."""
    read = 0

    async def bounded() -> Message:
        nonlocal read
        message = await receive()
        if message["type"] == "http.request":
            read += len(message.get("body", b""))
            if read > limit:
                raise _too_large(limit)
        return message

    return bounded
