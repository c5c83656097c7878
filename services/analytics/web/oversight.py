"""The routes of leaders, inspectors and seal keepers: late lists, samples, registers."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from contracts.access import Client
from contracts.topics import DOSSIER_PARTITIONS
from contracts.words import Clock, Step
from services.analytics import oversight, reading
from services.analytics.domain.rows import instant
from services.analytics.oversight import LateFilter, LateRow
from services.analytics.web import payloads
from services.analytics.web.access import Right, holder
from services.analytics.web.parameters import From, To, slice_of
from services.analytics.web.parts import Parts, json
from services.analytics.web.payloads import Json
from services.analytics.web.problems import Problem

LIMIT: Final = 500

Agency = Annotated[str, Query(max_length=35, pattern=r"^([0-9A-Z][0-9A-Z.]{2,34})?$")]
Seed = Annotated[str, Query(pattern=r"^[0-9A-Za-z._-]{1,64}$", description="Anything, kept for the record.")]
SealPath = Annotated[str, Path(pattern="^[0-9A-Z][0-9A-Z.-]{2,62}$")]

_log = logging.getLogger(__name__)


def oversee(api: APIRouter, parts: Parts) -> None:
    """The routes over `parts`."""
    _late(api, parts)
    _sample(api, parts)
    _register(api, parts)


def _late(api: APIRouter, parts: Parts) -> None:
    watcher = Depends(holder(parts.keys, Right.LATE))

    @api.get("/late")
    def late(
        agency: Agency = "",
        step: Step | None = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT)] = 100,
        client: Client = watcher,
    ) -> Response:
        """Open dossiers that are late or whose step in hand is: by how much, at whose step, since when."""
        _check_scope(client, agency)
        age = payloads.age(parts.status.snapshot(), parts.clock.now())
        of = LateFilter(client.agencies, agency, step.value if step else "")
        now = _now(parts)
        rows = [_late_one(parts, row, now) for row in oversight.late(parts.tables, of, limit)]
        counts = oversight.late_counts(parts.tables, of)
        return json(
            {
                "late": rows,
                "total": sum(count.either for count in counts),
                "counts": [
                    {
                        "agency": count.agency,
                        "agency_name": parts.law.name(count.agency),
                        "step": count.step or None,
                        "dossiers": count.dossiers,
                        "steps": count.steps,
                    }
                    for count in counts
                ],
                "reckoned_to": payloads.moment(now),
                "limit": limit,
                **age,
            }
        )


def _check_scope(client: Client, agency: str) -> None:
    """An empty list would say that nothing is late there. Raises Problem (other_agency)."""
    if agency and not client.covers(agency):
        raise Problem("other_agency", "Khóa này không được thay mặt cơ quan này.", "agency")


def _now(parts: Parts) -> datetime:
    """To when lateness is reckoned: under the log clock the log's time, once every partition has one."""
    if parts.clock_kind is Clock.LOG:
        clocks = reading.clocks(parts.tables)
        if all(partition in clocks for partition in range(DOSSIER_PARTITIONS)):
            return instant(min(clocks[partition] for partition in range(DOSSIER_PARTITIONS)))
    return datetime.fromtimestamp(parts.clock.now(), UTC)


def _late_one(parts: Parts, row: LateRow, now: datetime) -> Json:
    def by(due: int | None) -> Json | None:
        if due is None:
            return None
        since = instant(due)
        return {
            # By the clock on the wall, nights and days off included; by working time where it can be known.
            "seconds": max(0, round((now - since).total_seconds())),
            "working_minutes": parts.law.working_minutes(row.agency, since, max(now, since)),
        }

    return {
        **payloads.dossier_head(row.dossier_id, row.dossier_code),
        "procedure": row.procedure,
        "agency": row.agency,
        "status": row.status,
        "due": payloads.instant(row.due),
        "due_original": payloads.instant(row.due_original),
        "late": by(row.due) if row.dossier_late else None,
        "at": {
            "agency": row.at_agency,
            "agency_name": parts.law.name(row.at_agency),
            "officer": row.at_officer or None,
            "step": row.at_step or None,
            "since": payloads.instant(row.held_since),
            "due": payloads.instant(row.step_due),
            "late": by(row.step_due) if row.step_late else None,
        },
    }


def _sample(api: APIRouter, parts: Parts) -> None:
    inspector = Depends(holder(parts.keys, Right.SAMPLE))

    @api.get("/sample")
    def sample(
        seed: Seed,
        n: Annotated[int, Query(ge=1, le=LIMIT)] = 30,
        first: From = None,
        last: To = None,
        agency: Agency = "",
        client: Client = inspector,
    ) -> Response:
        """A random sample of the dossiers registered in a period; the same seed gives the same one again."""
        _check_scope(client, agency)
        age = payloads.age(parts.status.snapshot(), parts.clock.now())
        drawn = oversight.sample(parts.tables, slice_of(first, last, client), agency, seed, n)
        parts.metrics.sampled(client.role)
        _log.info("client %s drew a sample of %d", client.name, len(drawn))
        return json(
            {
                "seed": seed,
                "population": drawn[0].population if drawn else 0,
                "dossiers": [
                    {
                        **payloads.dossier_head(one.dossier_id, one.dossier_code),
                        "agency": one.agency,
                        "procedure": one.procedure,
                        "channel": one.channel,
                        "status": one.status,
                        "bucket": one.bucket,
                        "registered_at": payloads.instant(one.registered_at),
                        "due": payloads.instant(one.due),
                    }
                    for one in drawn
                ],
                **age,
            }
        )


def _register(api: APIRouter, parts: Parts) -> None:
    keeper = Depends(holder(parts.keys, Right.REGISTER))

    @api.get("/seals/{seal}/register")
    def register(
        seal: SealPath, year: Annotated[int, Query(ge=1990, le=2199)], client: Client = keeper
    ) -> Response:
        """A year of the register of a seal (sổ dấu): every stamp by its number, void ones too."""
        age = payloads.age(parts.status.snapshot(), parts.clock.now())
        found = oversight.register(parts.tables, seal, year)
        agency = parts.law.agency_of(seal) or max((stamp.agency for stamp, _ in found), default="")
        if not agency and not found:
            raise Problem("unknown_seal")
        if not client.covers(agency):
            raise Problem("other_agency", "Con dấu thuộc cơ quan mà khóa này không được thay mặt.")
        return json({"seal": seal, "agency": agency or None, "year": year, **payloads.register(found), **age})
