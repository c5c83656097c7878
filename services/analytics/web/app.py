"""The HTTP application: routes of the API, the board, health, metrics, and errors as problems."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.analytics.errors import FencedError, RefusedError, RetryLaterError, UnfilledError
from services.analytics.metrics import Metrics
from services.analytics.reconcile import BehindError, RepairAtStartError, RowsDifferError, RunningError
from services.analytics.web.document import document
from services.analytics.web.parameters import malformed
from services.analytics.web.parts import Parts, json, why_not_ready
from services.analytics.web.problems import Problem, respond
from services.analytics.web.routes import router

_BOARD: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/board.css": ("board.css", "text/css; charset=utf-8"),
    "/board.js": ("board.js", "text/javascript; charset=utf-8"),
}
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

_log = logging.getLogger(__name__)


def create_app(parts: Parts) -> FastAPI:
    """The application over `parts`."""
    app = FastAPI(title="Motcua analytics", docs_url=None, redoc_url=None)
    app.add_middleware(_Heads)
    app.add_middleware(_Measured, metrics=parts.metrics)
    app.include_router(router(parts))
    _operations(app, parts)
    _board(app)
    _errors(app)
    app.openapi = lambda: document(app)  # type: ignore[method-assign]  # FastAPI's documented way to shape it
    return app


def _operations(app: FastAPI, parts: Parts) -> None:
    # Asynchronous, because the threads may all be waiting for a warehouse that does not answer.
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return json({"status": "ok"})

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        why = why_not_ready(parts.status, parts.clock)
        answer = {"ready": not why, "why": why, "partitions": parts.status.partitions}
        return json(answer, 503 if why else 200)

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        as_of = parts.status.snapshot().as_of
        parts.metrics.age.set(float("nan") if as_of is None else max(0.0, parts.clock.now() - as_of))
        parts.metrics.ready.set(not why_not_ready(parts.status, parts.clock))
        return Response(parts.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _board(app: FastAPI) -> None:
    folder = resources.files("services.analytics.web").joinpath("board")

    def page(content: bytes, kind: str) -> Callable[[], Awaitable[Response]]:
        async def serve() -> Response:
            return Response(content, 200, _PAGE_HEADERS, kind)

        return serve

    for path, (name, kind) in _BOARD.items():
        app.add_api_route(path, page(folder.joinpath(name).read_bytes(), kind), include_in_schema=False)


def _errors(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    def problem(request: Request, error: Problem) -> Response:
        return respond(error)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        return respond(malformed(error))

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        reason = "method_not_allowed" if error.status_code == 405 else "not_found"
        return respond(Problem(reason), error.headers)

    @app.exception_handler(RetryLaterError)
    def away(request: Request, error: RetryLaterError) -> Response:
        _log.warning("a question was turned away: %s", error)
        return respond(Problem("warehouse_down"))

    @app.exception_handler(UnfilledError)
    def filling(request: Request, error: UnfilledError) -> Response:
        _log.warning("a question was turned away: %s", error)
        return respond(Problem("filling"))

    @app.exception_handler(BehindError)
    def behind(request: Request, error: BehindError) -> Response:
        return respond(Problem("behind"))

    @app.exception_handler(RunningError)
    def running(request: Request, error: RunningError) -> Response:
        return respond(Problem(f"{error.work}_running"))

    @app.exception_handler(FencedError)
    def fenced(request: Request, error: FencedError) -> Response:
        _log.warning("nothing was changed any more: %s", error)
        return respond(Problem("fenced"))

    @app.exception_handler(RepairAtStartError)
    def at_start(request: Request, error: RepairAtStartError) -> Response:
        _log.warning("a repair was turned away: %s", error)
        return respond(Problem("repair_at_start"))

    @app.exception_handler(RowsDifferError)
    def differ(request: Request, error: RowsDifferError) -> Response:
        _log.warning("nothing was put in place: %s", error)
        return respond(Problem("rows_differ"))

    @app.exception_handler(RefusedError)
    def broken(request: Request, error: RefusedError) -> Response:
        _log.error("a question cannot be answered: %s", error)
        return respond(Problem("internal"))


class _Heads:
    """Answers HEAD as GET without the body. The method shown to those outside stays HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def bodiless(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        asked = {**scope, "method": "GET"}
        try:
            await self._app(asked, receive, bodiless)
        finally:
            if "route" in asked:  # found on the way; whoever measures outside wants to know it
                scope["route"] = asked["route"]


class _Measured:
    """Counts and times every request under its route's template."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = 500, time.perf_counter()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            route = getattr(scope.get("route"), "path", "<unmatched>")
            method = scope["method"] if route != "<unmatched>" else "<any>"
            self._metrics.answered(route, method, status, time.perf_counter() - started)
