"""Problem details (RFC 9457): the one form of every answer that is no success."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct
from starlette.responses import Response

CONTENT_TYPE: Final = "application/problem+json"
HOUSE_RULE: Final = "Quy định kỹ thuật của hệ thống"
"""What a rule rests on that no law gives; intake says it so too."""

STATUS: Final[Mapping[str, int]] = {
    "unauthorized": 401,
    "role_not_allowed": 403,
    "other_agency": 403,
    "not_found": 404,
    "unknown_dossier": 404,
    "unknown_seal": 404,
    "method_not_allowed": 405,
    "reconcile_running": 409,
    "repair_running": 409,
    "rebuild_running": 409,
    "repair_at_start": 409,
    "rows_differ": 409,
    "fenced": 409,
    "bad_shape": 422,
    "internal": 500,
    "warehouse_down": 503,
    "broker_down": 503,
    "behind": 503,
    "filling": 503,
}


DETAIL: Final[Mapping[str, str]] = {
    "unauthorized": "Cần khóa truy cập hợp lệ: Authorization: Bearer <khóa>.",
    "other_agency": "Hồ sơ thuộc cơ quan mà khóa này không được thay mặt.",
    "not_found": "Không có địa chỉ này.",
    "unknown_dossier": "Không có hồ sơ này, hoặc sự kiện đầu tiên của hồ sơ chưa đến kho số liệu.",
    "unknown_seal": "Không có con dấu này trong sổ đăng ký, và chưa có dấu nào được đóng bằng con dấu này.",
    "method_not_allowed": "Địa chỉ này không nhận phương thức đã dùng.",
    "reconcile_running": "Một lần đối soát đang chạy; hãy đợi lần đó xong.",
    "repair_running": "Một lần sửa chữa kho số liệu đang chạy; hãy đợi lần đó xong.",
    "rebuild_running": "Một lần dựng lại các bảng số liệu đang chạy; hãy đợi lần đó xong.",
    "repair_at_start": "Phiên bản này đọc được những sự kiện mà trước đây đã đưa vào hàng lỗi; "
    "hãy khởi động lại analytics một lần với MOTCUA_REPAIR=1.",
    "rows_differ": "Kho số liệu có nhiều hoặc ít sự kiện gốc hơn số đã ghi vào, nên chưa dựng lại gì; "
    "hãy chạy `motcua reconcile --repair` để sửa từ nhật ký sự kiện.",
    "fenced": "Một tiến trình mới hơn đã nhận phần việc này; hãy hỏi lại ở tiến trình đó.",
    "internal": "Lỗi phía hệ thống; chi tiết có trong nhật ký của dịch vụ.",
    "warehouse_down": "Kho số liệu tạm thời không trả lời; hãy hỏi lại sau giây lát.",
    "filling": "Số liệu đang được đối chiếu với nhật ký hoặc dựng lại từ đó; hãy hỏi lại sau ít phút.",
    "behind": "Kho số liệu chưa theo kịp nhật ký sự kiện; hãy hỏi lại sau giây lát.",
}
"""What a reason says to people when there is nothing more particular to say."""


class Problem(Exception):  # noqa: N818  read as the thing it carries: raise Problem("unknown_dossier", …)
    """An answer that is no success; becomes the response. `field` names the wrong parameter.

    `detail` (Vietnamese) may be left out where `DETAIL` knows the reason.
    """

    def __init__(self, reason: str, detail: str = "", field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail or DETAIL[reason]
        self.field = field


class Document(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Problem details (RFC 9457): why the answer is no success.

    `field` names the wrong parameter, `rule` says what it breaks, `legal_ground` what that rests on.
    """

    type: str
    title: str
    status: int
    detail: str
    reason: str
    field: str | None = None
    rule: str | None = None
    legal_ground: str | None = None


def document(problem: Problem) -> Document:
    """The body of the answer."""
    status = STATUS[problem.reason]
    wrong = status == 422
    return Document(
        type=f"urn:motcua:problem:{problem.reason}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=problem.detail,
        reason=problem.reason,
        field=problem.field,
        rule=problem.detail if wrong else None,
        legal_ground=HOUSE_RULE if wrong else None,
    )


def headers(reason: str) -> dict[str, str]:
    """503 and a dossier not yet seen say when to come back (seconds), 401 how to come in."""
    if STATUS[reason] == HTTPStatus.SERVICE_UNAVAILABLE or reason == "unknown_dossier":
        return {"Retry-After": "1"}
    return {"WWW-Authenticate": "Bearer"} if reason == "unauthorized" else {}


def respond(problem: Problem, more: Mapping[str, str] | None = None) -> Response:
    """The response, with `more` headers of the caller's."""
    said = {**(more or {}), **headers(problem.reason)}
    return Response(msgspec.json.encode(document(problem)), STATUS[problem.reason], said, CONTENT_TYPE)
