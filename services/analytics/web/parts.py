"""What the application works with, and the two things every route needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from starlette.responses import Response

from contracts.access import KeyRing
from contracts.words import Clock as ClockKind
from services.analytics.domain.lawbook import LawBook
from services.analytics.metrics import Metrics
from services.analytics.reading import Tables
from services.analytics.reconcile import Reconciler
from services.analytics.sink.ports import Clock
from services.analytics.sink.status import Status

_STALE_BEAT: Final = 60.0


@dataclass(frozen=True)
class Parts:
    """What the application works with."""

    keys: KeyRing
    tables: Tables
    status: Status
    reconciler: Reconciler
    metrics: Metrics
    clock: Clock
    clock_kind: ClockKind
    law: LawBook


def json(content: object, status: int = 200) -> Response:
    """A JSON answer that nobody keeps: figures age."""
    return Response(
        msgspec.json.encode(content), status, {"Cache-Control": "no-store"}, media_type="application/json"
    )


def why_not_ready(status: Status, clock: Clock) -> list[str]:
    """What keeps the service from being ready, in words."""
    now = status.snapshot()
    why = []
    if not now.recovered:
        why.append("the sink has not recovered its position yet")
    if now.trouble:
        why.append(now.trouble)
    if now.beat is not None and clock.monotonic() - now.beat > _STALE_BEAT:
        why.append("the sink does not move")
    return why
