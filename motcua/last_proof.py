"""What the last proof of a running stack found, as analytics' own metrics tell it."""

from __future__ import annotations

import http.client
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

_SECONDS: Final = 2.0
_WHEN: Final = "motcua_analytics_reconcile_timestamp_seconds"
_DIFFERENCES: Final = "motcua_analytics_reconcile_differences"
_DRIFT: Final = "motcua_analytics_roll_up_drift"


class LastProof(Struct, frozen=True, kw_only=True):
    """When it ended, and what differed: `drift`, cells of roll-ups, are among the differences."""

    at: datetime
    differences: int
    drift: int


def last_proof(url: str) -> LastProof | None:
    """The last proof of analytics at `url` (http://host:port) since it was started, if there was one.

    Blocking, seconds at most. Raises OSError or http.client.HTTPException without an answer.
    """
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_SECONDS)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    told: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        if family.name in (_WHEN, _DIFFERENCES, _DRIFT):
            told[family.name] = sum(sample.value for sample in family.samples)
    if not told.get(_WHEN):
        return None
    return LastProof(
        at=datetime.fromtimestamp(told[_WHEN], UTC),
        differences=int(told.get(_DIFFERENCES, 0)),
        drift=int(told.get(_DRIFT, 0)),
    )
