"""Routes that read the registers: coverage of the catalogue, certificates, seals."""

from __future__ import annotations

from datetime import UTC

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from contracts.access import Client
from services.intake.application.intake import Intake
from services.intake.domain.coverage import coverage
from services.intake.domain.inventory import inventory, shown, shown_seals
from services.intake.domain.roles import (
    REGISTER_KEEPERS,
    REGISTER_READERS,
    check_agency_scope,
    check_role,
)
from services.intake.domain.times import local_day
from services.intake.http import answers, reading
from services.intake.http.document import describe


def routes(intake: Intake) -> APIRouter:
    """The routes of the registers."""
    router = APIRouter()
    book = intake.law.book

    @router.get("/v1/coverage", **describe("coverage"))
    async def covered() -> Response:
        day = local_day(intake.now())
        found = coverage(book.in_force.procedures.values(), day)
        return answers.respond(
            answers.CoverageAnswer(
                law_version=book.forwarded, day=day, total=found.total, levels=found.levels
            )
        )

    @router.get("/v1/certificates", **describe("certificates"))
    async def certificates(
        request: Request, agency: str | None = None, expiring_within: str | None = None
    ) -> Response:
        client = _reader(request, agency)
        within = reading.days("expiring_within", expiring_within)
        at = intake.now().astimezone(UTC)
        known = book.in_force.certificates_of(client, agency)
        counts = inventory(known, at)
        named = agency is not None or within is not None
        listed = shown(known, at, within=within, holders=client.role in REGISTER_KEEPERS) if named else None
        return answers.respond(
            answers.CertificatesAnswer(
                law_version=book.forwarded,
                at=at,
                total=counts.total,
                kinds=counts.kinds,
                certificates=listed,
            )
        )

    @router.get("/v1/seals", **describe("seals"))
    async def seals(request: Request, agency: str | None = None) -> Response:
        client = _reader(request, agency)
        day = local_day(intake.now())
        found = shown_seals(
            book.in_force.seals_of(client, agency), day, keepers=client.role in REGISTER_KEEPERS
        )
        return answers.respond(answers.SealsAnswer(law_version=book.forwarded, day=day, seals=found))

    return router


def _reader(request: Request, agency: str | None) -> Client:
    client = reading.caller(request)
    check_role(client, REGISTER_READERS, "xem sổ chứng thư và con dấu")
    if agency is not None:
        check_agency_scope(client, agency)
    return client
