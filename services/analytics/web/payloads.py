"""The JSON of the API: figures, dossiers, freshness. Instants are UTC, ISO 8601; absent is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from contracts.topics import DOSSIER_PARTITIONS
from services.analytics.domain import rows
from services.analytics.domain.control_slip import Entry
from services.analytics.domain.dossier import DossierRow, local_day
from services.analytics.domain.figures import Counts, Rate, five_on_site, rates
from services.analytics.domain.rollups import Ratings, StepTimes
from services.analytics.domain.rows import FactRow
from services.analytics.domain.stamps import StampRow, gapless
from services.analytics.domain.suppression import THRESHOLD, publish
from services.analytics.sink.status import Snapshot

Json = dict[str, Any]
SCORES: Final = range(1, 6)


def instant(at: int | None) -> str | None:
    """Microseconds since 1970 as text; 0 and None are absent."""
    if not at:
        return None
    return moment(rows.instant(at))


def moment(at: datetime) -> str:
    """An instant in UTC as text."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


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


def steps(of: StepTimes) -> Json:
    """Ended steps; the mean is of the wall clock, nights and days off included."""
    return {
        "steps": of.steps,
        "early": of.early,
        "on_time": of.on_time,
        "late": of.late,
        "mean_seconds": round(of.mean_seconds, 3),
    }


def ratings(of: Ratings) -> Json:
    """Ratings; `scores` holds every score there is."""
    scores = {str(score): of.scores.get(score, 0) for score in SCORES}
    return {"ratings": of.number, "scores": scores, "mean": round(of.mean, 4)}


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
        **dossier_head(row.dossier_id, row.dossier_code),
        "seq": row.seq,
        "status": row.status,
        "bucket": row.bucket,
        "overdue": bool(row.overdue),
        "due": instant(row.due),
        "due_original": instant(row.due_original),
        "step": row.in_hand or None,
        "holder": {"agency": row.holder_agency, "officer": row.holder_officer or None}
        if row.holder_agency
        else None,
        "declined": row.declined,
        "five_on_site": None if row.five_on_site is None else bool(row.five_on_site),
        "agency": row.agency,
        "procedure": row.procedure,
        "procedure_version": row.procedure_version,
        "channel": row.channel,
        "registered_at": instant(row.registered_at),
        "accepted_at": instant(row.accepted_at),
        "received_at": instant(row.received_at),
        "finished_at": instant(row.finished_at) if row.finished else None,
        "score": row.score or None,
    }


def dossier_head(dossier_id: str, code: str) -> Json:
    """Which dossier, and where to ask for all of it."""
    return {
        "dossier_id": dossier_id,
        "dossier_code": code or None,
        "links": {"self": f"/v1/dossiers/{dossier_id}"},
    }


def entry(of: Entry) -> Json:
    """One entry of a control slip."""
    return {
        "step": of.step.value,
        "agency": of.agency,
        "officer": of.officer,
        "since": moment(of.since),
        "until": None if of.until is None else moment(of.until),
        "due": None if of.due is None else moment(of.due),
        "outcome": None if of.outcome is None else of.outcome.value,
        "place": None if of.place is None else of.place.value,
        "entry": None if of.kind is None else of.kind.value,
    }


def stamp(of: StampRow) -> Json:
    """One stamp on a dossier."""
    return {
        "seal": of.seal,
        "stamp": of.stamp,
        "at": instant(of.applied_at),
        "year": of.of_year,
        "number": of.number or None,
        "revoked": bool(of.revoked_at),
    }


def register(stamps: Sequence[tuple[StampRow, str]]) -> Json:
    """A year of a seal's register; days are local."""
    return {
        "complete": gapless([one for one, _ in stamps]),
        "stamps": [
            {
                "number": one.number or None,
                "date": local_day(one.applied_at or one.drawn_at).isoformat(),
                "at": instant(one.applied_at),
                **dossier_head(one.dossier_id, code),
                "stamp": one.stamp,
                "revoked": bool(one.revoked_at),
                "revoked_at": instant(one.revoked_at),
            }
            for one, code in stamps
        ],
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
