"""What a small change in the legal clock once broke unnoticed: each test is here since a mutant survived."""

from __future__ import annotations

import importlib
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest

from legalclock.calendar import Calendar, Day, DayKind, differing_days
from legalclock.dossier_clock import DossierClock, PauseCause, Term, read, started
from legalclock.moments import LOCAL
from legalclock.moves import apologise, pause, resume
from legalclock.rulesets import OnSupplement
from legalclock.sessions import BadCalendarError, Session
from legalclock.units import TermUnit

MORNING = Session(time(7, 30), time(11, 30))
AFTERNOON = Session(time(13, 30), time(17))
SHORT = Session(time(8), time(10))
WHOLE = (MORNING, AFTERNOON)
# Every weekday has hours of its own, so that taking those of another day shows.
UNEVEN = [WHOLE, (MORNING,), (AFTERNOON,), WHOLE, (SHORT,), (), ()]
PLAIN = Calendar().amended(years=[2024, 2025])
SATURDAY = date(2025, 6, 7)


def local(year: int, month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=LOCAL)


# --- the calendar


@pytest.mark.parametrize(("hour", "minute", "is_open"), [(11, 29, True), (11, 30, False), (12, 0, False)])
def test_the_counter_is_closed_from_the_end_of_a_session_on(hour: int, minute: int, is_open: bool) -> None:
    assert PLAIN.counter_open(local(2025, 6, 3, hour, minute)) is is_open
    assert not PLAIN.counter_open(local(2025, 6, 3, 17, 30))


def test_counting_back_reaches_the_first_working_day_of_a_year() -> None:
    assert PLAIN.working_day_before(date(2025, 1, 2), 1) == date(2025, 1, 1)
    assert PLAIN.working_day_before(date(2025, 1, 2), 2) == date(2024, 12, 31)


def test_a_year_whose_only_weekday_of_work_is_always_off_is_refused() -> None:
    mondays = [date(2025, 1, 6) + timedelta(weeks=week) for week in range(52)]
    week = [WHOLE, (), (), (), (), (), ()]
    off = [Day(day, DayKind.OFF) for day in mondays]
    with pytest.raises(BadCalendarError, match="2025"):
        Calendar().amended(years=[2025], sessions=week, days=off)
    assert Calendar().amended(years=[2025], sessions=week, days=off[1:]).is_working_day(mondays[0])


def test_differing_days_are_those_up_to_the_last_one_included() -> None:
    changed = PLAIN.amended(days=[Day(date(2025, 6, day), DayKind.OFF) for day in (2, 3, 4, 5)])
    assert differing_days(PLAIN, changed, date(2025, 6, 3), date(2025, 6, 4)) == [
        date(2025, 6, 3),
        date(2025, 6, 4),
    ]


def test_the_plain_week_is_that_of_the_rule_without_any_date() -> None:
    dated = PLAIN.amended(sessions=UNEVEN, valid_from=date(2025, 6, 1))
    assert dated.sessions == PLAIN.sessions
    assert PLAIN.amended(sessions=UNEVEN, valid_to=date(2025, 6, 1)).sessions == PLAIN.sessions
    assert PLAIN.amended(sessions=UNEVEN).sessions == tuple(map(tuple, UNEVEN))


def test_a_worked_day_takes_the_sessions_and_the_counter_hours_of_a_monday() -> None:
    calendar = PLAIN.amended(sessions=UNEVEN, days=[Day(SATURDAY, DayKind.WORK)])
    assert calendar.sessions_on(SATURDAY) == WHOLE
    hours = [(SHORT,), (), (MORNING,), (AFTERNOON,), WHOLE, (), ()]
    assert calendar.amended(counter=hours).counter_on(SATURDAY) == (SHORT,)


def test_a_calendar_shows_its_data_and_nothing_it_derived() -> None:
    assert PLAIN.is_working_day(date(2025, 6, 3))
    assert {field.name for field in fields(PLAIN) if field.repr} == {
        *("years", "days", "weeks", "counter_weeks", "province")
    }


def test_every_value_is_immutable_and_small() -> None:
    folder = Path(__file__).parents[2] / "legalclock"
    modules = [importlib.import_module(f"legalclock.{path.stem}") for path in folder.glob("[a-z]*.py")]
    values = {
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and is_dataclass(kind) and kind.__module__ == module.__name__
    }
    assert len(values) > 30
    changing = {kind.__name__ for kind in values if not vars(kind)["__dataclass_params__"].frozen}
    assert changing == {"_Fold"}
    assert {kind.__name__ for kind in values if "__slots__" not in vars(kind)} == {"Calendar"}


def test_a_week_of_eight_days_is_refused() -> None:
    with pytest.raises(BadCalendarError, match="seven"):
        PLAIN.amended(sessions=[WHOLE] * 8)


# --- the clock of a dossier

FIVE_DAYS = Term(5, TermUnit.WORKING_DAY)


def promised_again(calendar: Calendar) -> DossierClock:
    """Due on 9 June 2025; by a late apology, which does not count, promised for the 16th."""
    clock = started(calendar, local(2025, 6, 2), FIVE_DAYS)
    return apologise(calendar, clock, local(2025, 6, 9), local(2025, 6, 16), override=True)


def test_a_pause_after_the_term_moves_only_the_date_promised_since() -> None:
    clock = pause(PLAIN, promised_again(PLAIN), local(2025, 6, 10), PauseCause.SUPPLEMENT)
    assert read(PLAIN, clock).remaining_minutes == 360 + 4 * 450
    reading = read(PLAIN, resume(PLAIN, clock, local(2025, 6, 12)))
    assert reading.due_term == reading.due_counted == local(2025, 6, 9, 17)
    assert reading.due_current == local(2025, 6, 18, 17)
    assert reading.running == (
        (local(2025, 6, 2), local(2025, 6, 10)),
        (local(2025, 6, 12), local(2025, 6, 18, 17)),
    )
    assert reading.apologies == 1


def test_a_last_minute_goes_on_like_any_other() -> None:
    clock = started(PLAIN, local(2025, 6, 2, 9), Term(60, TermUnit.MINUTE))
    clock = pause(PLAIN, clock, local(2025, 6, 2, 9, 59), PauseCause.PAYMENT)
    assert read(PLAIN, clock).remaining_minutes == 1
    reading = read(PLAIN, resume(PLAIN, clock, local(2025, 6, 3)))
    assert reading.due_current == local(2025, 6, 3, 9, 1)
    assert reading.running == (
        (local(2025, 6, 2, 9), local(2025, 6, 2, 9, 59)),
        (local(2025, 6, 3), local(2025, 6, 3, 9, 1)),
    )


def test_a_term_that_is_over_does_not_begin_anew() -> None:
    clock = started(
        PLAIN, local(2025, 6, 2), Term(5, TermUnit.WORKING_DAY, on_supplement=OnSupplement.RESTART)
    )
    clock = pause(PLAIN, clock, local(2025, 6, 10), PauseCause.SUPPLEMENT)
    reading = read(PLAIN, resume(PLAIN, clock, local(2025, 6, 12)))
    assert reading.due_current == local(2025, 6, 9, 17)
    assert reading.running == ((local(2025, 6, 2), local(2025, 6, 9, 17)),)
