"""The routes of the proof: how fresh the figures are, whether they are right, and what puts them right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from fastapi import APIRouter, Depends
from starlette.responses import Response

from contracts.topics import DOSSIER_PARTITIONS
from services.analytics import reading
from services.analytics.domain.comparison import Findings
from services.analytics.errors import RetryLaterError
from services.analytics.migrations.feeds import feeds
from services.analytics.web import payloads
from services.analytics.web.access import Right, holder
from services.analytics.web.parts import Parts, json


def prove(api: APIRouter, parts: Parts) -> None:
    """Add them to `api`."""
    watcher = Depends(holder(parts.keys, Right.FRESHNESS))
    prover = Depends(holder(parts.keys, Right.RECONCILE))
    mender = Depends(holder(parts.keys, Right.REPAIR))

    @api.get("/freshness", dependencies=[watcher])
    def freshness() -> Response:
        """How old the figures are, and how far the log's clock is."""
        try:
            clocks = reading.clocks(parts.tables)
        except RetryLaterError:
            clocks = {}  # unknown while the warehouse is away; the age still tells the truth
        answer = payloads.freshness(parts.status.snapshot(), clocks, parts.clock.now())
        return json({**answer, "clock_kind": parts.clock_kind.value})

    @api.post("/reconcile", dependencies=[prover])
    def reconcile() -> Response:
        """Fold the log again and hold it against the tables, row by row."""
        return proven(parts.reconciler.run())

    @api.post("/reconcile/repair", dependencies=[mender])
    def repair() -> Response:
        """The same, then put right what differs; answers with a second look, and what was repaired."""
        done = parts.reconciler.repair()
        repaired = _differences(done.before) - _differences(done.after)
        parts.metrics.repaired(max(0, repaired))
        return proven(done.after, repaired=repaired, before=_totals(done.before))

    @api.post("/rebuild", dependencies=[mender])
    def rebuild() -> Response:
        """Make the roll-ups anew from the raw facts, while everybody reads and the sink writes."""
        started = parts.clock.monotonic()
        rebuilt = parts.reconciler.rebuild()
        return json(
            {
                "roll_ups": sorted(feeds()),
                "complete": _complete(partition for one in rebuilt for partition in one.until),
                "seconds": round(parts.clock.monotonic() - started, 3),
                "held_seconds": max((one.held for one in rebuilt), default=0.0),
                "partitions": [
                    {"partition": partition, "until": until}
                    for one in rebuilt
                    for partition, until in sorted(one.until.items())
                ],
            }
        )

    def proven(findings: list[Findings], **more: object) -> Response:
        parts.metrics.reconciled(findings, parts.clock.now())
        complete = _complete(one.partition for one in findings)
        each = [asdict(one) for one in findings]
        return json({**_totals(findings), **more, "complete": complete, "partitions": each})


def _totals(findings: list[Findings]) -> dict[str, int]:
    names = ("missing", "duplicated", "mismatched", "drift", "gaps", "facts", "dossiers")
    return {name: sum(getattr(one, name) for one in findings) for name in names}


def _differences(findings: list[Findings]) -> int:
    return sum(one.differences for one in findings)


def _complete(partitions: Iterable[int]) -> bool:
    return set(partitions) >= set(range(DOSSIER_PARTITIONS))
