"""The routes of what is summed by the day it happened: how long steps took, how people rated the counter."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from contracts.access import Client
from services.analytics import reading
from services.analytics.reading import Group
from services.analytics.web import payloads
from services.analytics.web.access import Right, holder
from services.analytics.web.parameters import DIMENSIONS, From, Period, To, dimensions, slice_of
from services.analytics.web.parts import Parts, json
from services.analytics.web.payloads import Json


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
        age = payloads.age(parts.status.snapshot(), parts.clock.now())
        table = reading.steps(parts.tables, slice_of(first, last, client), period.value, names)
        rows = [
            {**group_of(parts, group, period, names), **payloads.steps(of)} for group, of in table.items()
        ]
        return json({"period": period.value, "by": sorted(names), "rows": rows, **age})

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
        age = payloads.age(parts.status.snapshot(), parts.clock.now())
        table = reading.ratings(parts.tables, slice_of(first, last, client), period.value, names)
        rows = [
            {**group_of(parts, group, period, names), **payloads.ratings(of)} for group, of in table.items()
        ]
        return json({"period": period.value, "by": sorted(names), "rows": rows, **age})


def group_of(parts: Parts, group: Group, period: Period, names: frozenset[str]) -> Json:
    """What a row of a split table is about; what it is not split by is left out."""
    split: Json = {name: getattr(group, name) for name in (*DIMENSIONS, "step") if name in names}
    if "agency" in names:
        split["agency_name"] = parts.law.name(group.agency)
    if period is not Period.ALL:
        split["period"] = group.starts
    return split
