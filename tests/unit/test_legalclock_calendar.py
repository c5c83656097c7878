"""The working calendar: exceptional days, years covered, weeks, amendments."""

from __future__ import annotations

from datetime import date, time

import pytest

from legalclock.calendar import Calendar, Day, DayKind, YearNotCoveredError
from legalclock.sessions import DEFAULT_WEEK, BadCalendarError, Session

OFF, WORK = DayKind.OFF, DayKind.WORK
MORNING = Session(time(7, 30), time(11, 30))
AFTERNOON = Session(time(13, 30), time(17))
PLAIN = Calendar().amended(years=[2024, 2025])


def test_an_ordinary_week_has_five_days_of_two_sessions() -> None:
    week = [PLAIN.sessions_on(date(2025, 6, day)) for day in range(2, 9)]
    assert week == [(MORNING, AFTERNOON)] * 5 + [(), ()]
    assert [bool(day) for day in week] == [PLAIN.is_working_day(date(2025, 6, day)) for day in range(2, 9)]


def test_exceptional_days_override_their_weekday() -> None:
    calendar = PLAIN.amended(days=[Day(date(2025, 6, 4), OFF), Day(date(2025, 6, 7), WORK)])
    assert not calendar.is_working_day(date(2025, 6, 4))
    assert calendar.sessions_on(date(2025, 6, 7)) == (MORNING, AFTERNOON)
    assert calendar.working_day_after(date(2025, 6, 3), 3) == date(2025, 6, 7)


def test_a_worked_day_takes_mondays_sessions_even_where_its_weekday_has_its_own() -> None:
    short_saturday = [(MORNING, AFTERNOON)] * 5 + [(MORNING,), ()]
    calendar = PLAIN.amended(sessions=short_saturday, days=[Day(date(2025, 6, 7), WORK)])
    assert calendar.sessions_on(date(2025, 6, 7)) == (MORNING, AFTERNOON)
    assert calendar.sessions_on(date(2025, 6, 14)) == (MORNING,)


def test_a_later_row_about_a_day_replaces_the_earlier_one() -> None:
    first = Day(date(2025, 5, 2), OFF, "nghỉ hoán đổi", "a")
    second = Day(date(2025, 5, 2), WORK, "làm bình thường", "b")
    calendar = PLAIN.amended(days=[first, Day(date(2025, 4, 26), WORK)]).amended(days=[second])
    assert calendar.days == (Day(date(2025, 4, 26), WORK), second)
    assert calendar.is_working_day(date(2025, 5, 2))


def test_an_amendment_leaves_the_calendar_it_came_from_alone() -> None:
    assert PLAIN.working_day_after(date(2025, 6, 3), 1) == date(2025, 6, 4)
    amended = PLAIN.amended(days=[Day(date(2025, 6, 4), OFF)])
    assert amended.working_day_after(date(2025, 6, 3), 1) == date(2025, 6, 5)
    assert PLAIN.working_day_after(date(2025, 6, 3), 1) == date(2025, 6, 4)


def test_calendars_of_the_same_data_are_equal_whatever_the_order_and_the_use() -> None:
    a, b = Day(date(2025, 1, 1), OFF), Day(date(2025, 5, 1), OFF)
    one = Calendar().amended(years=[2025], days=[b, a])
    two = Calendar().amended(days=[a]).amended(years=[2025], days=[b], sessions=DEFAULT_WEEK)
    two.working_day_after(date(2025, 4, 30), 1)
    assert one == two
    assert hash(one) == hash(two)
    assert one != one.amended(years=[2026])


def test_a_day_may_be_known_before_its_year_is_complete() -> None:
    calendar = PLAIN.amended(days=[Day(date(2026, 1, 1), OFF)])
    with pytest.raises(YearNotCoveredError, match="2026") as caught:
        calendar.sessions_on(date(2026, 1, 1))
    assert caught.value.year == 2026
    assert not calendar.amended(years=[2026]).is_working_day(date(2026, 1, 1))


@pytest.mark.parametrize(
    ("day", "count", "missing"),
    [(date(2023, 12, 31), 1, 2023), (date(2025, 12, 31), 1, 2026), (date(2024, 1, 1), 600, 2026)],
)
def test_a_year_without_data_is_an_error_that_names_it(day: date, count: int, missing: int) -> None:
    with pytest.raises(YearNotCoveredError) as caught:
        PLAIN.working_day_after(day, count)
    assert caught.value.year == missing


def test_a_gap_between_covered_years_is_not_skipped() -> None:
    calendar = Calendar().amended(years=[2023, 2025])
    with pytest.raises(YearNotCoveredError, match="2024"):
        calendar.working_day_after(date(2023, 12, 29), 1)


def test_working_days_are_counted_over_the_turn_of_the_year_and_a_leap_day() -> None:
    assert PLAIN.working_day_after(date(2024, 2, 28), 1) == date(2024, 2, 29)
    assert PLAIN.working_day_after(date(2024, 12, 31), 1) == date(2025, 1, 1)
    assert PLAIN.working_day_after(date(2024, 1, 1), 262) == date(2025, 1, 1)


def test_the_last_working_day_of_a_year_needs_no_data_of_the_next() -> None:
    calendar = Calendar().amended(years=[2023])  # 2023 ends with a week-end
    assert calendar.working_day_after(date(2023, 12, 28), 1) == date(2023, 12, 29)


def test_working_day_from_stays_on_a_working_day() -> None:
    assert PLAIN.working_day_from(date(2025, 6, 6)) == date(2025, 6, 6)
    assert PLAIN.working_day_from(date(2025, 6, 7)) == date(2025, 6, 9)


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_one_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"got {count}"):
        PLAIN.working_day_after(date(2025, 6, 2), count)


@pytest.mark.parametrize(
    ("week", "words"),
    [
        ([(MORNING,)] * 6, "seven days, got 6"),
        ([()] + [(MORNING,)] * 6, "Monday"),
        ([(AFTERNOON, MORNING)] + [()] * 6, "07:30:00-11:30:00 starts before 17:00:00"),
        ([(MORNING, Session(time(11), time(12)))] + [()] * 6, "starts before 11:30:00"),
    ],
)
def test_a_week_that_cannot_be_is_refused(week: list[tuple[Session, ...]], words: str) -> None:
    with pytest.raises(BadCalendarError, match=words):
        PLAIN.amended(sessions=week)


@pytest.mark.parametrize(
    ("start", "end"),
    [(time(8), time(8)), (time(9), time(8)), (time(8, 0, 1), time(9)), (time(8), time(9, 0, 0, 1))],
)
def test_a_session_that_cannot_be_is_refused(start: time, end: time) -> None:
    with pytest.raises(BadCalendarError):
        Session(start, end)


def test_sessions_that_touch_are_allowed() -> None:
    touching = (Session(time(8), time(12)), Session(time(12), time(16)))
    assert PLAIN.amended(sessions=[touching] * 7).sessions_on(date(2025, 6, 8)) == touching
