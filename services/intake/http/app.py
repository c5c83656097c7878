"""The application: routes behind the guard, every failure a problem document."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import Depends, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from contracts.access import KeyRing
from services.intake.application.intake import Intake
from services.intake.domain.refusals import Refused
from services.intake.http import commands, governing, operating, problems, registers, signatures
from services.intake.http.document import document
from services.intake.http.guard import Guard
from services.intake.ports import Unavailable

_log = logging.getLogger(__name__)


def create_app(intake: Intake, keys: KeyRing) -> ASGIApp:
    """The ASGI application of one intake process.

    There is no page of API documentation: the usual ones load scripts from foreign hosts. The document
    itself stands at /openapi.json.
    """
    app = FastAPI(
        title="Motcua intake",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    law_read = [Depends(intake.check_law_read)]
    app.include_router(commands.routes(intake))
    app.include_router(governing.routes(intake), dependencies=law_read)
    app.include_router(signatures.routes(intake))
    app.include_router(registers.routes(intake), dependencies=law_read)
    app.include_router(operating.routes(intake))
    app.openapi = lambda: document(app)  # type: ignore[method-assign]  # FastAPI's documented way to shape it
    _handle_failures(app, intake)
    return Guard(app, keys=keys, gate=intake.gate, metrics=intake.metrics)


def _handle_failures(app: FastAPI, intake: Intake) -> None:
    async def on_refused(_: Request, error: Any) -> Response:
        assert isinstance(error, Refused)
        intake.metrics.refusals.labels(error.reason).inc()
        value = problems.refused(error)
        if value.status == 403:
            _log.info("403 %s", error.reason)
        return problems.respond(value)

    async def on_unavailable(_: Request, error: Any) -> Response:
        assert isinstance(error, Unavailable)
        intake.metrics.turned_away.labels(error.reason).inc()
        return problems.respond(problems.unavailable(error))

    async def on_http(_: Request, error: Any) -> Response:
        assert isinstance(error, HTTPException)
        reason = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
        return problems.respond(problems.problem(reason), error.headers)

    async def on_crash(_: Request, __: Any) -> Response:
        # Starlette logs the traceback after this answer; the caller learns only that it was not them.
        return problems.respond(
            problems.problem("internal", detail="Lỗi phía hệ thống; yêu cầu có thể chưa được nhận.")
        )

    app.add_exception_handler(Refused, on_refused)
    app.add_exception_handler(Unavailable, on_unavailable)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Exception, on_crash)
