"""A dossier folded from its rows: what the table ``dossiers`` must say about it."""

from __future__ import annotations

from datetime import date
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from contracts.words import NationalStatus, Place, Step
from services.analytics.domain.rows import FactRow, instant

_LOCAL: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_MARKS: Final = tuple(f"{step.value}_mark" for step in Step)


class DossierRow(NamedTuple):
    """One dossier; the fields are columns of ``dossiers_now``. Instants in microseconds, 0 none.

    A mark says what the last fact of its kind said, in one number that grows with every such fact: twice its
    seq, and one more for yes. Marks of steps: done at the centre; 0 is not done. `five_on_site` is None for a
    dossier whose five steps are not all done.
    """

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
    due_original: int = 0
    in_hand: str = ""
    holder_agency: str = ""
    holder_officer: str = ""
    held_since: int = 0
    step_clock: str = ""
    step_due: int | None = None
    receive_mark: int = 0
    appraise_mark: int = 0
    approve_mark: int = 0
    stamp_mark: int = 0
    return_mark: int = 0
    declined_mark: int = 0
    late_by_original_mark: int = 0
    five_on_site: int | None = None

    @property
    def declined(self) -> bool:
        """Whether the agency refused to solve it, as things stand."""
        return bool(self.declined_mark % 2)

    @property
    def late_by_original(self) -> bool:
        """Whether it is finished, and after the day the receipt promised."""
        return self.finished and bool(self.late_by_original_mark % 2)

    @property
    def finished(self) -> bool:
        """Whether processing has ended with a result, as things stand: a re-opened one is not finished."""
        return self.status in (NationalStatus.FINISHED, NationalStatus.RETURNED)


def local_day(at: int) -> date:
    """The day of an instant (microseconds) in Asia/Ho_Chi_Minh."""
    return instant(at).astimezone(_LOCAL).date()


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
        in_hand=row.in_hand,
        holder_agency=row.holder_agency,
        holder_officer=row.holder_officer,
        held_since=row.at if row.handed else state.held_since,
    )
    if row.step_clock:
        state = state._replace(step_clock=row.step_clock, step_due=row.step_due)
    if row.place:
        done: dict[str, Any] = {f"{row.step}_mark": mark_of(row, row.place == Place.CENTRE)}
        state = state._replace(**done)
    state = _of_its_kind(state, row)
    return state._replace(five_on_site=_five_on_site(state))


def _of_its_kind(state: DossierRow, row: FactRow) -> DossierRow:
    # Should what happens once come again, or in another order, both this fold and the table keep the highest,
    # so that the order of merging never matters.
    match row.type:
        case "DossierRegistered":
            day = max(state.registered_on, local_day(row.at))
            return state._replace(registered_on=day, registered_at=max(state.registered_at, row.at))
        case "DossierAccepted":
            return state._replace(
                dossier_code=max(state.dossier_code, row.dossier_code),
                accepted_at=max(state.accepted_at, row.at),
                received_at=max(state.received_at, row.received_at or 0),
                due_original=max(state.due_original, row.due or 0),
            )
        case "ProcessingFinished":
            late = mark_of(row, row.by_original == "late")
            return state._replace(finished_at=max(state.finished_at, row.at), late_by_original_mark=late)
        case "DossierDeclined" | "ResultCorrected":
            return state._replace(declined_mark=mark_of(row, row.type == "DossierDeclined"))
        case "DossierRated":
            return state._replace(score=max(state.score, row.score))
        case _:
            return state


def mark_of(row: FactRow, yes: bool) -> int:
    """The mark that a row sets: twice its seq, and one more for yes."""
    return 2 * row.seq + yes


def _five_on_site(state: DossierRow) -> int | None:
    """Of a returned result under seal. What was done anew counts by where it was done last."""
    marks = [getattr(state, name) for name in _MARKS]
    if state.status != NationalStatus.RETURNED or state.declined or not all(marks):
        return None
    return int(all(mark % 2 for mark in marks))
