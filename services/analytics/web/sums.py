"""The routes of what is summed by the day it happened: how long steps took, how people rated the counter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from fastapi import APIRouter, Depends
from starlette.responses import Response

from contracts.access import Client
from services.analytics import reading
from services.analytics.reading import Group, Slice, Tables
from services.analytics.web import payloads
from services.analytics.web.access import Right, holder
from services.analytics.web.parameters import DIMENSIONS, From, Period, To, dimensions, slice_of
from services.analytics.web.parts import Parts, json
from services.analytics.web.payloads import Json

T = TypeVar("T")


def sums(api: APIRouter, parts: Parts) -> None:
    """Add them to `api`."""
    reader = Depends(holder(parts.keys, Right.FIGURES))

    @api.get("/steps")
    def steps(
        period: Period = Period.MONTH,
        by: str = "",
        first: From = None,
        last: To = None,
        client: Client = reader,
    ) -> Response:
        """Steps that ended in a local period: how many, how they stood to their own time, how long."""
        names = dimensions(by, (*DIMENSIONS, "step"))
        return split(parts, reading.steps, payloads.steps, slice_of(first, last, client), period, names)

    @api.get("/ratings")
    def ratings(
        period: Period = Period.MONTH,
        by: str = "",
        first: From = None,
        last: To = None,
        client: Client = reader,
    ) -> Response:
        """Ratings given in a local period: how many of each score, and their mean."""
        names = dimensions(by)
        return split(parts, reading.ratings, payloads.ratings, slice_of(first, last, client), period, names)


def split(
    parts: Parts,
    asked: Callable[[Tables, Slice, str, frozenset[str]], Mapping[Group, T]],
    told: Callable[[T], Json],
    within: Slice,
    period: Period,
    names: frozenset[str],
) -> Response:
    """The table of a question, a row for each group, and how old it is."""
    age = payloads.age(parts.status.snapshot(), parts.clock.now())
    table = asked(parts.tables, within, period.value, names)
    rows = [{**_group(parts, group, period, names), **told(of)} for group, of in table.items()]
    return json({"period": period.value, "by": sorted(names), "rows": rows, **age})


def _group(parts: Parts, group: Group, period: Period, names: frozenset[str]) -> Json:
    """What a row of a split table is about; what it is not split by is left out."""
    split: Json = {name: getattr(group, name) for name in (*DIMENSIONS, "step") if name in names}
    if "agency" in names:
        split["agency_name"] = parts.law.name(group.agency)
    if period is not Period.ALL:
        split["period"] = group.starts
    return split
