"""The route of signed files: a PDF, or a signature that stands apart, and back comes evidence."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.intake.application.intake import Intake
from services.intake.domain.evidence import SIGNERS
from services.intake.domain.refusals import bad_shape
from services.intake.domain.roles import check_role
from services.intake.http import answers, reading
from services.intake.http.document import describe

_SHA256: Final = re.compile("[0-9a-f]{64}")


def routes(intake: Intake) -> APIRouter:
    """The route of signed files."""
    router = APIRouter()

    @router.post("/v1/signatures", **describe("signatures"))
    async def signatures(request: Request) -> Response:
        check_role(reading.caller(request), SIGNERS, "kiểm tra chữ ký số")
        desk = intake.signatures
        desk.check_trust()
        media_type = reading.media_type(request, (reading.PDF, reading.PKCS7))
        document = _document(request) if media_type == reading.PKCS7 else None
        data = await reading.body(request, media_type)
        if document is None:
            evidence, token = await desk.judge_pdf(data)
        else:
            evidence, token = await desk.judge_detached(data, document)
        return answers.respond(answers.evident(evidence, token))

    return router


def _document(request: Request) -> str:
    given = request.query_params.getlist("sha256")
    if len(given) != 1 or not _SHA256.fullmatch(given[0]):
        raise bad_shape("sha256", "Mã băm SHA-256 của tài liệu đã ký: 64 chữ số thập lục phân viết thường")
    return given[0]
