"""The JSON of the API: figures, dossiers, freshness. Instants are UTC, ISO 8601; absent is null."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from contracts.topics import DOSSIER_PARTITIONS
from services.analytics.domain.dossier import DossierRow
from services.analytics.domain.figures import Counts, Rate, five_on_site, rates
from services.analytics.domain.rows import FactRow
from services.analytics.domain.suppression import THRESHOLD, publish
from services.analytics.sink.status import Snapshot

Json = dict[str, Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant(at: int | None) -> str | None:
    """Microseconds since 1970 as text; 0 and None are absent."""
    if not at:
        return None
    return (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def age(snapshot: Snapshot, now: float) -> Json:
    """How old the figures are; both null until everything is known once."""
    if snapshot.as_of is None:
        return {"as_of": None, "age_seconds": None}
    return {
        "as_of": instant(int(snapshot.as_of * 1000) * 1000),
        "age_seconds": round(max(0.0, now - snapshot.as_of), 3),
    }


def counts(of: Counts) -> Json:
    """Counts, the three named rates, and the share of five steps at the centre."""
    return {
        **of.as_dict(),
        "rates": {rate.name: _rate(rate) for rate in rates(of)},
        "five_on_site": _rate(five_on_site(of)),
    }


def _rate(of: Rate) -> Json:
    return {"numerator": of.numerator, "denominator": of.denominator, "value": of.value}


def public_counts(of: Counts) -> Json:
    """What everyone may see of the counts."""
    public = publish(of)
    return {
        **public.counts,
        "rates": {rate.name: {"value": rate.value, "at_least": rate.at_least} for rate in public.rates},
        "suppressed_below": THRESHOLD,
    }


def fact(row: FactRow) -> Json:
    """One fact of a history."""
    return {
        "seq": row.seq,
        "type": row.type,
        "at": instant(row.at),
        "status": row.status,
        "overdue": bool(row.overdue),
        "due": instant(row.due),
        "agency": row.agency,
        "actor": row.actor or None,
        "command_id": row.command_id or None,
        "cause": [row.log_partition, row.cause_offset, row.cause_n],
        "body": msgspec.json.decode(row.body),
    }


def dossier(row: DossierRow) -> Json:
    """The state of a dossier."""
    return {
        "dossier_id": row.dossier_id,
        "dossier_code": row.dossier_code or None,
        "seq": row.seq,
        "status": row.status,
        "bucket": row.bucket,
        "overdue": bool(row.overdue),
        "due": instant(row.due),
        "agency": row.agency,
        "procedure": row.procedure,
        "procedure_version": row.procedure_version,
        "channel": row.channel,
        "registered_at": instant(row.registered_at),
        "accepted_at": instant(row.accepted_at),
        "received_at": instant(row.received_at),
        "finished_at": instant(row.finished_at),
        "score": row.score or None,
        "links": {"self": f"/v1/dossiers/{row.dossier_id}"},
    }


def freshness(snapshot: Snapshot, clocks: Mapping[int, int], now: float) -> Json:
    """Age, lag and, under the log clock, the instant every partition has reached."""
    clocks = {partition: clocks[partition] for partition in range(DOSSIER_PARTITIONS) if partition in clocks}
    complete = len(clocks) == DOSSIER_PARTITIONS
    return {
        **age(snapshot, now),
        "lag_records": sum(snapshot.lag.values()) if snapshot.lag else None,
        "clock": instant(min(clocks.values())) if complete else None,
        "trouble": snapshot.trouble,
        "partitions": {
            str(partition): {
                "position": position,
                "lag_records": snapshot.lag.get(partition),
                "clock": instant(clocks.get(partition)),
            }
            for partition, position in sorted(snapshot.positions.items())
        },
    }
