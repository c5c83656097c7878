"""Query parameters: those a route knows, and what a wrong one is told, in Vietnamese."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Final

from fastapi import Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from contracts.access import Client
from services.analytics.reading import FIRST_DAY, LAST_DAY, Slice
from services.analytics.web.problems import Problem

From = Annotated[date | None, Query(alias="from", description="First local day.")]
To = Annotated[date | None, Query(alias="to", description="Last local day, inclusive.")]
DIMENSIONS: Final = ("agency", "procedure", "channel")

_DAY: Final = "Cần một ngày dạng YYYY-MM-DD."
EXPECTED: Final[Mapping[str, str]] = {
    "from": _DAY,
    "to": _DAY,
    "period": "Cần một trong: day, month, quarter, year, all.",
    "dossier_id": "Cần 32 chữ số thập lục phân, chữ thường.",
    "agency": "Cần mã cơ quan: 3 đến 35 ký tự gồm chữ in hoa, chữ số, dấu chấm.",
    "step": "Cần một trong: receive, appraise, approve, stamp, return.",
    "limit": "Cần một số từ 1 đến 500.",
    "n": "Cần một số từ 1 đến 500.",
    "seed": "Cần 1 đến 64 ký tự gồm chữ, chữ số, dấu chấm, gạch dưới, gạch nối.",
    "seal": "Cần mã con dấu: 3 đến 63 ký tự gồm chữ in hoa, chữ số, dấu chấm, dấu gạch nối.",
    "year": "Cần một năm từ 1990 đến 2199.",
    "code": "Cần mã hồ sơ: 5 đến 64 ký tự gồm chữ in hoa, chữ số, dấu chấm, dấu gạch nối.",
}


class Period(StrEnum):
    """How a table is split by time."""

    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    ALL = "all"


def dimensions(by: str, known: tuple[str, ...] = DIMENSIONS) -> frozenset[str]:
    """What a table is split by, from names between commas. Raises Problem (bad_shape)."""
    names = [name for name in by.split(",") if name]
    if not set(names) <= set(known):
        raise Problem("bad_shape", f"Cần các tên trong: {', '.join(known)}, cách nhau bằng dấu phẩy.", "by")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise Problem("bad_shape", f"Mỗi tên chỉ nêu một lần; {', '.join(twice)} được nêu hai lần.", "by")
    return frozenset(names)


def slice_of(first: date | None, last: date | None, client: Client) -> Slice:
    """What of a period a client may see. Raises Problem (bad_shape)."""
    first, last = first or FIRST_DAY, last or LAST_DAY
    for name, day in (("from", first), ("to", last)):
        if not FIRST_DAY <= day <= LAST_DAY:
            raise Problem("bad_shape", f"Cần một ngày từ {FIRST_DAY} đến {LAST_DAY}.", name)
    if first > last:
        raise Problem("bad_shape", "Kỳ kết thúc trước khi bắt đầu.", "to")
    return Slice(first, last, client.agencies)


def known_only(request: Request) -> None:
    """Refuse parameters nobody reads: misspelt ones (`form=2020-01-01` must not mean "ever"), and the first
    of two of the same name.
    """
    route = request.scope["route"]
    assert isinstance(route, APIRoute)
    known = {parameter.alias for parameter in route.dependant.query_params}  # no dependency has its own
    unknown = sorted(request.query_params.keys() - known)
    if unknown:
        told = f"Địa chỉ này chỉ nhận: {', '.join(sorted(known))}." if known else "Địa chỉ này không nhận gì."
        raise Problem("bad_shape", f"Không có tham số {', '.join(unknown)}. {told}", unknown[0])
    names = [name for name, _ in request.query_params.multi_items()]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Problem("bad_shape", f"Tham số {twice} chỉ nêu một lần.", twice)


def malformed(error: RequestValidationError) -> Problem:
    """The answer to the first parameter that is not what its route declares."""
    field = str(error.errors()[0]["loc"][-1])
    return Problem("bad_shape", EXPECTED.get(field, "Giá trị không hợp lệ."), field)
