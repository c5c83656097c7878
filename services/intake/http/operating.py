"""Routes for operators and for whoever wants to know what this is: open to all, without any detail."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from services.intake.application.intake import Intake
from services.intake.http import answers
from services.intake.http.document import describe


def routes(intake: Intake) -> APIRouter:
    """The routes of health, readiness, metrics and identity."""
    router = APIRouter()
    release = version("motcua")

    @router.get("/healthz", **describe("healthz"))
    async def healthz() -> Response:
        return answers.respond(answers.HealthAnswer("ok"))

    @router.get("/readyz", **describe("readyz"))
    async def readyz() -> Response:
        why = intake.why_not_ready()
        answer = answers.ReadyAnswer(
            ready=why is None,
            why=why,
            in_flight_records=intake.gate.records,
            law_version=intake.law.book.forwarded,
        )
        return answers.respond(answer, 200 if answer.ready else 503)

    @router.get("/metrics", **describe("metrics"))
    async def metrics() -> Response:
        intake.measure_register()
        return Response(generate_latest(intake.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @router.get("/v1/about", **describe("about"))
    async def about() -> Response:
        return answers.respond(
            answers.AboutAnswer(
                service="intake",
                version=release,
                clock=intake.terms.clock,
                law_version=intake.law.book.forwarded,
                links={"analytics": intake.terms.analytics_url},
            )
        )

    return router
