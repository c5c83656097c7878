"""What readers need of the law: agencies' names, whose a seal is, the calendar of working time."""

from __future__ import annotations

from datetime import datetime

from contracts.codes import CodeError, parse_agency_code
from contracts.law import AgencyPublished, CalendarAmended, LawEnacted, LawEntry, SealRegistered
from legalclock.amendment import enacted
from legalclock.calendar import Calendar, YearNotCoveredError
from legalclock.sessions import BadCalendarError
from legalclock.working_time import working_minutes


class LawBook:
    """A fold over the entries of ``law.v1``; applying the same entries again changes nothing.

    Whether an entry is in force at the door does not matter here: nothing is decided by it. Other threads
    than the one that applies may look things up at any time.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._seals: dict[str, str] = {}
        self._calendar: Calendar | None = None
        self._of_provinces: dict[str, Calendar] = {}

    def apply(self, entry: LawEntry) -> None:
        """One entry, in the order of the topic."""
        for change in entry.changes if isinstance(entry, LawEnacted) else ():
            match change:
                case AgencyPublished(code=code, name_vi=name):
                    self._names[code] = name
                case SealRegistered(code=code, agency=agency):
                    self._seals.setdefault(code, agency)  # a seal stays its agency's; what differs is void
                case CalendarAmended():
                    self._amend(change)

    def _amend(self, change: CalendarAmended) -> None:
        try:
            self._calendar = enacted(self._calendar or Calendar(), change)
        except BadCalendarError:
            return  # the workflow leaves it out as well, and tells it
        self._of_provinces = {}

    def name(self, code: str) -> str | None:
        """The name (Vietnamese) of an agency, or None where no entry names it."""
        return self._names.get(code)

    def agency_of(self, seal: str) -> str | None:
        """The agency whose seal it is, or None for one that no entry registers."""
        return self._seals.get(seal)

    def working_minutes(self, agency: str, start: datetime, end: datetime) -> int | None:
        """Working minutes from `start` to `end` by the calendar of the agency's province.

        None while no calendar is at hand, or none for a year that is needed.
        """
        known, country = self._of_provinces, self._calendar
        if country is None:
            return None
        province = _province(agency)
        calendar = known.get(province) or known.setdefault(province, country.for_province(province))
        try:
            return working_minutes(calendar, start, end)
        except YearNotCoveredError:
            return None


def _province(agency: str) -> str:
    """The province (or ministry) of an agency code; empty, the whole country, for what is no such code."""
    try:
        return parse_agency_code(agency).root
    except CodeError:
        return ""
