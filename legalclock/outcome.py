"""How a finished dossier stands to its due time: early, on time or late.

Terms in days and months are judged by local date, terms in hours and minutes by time. The clock ends when
processing is finished; handing the result over or posting it never makes a dossier late.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from legalclock.moments import local
from legalclock.terms import TermUnit


class Outcome(StrEnum):
    """How a finished dossier stands to its due date."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"


def outcome(finished_at: datetime, due: datetime, unit: TermUnit | str) -> Outcome:
    """How a dossier finished at `finished_at` stands to `due`, for a term in `unit`.

    Late is after the due time, also later on the due date itself. Early is a day before for terms in days
    and months, and any time before for the others. Raises ValueError for a naive time or unknown unit.
    """
    finish, limit = local(finished_at), local(due)
    if finish > limit:
        return Outcome.LATE
    early = finish.date() < limit.date() if TermUnit(unit).whole_days else finish < limit
    return Outcome.EARLY if early else Outcome.ON_TIME
