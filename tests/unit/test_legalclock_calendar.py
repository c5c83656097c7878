"""The working calendar: exceptional days, years covered, weeks, amendments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from contracts import law
from legalclock.amendment import enacted
from legalclock.calendar import Calendar, Day, DayKind, YearNotCoveredError
from legalclock.moments import LOCAL
from legalclock.sessions import DEFAULT_WEEK, BadCalendarError, Session
from legalclock.weeks import WeekRule

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


SATURDAY, SUNDAY = date(2025, 6, 7), date(2025, 6, 8)


def test_a_worked_day_may_be_a_half_day() -> None:
    half = Day(SATURDAY, WORK, "làm bù buổi sáng", "a", sessions=(MORNING,))
    assert PLAIN.amended(days=[half]).sessions_on(SATURDAY) == (MORNING,)


@pytest.mark.parametrize(
    ("kind", "sessions", "words"),
    [
        (OFF, (MORNING,), "2025-06-07 is off and has sessions"),
        (WORK, (), "2025-06-07 is worked and has no sessions"),
        (WORK, (AFTERNOON, MORNING), "starts before"),
    ],
)
def test_a_day_that_cannot_be_is_refused(kind: DayKind, sessions: tuple[Session, ...], words: str) -> None:
    with pytest.raises(BadCalendarError, match=words):
        Day(SATURDAY, kind, sessions=sessions)
    with pytest.raises(BadCalendarError, match="starts before"):
        Day(SATURDAY, OFF, counter=(AFTERNOON, MORNING))


def test_sessions_change_over_time() -> None:
    summer = [(Session(time(7), time(11)), Session(time(13), time(17)))] * 5 + [(), ()]
    calendar = PLAIN.amended(sessions=summer, valid_from=date(2025, 4, 15), valid_to=date(2025, 10, 15))
    assert calendar.sessions_on(date(2025, 4, 14)) == (MORNING, AFTERNOON)
    assert calendar.sessions_on(date(2025, 4, 15)) == summer[0]
    assert calendar.sessions_on(date(2025, 10, 15)) == summer[0]
    assert calendar.sessions_on(date(2025, 10, 16)) == (MORNING, AFTERNOON)
    assert calendar.sessions == DEFAULT_WEEK
    assert calendar.full_day_minutes(date(2025, 4, 14)) == 450
    assert calendar.full_day_minutes(SATURDAY) == 480


def test_what_is_enacted_later_goes_first_and_an_undated_week_ends_all_before_it() -> None:
    one, two = ([(Session(time(hour), time(12)),)] * 7 for hour in (7, 8))
    dated = PLAIN.amended(sessions=one, valid_from=date(2025, 1, 1))
    assert dated.amended(sessions=two, valid_from=date(2025, 6, 1)).week_on(SATURDAY) == tuple(two)
    assert dated.amended(sessions=two, valid_to=date(2025, 6, 6)).week_on(SATURDAY) == tuple(one)
    undated = dated.amended(sessions=two)
    assert undated.week_on(SATURDAY) == tuple(two)
    assert undated.weeks == (WeekRule(tuple(two)),)
    shorter = dated.amended(sessions=two, valid_from=date(2025, 2, 1), valid_to=date(2025, 3, 1))
    assert len(shorter.weeks) == 3
    assert (
        len(shorter.amended(sessions=one, valid_from=date(2025, 1, 1), valid_to=date(2025, 4, 1)).weeks) == 3
    )
    with pytest.raises(BadCalendarError, match="valid from 2025-06-02 end on 2025-06-01"):
        PLAIN.amended(sessions=one, valid_from=date(2025, 6, 2), valid_to=date(2025, 6, 1))


def test_a_province_goes_before_the_country_and_touches_no_other() -> None:
    week = [(Session(time(7), time(12)),)] * 7
    calendar = PLAIN.amended(
        days=[Day(date(2025, 6, 4), OFF, "lễ hội", "tỉnh", province="H52"), Day(SUNDAY, OFF)],
        sessions=week,
        province="H52",
    ).amended(days=[Day(date(2025, 6, 4), WORK), Day(SUNDAY, WORK, province="H49")])
    here, there = calendar.for_province("H52"), calendar.for_province("H49")
    assert not here.is_working_day(date(2025, 6, 4))
    assert there.is_working_day(date(2025, 6, 4))
    assert here.is_working_day(SATURDAY)
    assert not here.is_working_day(SUNDAY)
    assert not there.is_working_day(SATURDAY)
    assert there.is_working_day(SUNDAY)
    assert here.sessions == tuple(week)
    assert here.row(date(2025, 6, 4)) == Day(date(2025, 6, 4), OFF, "lễ hội", "tỉnh", province="H52")
    assert calendar.sessions_on(date(2025, 6, 4)) == (MORNING, AFTERNOON)
    assert here is calendar.for_province("H52") is here.for_province("H52")
    assert here.for_province("") == calendar
    assert calendar.for_province("H01") is calendar
    only_counter = PLAIN.amended(counter=week, province="H30")
    assert only_counter.for_province("H30").counter_on(SUNDAY)


def test_an_open_counter_makes_no_working_day() -> None:
    counter = [(MORNING, AFTERNOON)] * 5 + [(MORNING,), ()]
    calendar = PLAIN.amended(
        counter=counter,
        days=[
            Day(date(2025, 6, 3), OFF),
            Day(date(2025, 6, 14), OFF, counter=(AFTERNOON,)),
            Day(date(2025, 6, 21), WORK),
            Day(date(2025, 6, 28), WORK, sessions=(AFTERNOON,)),
        ],
    )
    assert not calendar.is_working_day(SATURDAY)
    assert calendar.counter_on(SATURDAY) == (MORNING,)
    assert calendar.counter_open(datetime(2025, 6, 7, 7, 30, tzinfo=LOCAL))
    assert calendar.counter_open(datetime(2025, 6, 7, 1, 0, tzinfo=UTC))
    assert not calendar.counter_open(datetime(2025, 6, 7, 11, 30, tzinfo=LOCAL))
    assert calendar.counter_on(date(2025, 6, 3)) == ()
    assert calendar.counter_on(date(2025, 6, 14)) == (AFTERNOON,)
    assert calendar.counter_on(date(2025, 6, 21)) == (MORNING, AFTERNOON)
    assert calendar.counter_on(date(2025, 6, 28)) == (AFTERNOON,)
    assert PLAIN.counter_on(SATURDAY) == ()
    with pytest.raises(YearNotCoveredError):
        calendar.counter_on(date(2026, 6, 1))


def test_a_year_in_which_no_term_would_end_is_refused_by_trial() -> None:
    whole_year = [Day(date(2025, 1, 1) + timedelta(days=n), OFF) for n in range(365)]
    with pytest.raises(BadCalendarError, match="the year 2025 has no working day"):
        PLAIN.amended(days=whole_year)
    with pytest.raises(BadCalendarError, match="the year 2025"):
        PLAIN.amended(days=[replace(day, province="H52") for day in whole_year])
    not_yet_complete = Calendar().amended(days=whole_year)
    with pytest.raises(BadCalendarError, match="the year 2025"):
        not_yet_complete.amended(years=[2025])
    one_left = PLAIN.amended(days=whole_year[:-1])
    assert one_left.working_day_after(date(2025, 1, 1), 1) == date(2025, 12, 31)


def test_working_days_are_counted_back_too() -> None:
    assert PLAIN.working_day_before(date(2025, 6, 9), 1) == date(2025, 6, 6)
    assert PLAIN.working_day_before(date(2025, 6, 8), 1) == date(2025, 6, 6)
    assert PLAIN.working_day_before(date(2025, 1, 1), 2) == date(2024, 12, 30)
    with pytest.raises(ValueError, match="got 0"):
        PLAIN.working_day_before(date(2025, 6, 9), 0)
    with pytest.raises(YearNotCoveredError, match="2023"):
        PLAIN.working_day_before(date(2024, 1, 1), 1)


def test_a_law_record_is_enacted_whole() -> None:
    def spans(*sessions: Session) -> tuple[law.Session, ...]:
        return tuple(law.Session(span.start, span.end) for span in sessions)

    change = law.CalendarAmended(
        years=(2025,),
        days=(
            law.CalendarDay(date=date(2025, 6, 4), kind=law.DayKind.OFF, name_vi="lễ hội", source="a"),
            law.CalendarDay(
                date=SATURDAY,
                kind=law.DayKind.WORK,
                name_vi="làm bù",
                source="b",
                sessions=spans(MORNING),
                counter=spans(AFTERNOON),
            ),
        ),
        source="quyết định",
        sessions=(spans(MORNING),) * 5 + ((), ()),
        counter=(spans(AFTERNOON),) * 7,
        valid_from=date(2025, 6, 1),
        valid_to=date(2025, 6, 30),
        province="H52",
    )
    calendar = enacted(Calendar(), change)
    assert calendar.years == {2025}
    assert calendar.days == (
        Day(date(2025, 6, 4), OFF, "lễ hội", "a", province="H52"),
        Day(SATURDAY, WORK, "làm bù", "b", (MORNING,), (AFTERNOON,), "H52"),
    )
    june = date(2025, 6, 1), date(2025, 6, 30), "H52", "quyết định"
    assert calendar.weeks[-1] == WeekRule(((MORNING,),) * 5 + ((), ()), *june)
    assert calendar.counter_weeks == (WeekRule(((AFTERNOON,),) * 7, *june),)
    plain = enacted(Calendar(), law.CalendarAmended(years=(2025,), days=(), source="x"))
    assert plain == Calendar().amended(years=[2025])


def test_calendars_that_say_the_same_of_a_year_share_its_table() -> None:
    """Partitions build their calendars each on its own, and an amendment is mostly of one year."""
    amended = PLAIN.amended(days=[Day(date(2025, 6, 4), OFF)])
    assert amended.table(2024) is PLAIN.table(2024)
    assert amended.table(2025) is not PLAIN.table(2025)
    assert Calendar().amended(years=[2025]).table(2025) is PLAIN.table(2025)
