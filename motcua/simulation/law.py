"""What the law says about a made-up dossier, asked of ``legalclock`` exactly as the workflow asks it."""

from __future__ import annotations

from datetime import date, time
from typing import Final

from contracts.law import CalendarAmended, ProcedurePublished
from contracts.words import TermUnit
from legalclock.amendment import enacted
from legalclock.calendar import Calendar
from legalclock.terms import due, remaining, resumed
from motcua.simulation.axis import Axis, moment


def calendar_of(change: CalendarAmended) -> Calendar:
    """The calendar that stands once `change` alone is law."""
    return enacted(Calendar(), change)


class Law:
    """Due dates of working-day procedures; moments are seconds since 1970."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar: Final = calendar

    def due(self, procedure: ProcedurePublished, accepted: int) -> int:
        """When a dossier accepted then falls due."""
        counted = due(
            self._calendar,
            moment(accepted),
            procedure.term_value,
            procedure.term_unit,
            procedure.late_cutoff,
        )
        return int(counted.due.timestamp())

    def resumed(self, due: int, requested: int, received: int) -> int:
        """The new due moment after a supplement asked for and received then."""
        unit = TermUnit.WORKING_DAY
        left = remaining(self._calendar, moment(requested), moment(due), unit)
        return int(resumed(self._calendar, moment(received), left, unit).timestamp())

    def axis(self, first: date, last: date) -> Axis:
        """The working sessions of these days."""
        return Axis(first, last, self._sessions)

    def _sessions(self, day: date) -> list[tuple[time, time]]:
        return [(span.start, span.end) for span in self._calendar.sessions_on(day)]


def usable(procedure: ProcedurePublished) -> bool:
    """Whether lives can be told of it: terms in working days only."""
    return procedure.term_unit is TermUnit.WORKING_DAY
