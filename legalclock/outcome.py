"""How a finished dossier stands to its due time: early, on time or late.

Terms that end with a day are judged by local date, the others (hours, minutes, working days in hours) by
time. The clock ends when processing is finished; handing the result over or posting it never makes a dossier
late: the post has its own clock and its own outcome.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from legalclock.moments import local
from legalclock.units import DueMode, TermUnit, ends_with_day


class Outcome(StrEnum):
    """How a finished dossier stands to its due date."""

    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"


def outcome(
    finished_at: datetime,
    due: datetime,
    unit: TermUnit | str,
    mode: DueMode | str = DueMode.END_OF_DAY,
) -> Outcome:
    """How a dossier finished at `finished_at` stands to `due`, for a term in `unit`.

    Late is after the due time, also later on the due date itself. Early is a day before for terms that end
    with a day, and any time before for the others. Raises ValueError for a naive time, unknown unit or mode.
    """
    by_date = ends_with_day(unit, mode)
    finish, limit = local(finished_at), local(due)
    if finish > limit:
        return Outcome.LATE
    early = finish.date() < limit.date() if by_date else finish < limit
    return Outcome.EARLY if early else Outcome.ON_TIME
