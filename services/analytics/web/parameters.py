"""Query parameters: those a route knows, and what a wrong one is told, in Vietnamese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.analytics.web.problems import Problem

_DAY: Final = "Cần một ngày dạng YYYY-MM-DD."
EXPECTED: Final[Mapping[str, str]] = {
    "from": _DAY,
    "to": _DAY,
    "period": "Cần một trong: day, month, quarter, year, all.",
    "dossier_id": "Cần 32 chữ số thập lục phân, chữ thường.",
    "code": "Cần mã hồ sơ: 5 đến 64 ký tự gồm chữ in hoa, chữ số, dấu chấm, dấu gạch nối.",
}


def known_only(request: Request) -> None:
    """Refuse parameters nobody reads, which are misspelt ones: `form=2020-01-01` must not mean "ever"."""
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = {parameter.alias for parameter in route.dependant.query_params}  # no dependency has its own
    unknown = sorted(request.query_params.keys() - known)
    if unknown:
        told = f"Địa chỉ này chỉ nhận: {', '.join(sorted(known))}." if known else "Địa chỉ này không nhận gì."
        raise Problem("bad_shape", f"Không có tham số {', '.join(unknown)}. {told}", unknown[0])


def malformed(error: RequestValidationError) -> Problem:
    """The answer to the first parameter that is not what its route declares."""
    field = str(error.errors()[0]["loc"][-1])
    return Problem("bad_shape", EXPECTED.get(field, "Giá trị không hợp lệ."), field)
