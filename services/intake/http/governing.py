"""Routes of what stands above single dossiers: the law, the clock of a replay, the catalogue."""

from __future__ import annotations

from datetime import UTC

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from contracts.topics import DOSSIER_PARTITIONS
from services.intake.application.intake import Intake
from services.intake.domain.decoding import decode_law, decode_time
from services.intake.domain.roles import LAW_MAKERS, OWN_TIME, check_role
from services.intake.http import answers, reading
from services.intake.http.document import describe


def routes(intake: Intake) -> APIRouter:
    """The routes of law, time and catalogue."""
    router = APIRouter()
    book = intake.law.book

    @router.post("/v1/law", **describe("law"))
    async def law(request: Request) -> Response:
        client = reading.caller(request)
        check_role(client, LAW_MAKERS, "ban hành thay đổi danh mục")
        changes = decode_law(await reading.body(request, reading.JSON)).changes
        version, enacted = await intake.law.enact(client.name, changes)
        return answers.respond(
            answers.LawAnswer(version=version, enacted=enacted, unchanged=len(changes) - enacted)
        )

    @router.post("/v1/time", **describe("time"))
    async def time(request: Request) -> Response:
        client = reading.caller(request)
        check_role(client, OWN_TIME, "đặt đồng hồ")
        to = decode_time(await reading.body(request, reading.JSON)).to
        await intake.door.advance(client, to)
        answer = answers.TimeAnswer(to=to.astimezone(UTC), partitions=DOSSIER_PARTITIONS)
        return answers.respond(answer, 202)

    @router.get("/v1/procedures", **describe("procedures"))
    async def procedures(code: str | None = None) -> Response:
        known = book.in_force.procedures
        found = list(known.values()) if code is None else [known[code]] if code in known else []
        return answers.respond(answers.ProceduresAnswer(law_version=book.forwarded, procedures=found))

    @router.get("/v1/agencies", **describe("agencies"))
    async def agencies(code: str | None = None) -> Response:
        known = book.in_force.agencies
        found = list(known.values()) if code is None else [known[code]] if code in known else []
        return answers.respond(answers.AgenciesAnswer(law_version=book.forwarded, agencies=found))

    return router
