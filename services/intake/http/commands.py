"""Routes of commands: one at a time, and many at once."""

from __future__ import annotations

from typing import Final

import msgspec
from fastapi import APIRouter
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from contracts.outcomes import ActionName, Result
from services.intake.application.bulk import LineResult
from services.intake.application.door import Taken
from services.intake.application.intake import Intake
from services.intake.domain.decoding import decode_action, decode_register
from services.intake.domain.refusals import Refused, bad_shape
from services.intake.domain.requests import Ask
from services.intake.domain.roles import check_action
from services.intake.http import answers, problems, reading
from services.intake.http.document import describe

LINES: Final = 5_000
_ACTIONS: Final = {name.value: name for name in ActionName if name is not ActionName.REGISTER}


def routes(intake: Intake) -> APIRouter:
    """The routes that make commands."""
    router = APIRouter()

    @router.post("/v1/dossiers", **describe("register"))
    async def register(request: Request) -> Response:
        client = reading.caller(request)
        check_action(client, ActionName.REGISTER)
        key, actor = reading.idempotency_key(request), reading.actor(request)
        asked = decode_register(await reading.body(request, reading.JSON))
        ask = Ask(key=key, action=ActionName.REGISTER, actor=actor, **asdict(asked))
        return await _take(intake, request, ask, created=201)

    @router.post("/v1/dossiers/{dossier_id}/{action}", **describe("act"))
    async def act(request: Request, dossier_id: str, action: str) -> Response:
        client = reading.caller(request)
        name = _ACTIONS.get(action)
        if name is None:
            raise Refused("not_found", "Không có thao tác này", field="action")
        check_action(client, name)
        key, actor = reading.idempotency_key(request), reading.actor(request)
        dossier = reading.dossier_in(dossier_id)
        asked = decode_action(await reading.body(request, reading.JSON, optional=True))
        ask = Ask(key=key, action=name, dossier_id=dossier, actor=actor, **asdict(asked))
        return await _take(intake, request, ask, created=200)

    @router.post("/v1/commands", **describe("bulk"))
    async def bulk(request: Request) -> Response:
        client = reading.caller(request)
        data = await reading.body(request, reading.NDJSON)
        lines = _lines(data)
        results = await intake.take_many(client, lines)
        encoder = msgspec.json.Encoder()
        out = [encoder.encode(_line(intake, place, result)) for place, result in enumerate(results, 1)]
        return Response(b"\n".join([*out, b""]), 200, media_type=reading.NDJSON)

    return router


def _lines(data: bytes) -> list[bytes]:
    body = data.removesuffix(b"\n")
    if not body.strip():
        raise bad_shape(None, "Cần ít nhất một dòng")
    if body.count(b"\n") >= LINES:
        raise Refused("too_many_lines", f"Mỗi lần gửi nhiều nhất {LINES} dòng")
    return body.split(b"\n")


async def _take(intake: Intake, request: Request, ask: Ask, *, created: int) -> Response:
    wait = reading.preferred_wait(request)
    result = await intake.door.take(ask, reading.caller(request), wait)
    url = intake.terms.analytics_url
    headers = {"Location": answers.links(url, result.dossier_id).dossier}
    if wait:
        headers["Preference-Applied"] = f"wait={wait:.0f}"
    if result.repeated:
        headers["Idempotent-Replayed"] = "true"
    outcome = result.outcome
    if outcome is None:
        return answers.respond(answers.taken(result, url), 202, headers)
    if outcome.result is Result.REFUSED:
        value = problems.refused_by_workflow(outcome)
        intake.metrics.refusals.labels(value.reason).inc()
        return problems.respond(value, headers)
    return answers.respond(answers.decided(outcome, url), created, headers)


def _line(intake: Intake, line: int, result: LineResult) -> answers.LineAnswer:
    if isinstance(result, Taken):
        return answers.LineAnswer(
            line=line,
            status=202,
            dossier_id=result.dossier_id,
            command_id=result.command_id,
            repeated=result.repeated,
        )
    if isinstance(result, Refused):
        intake.metrics.refusals.labels(result.reason).inc()
        value = problems.refused(result)
    else:
        intake.metrics.turned_away.labels(result.reason).inc()
        value = problems.unavailable(result)
    return answers.LineAnswer(line=line, status=value.status, problem=value)
