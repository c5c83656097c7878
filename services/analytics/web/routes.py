"""The routes of the API. Each only reads its parameters, asks one question, and shapes the answer."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from contracts.access import Client
from services.analytics import reading
from services.analytics.domain.control_slip import control_slip
from services.analytics.domain.dossier import DossierRow
from services.analytics.domain.rows import to_fact
from services.analytics.reading import Slice
from services.analytics.web import payloads
from services.analytics.web.access import Right, holder
from services.analytics.web.cached import Cached
from services.analytics.web.oversight import oversee
from services.analytics.web.parameters import From, Period, To, dimensions, known_only, slice_of
from services.analytics.web.parts import Parts, json
from services.analytics.web.payloads import Json
from services.analytics.web.problems import Problem
from services.analytics.web.proof import prove
from services.analytics.web.sums import split, sums

_PUBLIC_SECONDS: Final = 1.0

DossierIdPath = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
Code = Annotated[str, Query(min_length=5, max_length=64, pattern=r"^[0-9A-Z.\-]+$")]


def router(parts: Parts) -> APIRouter:
    """All routes over `parts`."""
    api = APIRouter(prefix="/v1")
    _figures(api, parts)
    _dossiers(api, parts)
    sums(api, parts)
    oversee(api, parts)
    prove(api, parts)
    return api


def _age(parts: Parts) -> Json:
    return payloads.age(parts.status.snapshot(), parts.clock.now())


def _figures(api: APIRouter, parts: Parts) -> None:
    reader = Depends(holder(parts.keys, Right.FIGURES))
    everyone = Cached(lambda: reading.figures(parts.tables, Slice()), _PUBLIC_SECONDS, parts.clock)

    @api.get("/figures")
    def figures(first: From = None, last: To = None, client: Client = reader) -> Response:
        """Dossiers by bucket and the three rates, of those registered in a local period."""
        age = _age(parts)
        counts = reading.figures(parts.tables, slice_of(first, last, client))
        return json({**payloads.counts(counts), **age})

    @api.get("/public/figures", dependencies=[Depends(known_only)])
    def public_figures() -> Response:
        """The same for everyone: no key, counts of at least ten, the whole stock."""
        age = _age(parts)
        return json({**payloads.public_counts(everyone.get()), **age})

    @api.get("/compliance")
    def compliance(
        period: Period = Period.MONTH,
        by: str = "",
        first: From = None,
        last: To = None,
        client: Client = reader,
    ) -> Response:
        """The same counts split by period, agency, procedure and channel."""
        names = dimensions(by)
        return split(parts, reading.compliance, payloads.counts, slice_of(first, last, client), period, names)


def _dossiers(api: APIRouter, parts: Parts) -> None:
    reader = Depends(holder(parts.keys, Right.DOSSIERS))

    def allowed(row: DossierRow, client: Client) -> None:
        # Where it was handed in, and who has it in hand now.
        if not (client.covers(row.agency) or (row.holder_agency and client.covers(row.holder_agency))):
            raise Problem("other_agency")

    @api.get("/dossiers/{dossier_id}")
    def dossier(dossier_id: DossierIdPath, client: Client = reader) -> Response:
        """One dossier: its state, its stamps, its control slip and its history."""
        age = _age(parts)
        row = reading.dossier(parts.tables, dossier_id)
        if row is None:
            raise Problem("unknown_dossier")
        allowed(row, client)
        history = reading.history(parts.tables, dossier_id)
        seals = {one.seal for one in history if one.type == "StampApplied"}
        stamps = reading.stamps_on(parts.tables, dossier_id, sorted(seals)) if seals else []
        return json(
            {
                **payloads.dossier(row),
                "stamps": [payloads.stamp(one) for one in stamps],
                "control_slip": [payloads.entry(one) for one in control_slip(map(to_fact, history))],
                "history": [payloads.fact(one) for one in history],
                **age,
            }
        )

    @api.get("/dossiers")
    def dossiers(code: Code, client: Client = reader) -> Response:
        """The dossiers that carry a legal code."""
        found = [reading.dossier(parts.tables, one) for one in reading.by_code(parts.tables, code)]
        rows = [row for row in found if row is not None]
        for row in rows:
            allowed(row, client)
        return json({"dossier_code": code, "dossiers": [payloads.dossier(row) for row in rows]})
