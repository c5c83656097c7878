"""What is left of a term that runs on although a supplement is awaited, and one over near the known years."""

from __future__ import annotations

from datetime import datetime

import pytest

from legalclock.calendar import Calendar
from legalclock.dossier_clock import PauseCause, Term, read, started
from legalclock.left import left_now
from legalclock.moments import local
from legalclock.moves import pause, resume
from legalclock.rulesets import OnSupplement
from legalclock.units import DueMode, TermUnit

CALENDAR = Calendar().amended(years=(2025,))


def at(text: str) -> datetime:
    return local(datetime.fromisoformat(f"2025-{text}+07:00"))


@pytest.mark.parametrize(
    ("policy", "minutes"), [(OnSupplement.PAUSE, 3 * 450), (OnSupplement.CONTINUE, 2 * 450)]
)
def test_time_goes_on_under_continue_and_stands_under_pause(policy: OnSupplement, minutes: int) -> None:
    term = Term(3, TermUnit.WORKING_DAY, on_supplement=policy)
    asked = pause(
        CALENDAR, started(CALENDAR, at("03-03T08:00"), term), at("03-03T17:00"), PauseCause.SUPPLEMENT
    )
    assert left_now(CALENDAR, asked, at("03-04T17:00")).minutes == minutes


def test_a_term_that_is_over_asks_for_no_year_it_does_not_need() -> None:
    """Begun again it would end in a year without data; what is over does not begin again."""
    term = Term(7, TermUnit.WORKING_DAY, DueMode.WORKING_HOURS, on_supplement=OnSupplement.RESTART)
    dossier = started(CALENDAR, at("12-08T08:00"), term)
    due = read(CALENDAR, dossier).due_current
    asked = pause(CALENDAR, dossier, at("12-30T08:00"), PauseCause.SUPPLEMENT)
    assert read(CALENDAR, resume(CALENDAR, asked, at("12-31T08:00"))).due_current == due
