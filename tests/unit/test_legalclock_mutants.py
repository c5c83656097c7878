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
from legalclock.moves import MoveRefusedError, apologise, apology_deadline, pause, resume
from legalclock.postal import PostalDue, PostalOutcome, postal_outcome
from legalclock.rulesets import RULE_SETS, OnSupplement, rule_set
from legalclock.sessions import BadCalendarError, Session
from legalclock.terms import LONGEST, due, extended, resumed
from legalclock.units import TermUnit
from legalclock.working_time import add_working_minutes

MORNING = Session(time(7, 30), time(11, 30))
AFTERNOON = Session(time(13, 30), time(17))
SHORT, MIDDLE, LAST = Session(time(8), time(10)), Session(time(11), time(12)), Session(time(13), time(18))
WHOLE = (MORNING, AFTERNOON)
# Every weekday has hours of its own, so that taking those of another day shows.
UNEVEN = [WHOLE, (MORNING,), (AFTERNOON,), WHOLE, (SHORT,), (), ()]
PLAIN = Calendar().amended(years=[2024, 2025])
SATURDAY = date(2025, 6, 7)
PAYMENT = PauseCause.PAYMENT


def local(year: int, month: int, day: int, hour: int = 9, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=LOCAL)


JUNE_5 = local(2025, 6, 5)


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


def test_a_move_before_the_last_one_is_refused_and_so_is_an_apology_that_brings_forward() -> None:
    clock = resume(
        PLAIN, pause(PLAIN, started(PLAIN, local(2025, 6, 2), FIVE_DAYS), local(2025, 6, 3), PAYMENT), JUNE_5
    )
    with pytest.raises(MoveRefusedError, match="before_the_last"):
        pause(PLAIN, clock, local(2025, 6, 4), PAYMENT)
    with pytest.raises(MoveRefusedError, match="not_later"):
        apologise(PLAIN, clock, JUNE_5, local(2025, 6, 6))


def test_after_two_apologies_a_third_is_refused_too() -> None:
    twice = apologise(PLAIN, promised_again(PLAIN), local(2025, 6, 10), local(2025, 6, 20), override=True)
    with pytest.raises(MoveRefusedError, match="apology_again"):
        apologise(PLAIN, twice, local(2025, 6, 11), local(2025, 6, 30))


@pytest.mark.parametrize(
    ("week", "hour", "minute"), [([(SHORT,)] * 7, 10, 0), ([(SHORT, MIDDLE, LAST)] * 7, 18, 0)]
)
def test_an_apology_is_in_time_until_the_end_of_the_last_session(
    week: list[tuple[Session, ...]], hour: int, minute: int
) -> None:
    calendar = PLAIN.amended(sessions=week)
    assert apology_deadline(calendar, local(2025, 6, 9)) == local(2025, 6, 8, hour, minute)


def test_the_rule_sets_say_what_the_decrees_say() -> None:
    said = [
        (one.name, one.valid_from, one.apology_days, one.apologies, one.on_supplement) for one in RULE_SETS
    ]
    assert said == [
        ("nd61", date(2018, 6, 21), 1, 1, OnSupplement.PAUSE),
        ("nd118", date(2025, 7, 1), 1, 1, OnSupplement.PAUSE),
    ]
    assert rule_set(date(2026, 1, 1)).name == "nd118"


def test_the_post_is_in_time_before_its_due_time_and_late_after_it() -> None:
    limit = PostalDue(local(2025, 6, 4, 17))
    assert postal_outcome(limit, JUNE_5, local(2025, 6, 4, 16)) is PostalOutcome.DELIVERED_IN_TIME
    assert postal_outcome(limit, local(2025, 6, 4, 16), None) is PostalOutcome.UNDER_WAY
    assert postal_outcome(limit, JUNE_5, None) is PostalOutcome.OVERDUE


# --- terms and weeks


def test_the_longest_term_and_extension_are_taken_and_the_next_refused() -> None:
    assert LONGEST == 100_000
    assert due(PLAIN, local(2024, 1, 2), LONGEST, "minute").due.year == 2024
    assert extended(PLAIN, local(2024, 1, 2), LONGEST, "minute").year == 2024
    with pytest.raises(ValueError, match="100001"):
        due(PLAIN, local(2024, 1, 2), LONGEST + 1, "minute")
    with pytest.raises(ValueError, match="100001"):
        extended(PLAIN, local(2024, 1, 2), LONGEST + 1, "minute")


@pytest.mark.parametrize("unit", list(TermUnit))
def test_nothing_left_does_not_go_on_in_any_unit(unit: TermUnit) -> None:
    with pytest.raises(ValueError, match="at least 1 minute"):
        resumed(PLAIN, local(2025, 6, 2), 0, unit)


def test_a_week_for_one_place_leaves_those_of_others_alone() -> None:
    short, early = [(SHORT,)] * 7, [(MORNING,)] * 7
    of_province_first = PLAIN.amended(sessions=short, province="H52").amended(sessions=early)
    assert of_province_first.for_province("H52").sessions_on(JUNE_5.date()) == (SHORT,)
    of_country_first = PLAIN.amended(sessions=early).amended(sessions=short, province="H52")
    assert of_country_first.for_province("H22").sessions_on(JUNE_5.date()) == (MORNING,)


def test_a_week_replaces_an_earlier_one_only_on_its_own_days() -> None:
    short, early = [(SHORT,)] * 7, [(MORNING,)] * 7
    first, last = date(2025, 6, 2), date(2025, 6, 30)
    earlier = PLAIN.amended(sessions=short, valid_from=first, valid_to=last)
    later = earlier.amended(sessions=early, valid_from=date(2025, 6, 10), valid_to=last)
    assert [later.sessions_on(date(2025, 6, day)) for day in (9, 10)] == [(SHORT,), (MORNING,)]
    sooner = earlier.amended(sessions=early, valid_from=first, valid_to=date(2025, 6, 10))
    assert [sooner.sessions_on(date(2025, 6, day)) for day in (10, 11)] == [(MORNING,), (SHORT,)]
    same = earlier.amended(sessions=early, valid_from=first, valid_to=last)
    assert len(same.weeks) == len(earlier.weeks)
    one_day = PLAIN.amended(sessions=short, valid_from=first, valid_to=first)
    assert [len(one_day.sessions_on(date(2025, 6, day))) for day in (2, 3)] == [1, 2]


def test_going_back_over_the_new_year_is_exact_below_a_minute() -> None:
    just_before = local(2025, 1, 1, 7, 31) - timedelta(microseconds=1)
    assert add_working_minutes(PLAIN, just_before, -1) == local(2024, 12, 31, 17) - timedelta(microseconds=1)
