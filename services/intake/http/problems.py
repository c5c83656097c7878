"""Problem details (RFC 9457): the one form of every answer that is no success.

The table from reason to status stands here and nowhere else; the domain knows no status.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

from contracts.outcomes import ActionName, CommandOutcome
from services.intake.domain import signature_rules
from services.intake.domain.refusals import Refused
from services.intake.ports import Unavailable

CONTENT_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = "1"

STATUS: Final[Mapping[str, int]] = {
    "bad_request": 400,
    "idempotency_key_missing": 400,
    "idempotency_key_malformed": 400,
    "actor_malformed": 400,
    "unauthorized": 401,
    "role_not_allowed": 403,
    "channel_not_allowed": 403,
    "other_agency": 403,
    "time_not_allowed": 403,
    "not_found": 404,
    "unknown_dossier": 404,
    "method_not_allowed": 405,
    "body_too_slow": 408,
    "serial_exhausted": 409,
    "version_not_newer": 409,
    "seal_taken": 409,
    "wrong_clock": 409,
    "body_too_large": 413,
    "too_many_lines": 413,
    "unsupported_media_type": 415,
    "bad_evidence": 422,
    "bad_shape": 422,
    "unknown_procedure": 422,
    "unknown_agency": 422,
    "agency_closed": 422,
    "channel_not_offered": 422,
    "time_required": 422,
    "time_out_of_window": 422,
    "idempotency_key_reused": 422,
    "internal": 500,
}
"""Status of a refusal. A reason that is not listed comes from the workflow: 409."""

SIGNATURE_STATUS: Final[Mapping[str, int]] = {
    **dict.fromkeys(signature_rules.REASONS, 422),
    "no_trust_configured": 409,
    "signature_too_large": 413,
}
"""Of what the door says of a signed file. The workflow has some of these reasons too, of a dossier: 409."""

_DETAIL: Final[Mapping[str, str]] = {
    "not_ready": "Dịch vụ đang khởi động hoặc dừng; hãy hỏi lại sau ít giây (lệnh: giữ Idempotency-Key).",
    "not_acked": "Chưa rõ yêu cầu đã được ghi nhận hay chưa; hãy gửi lại với cùng Idempotency-Key.",
    "earlier_line_not_taken": "Một dòng trước của hồ sơ này chưa được nhận; gửi lại cả hai với cùng khóa.",
    "verifier_busy": "Đang kiểm tra nhiều chữ ký khác; hãy gửi lại tệp sau ít giây.",
    "verifier_failing": "Bộ kiểm tra chữ ký không khởi động được; hãy gửi lại tệp sau.",
    "trust_unusable": "Thư mục chứng thư tin cậy đang có lỗi, quản trị xem nhật ký; hãy gửi lại tệp sau.",
}
_RETRY_DETAIL: Final = "Chưa được nhận; hãy gửi lại với cùng Idempotency-Key."


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The members of a problem document."""

    type: str
    title: str
    status: int
    reason: str
    detail: str = ""
    field: str | None = None
    rule: str | None = None
    legal_ground: str | None = None
    allowed_actions: tuple[ActionName, ...] | None = None
    dossier_id: str | None = None
    command_id: str | None = None


def problem(reason: str, *, detail: str = "", status: int | None = None) -> Problem:
    """A problem without more to say than its reason."""
    code = status or STATUS.get(reason, 409)
    return Problem(
        type=f"urn:motcua:problem:{reason}",
        title=HTTPStatus(code).phrase,
        status=code,
        reason=reason,
        detail=detail,
    )


def refused(error: Refused) -> Problem:
    """A refusal of the door."""
    base = problem(error.reason, detail=error.rule, status=SIGNATURE_STATUS.get(error.reason))
    return msgspec.structs.replace(base, field=error.field, rule=error.rule, legal_ground=error.legal_ground)


def unavailable(error: Unavailable) -> Problem:
    """Not now."""
    return problem(error.reason, status=503, detail=_DETAIL.get(error.reason, _RETRY_DETAIL))


def refused_by_workflow(outcome: CommandOutcome) -> Problem:
    """A refusal of the workflow, with what would be allowed instead.

    Who has no business with the dossier learns nothing about it.
    """
    refusal = outcome.refusal
    base = problem(refusal.reason if refusal else "refused", detail=refusal.rule if refusal else "")
    return msgspec.structs.replace(
        base,
        rule=refusal.rule if refusal else None,
        legal_ground=refusal.legal_ground if refusal else None,
        allowed_actions=None if base.status == HTTPStatus.FORBIDDEN else outcome.allowed_actions,
        dossier_id=outcome.dossier_id,
        command_id=outcome.command_id,
    )


def respond(value: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The response to a problem; 503 says when to come back, 401 how to come in."""
    extra = dict(headers or {})
    if value.status == HTTPStatus.SERVICE_UNAVAILABLE:
        extra["Retry-After"] = RETRY_AFTER
    elif value.status == HTTPStatus.UNAUTHORIZED:
        extra["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(value), value.status, extra, CONTENT_TYPE)
