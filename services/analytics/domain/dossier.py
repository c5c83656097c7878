"""A dossier folded from its rows: what the table ``dossiers`` must say about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from services.analytics.domain.rows import FactRow

_LOCAL: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class DossierRow(NamedTuple):
    """One dossier; the field names are the columns of ``dossiers_now``. Instants in microseconds, 0 none."""

    dossier_id: str
    seq: int
    facts: int
    status: int
    overdue: int
    due: int | None
    agency: str
    procedure: str
    procedure_version: int
    channel: str
    last_at: int
    bucket: str
    dossier_code: str
    registered_on: date
    registered_at: int
    accepted_at: int
    received_at: int
    finished_at: int
    score: int


def local_day(at: int) -> date:
    """The day of an instant (microseconds) in Asia/Ho_Chi_Minh."""
    return (_EPOCH + timedelta(microseconds=at)).astimezone(_LOCAL).date()


def fold(state: DossierRow | None, row: FactRow) -> DossierRow:
    """The dossier after one more of its rows, in order of seq."""
    if state is None:
        state = DossierRow(
            row.dossier_id, 0, 0, 0, 0, None, "", "", 0, "", 0, "", "", date(1970, 1, 1), 0, 0, 0, 0, 0
        )
    state = state._replace(
        seq=row.seq,
        facts=state.facts + 1,
        status=row.status,
        overdue=row.overdue,
        due=row.due,
        agency=row.agency,
        procedure=row.procedure,
        procedure_version=row.procedure_version,
        channel=row.channel,
        last_at=row.at,
        bucket=row.bucket or state.bucket,
    )
    # Each happens once in a dossier's life; should one ever come again, both this fold and the table keep
    # the highest, so that the order of merging never matters.
    match row.type:
        case "DossierRegistered":
            day = max(state.registered_on, local_day(row.at))
            return state._replace(registered_on=day, registered_at=max(state.registered_at, row.at))
        case "DossierAccepted":
            return state._replace(
                dossier_code=max(state.dossier_code, row.dossier_code),
                accepted_at=max(state.accepted_at, row.at),
                received_at=max(state.received_at, row.received_at or 0),
            )
        case "ProcessingFinished":
            return state._replace(finished_at=max(state.finished_at, row.at))
        case "DossierRated":
            return state._replace(score=max(state.score, row.score))
        case _:
            return state
