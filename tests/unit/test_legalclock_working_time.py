"""Working time at its edges, pausing and going on, and the outcome."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from contracts import words
from legalclock.calendar import Calendar, Day, DayKind, YearNotCoveredError
from legalclock.moments import LOCAL
from legalclock.outcome import Outcome, outcome
from legalclock.working_time import (
    add_working_minutes,
    end_of_day,
    remaining_minutes,
    resume,
    working_minutes,
)

# June 2025: the 6th is a Friday, the 7th a worked Saturday, the 10th off.
CALENDAR = Calendar().amended(
    years=[2024, 2025],
    days=[Day(date(2025, 6, 7), DayKind.WORK), Day(date(2025, 6, 10), DayKind.OFF)],
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2025-06-{text}").replace(tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("02T08:00", "02T08:00", 0),
        ("02T08:00", "02T09:30", 90),
        ("02T11:00", "02T14:00", 60),
        ("02T00:00", "02T23:59", 450),
        ("06T16:00", "09T08:30", 60 + 450 + 60),
        ("09T16:00", "11T08:30", 120),
        ("08T01:00", "08T23:00", 0),
        ("02T08:00:59", "02T08:02:01", 2),
    ],
)
def test_working_minutes_both_ways(start: str, end: str, minutes: int) -> None:
    assert working_minutes(CALENDAR, at(start), at(end)) == minutes
    assert working_minutes(CALENDAR, at(end).astimezone(UTC), at(start)) == -minutes


def test_working_minutes_over_years() -> None:
    start, end = datetime(2024, 1, 1, tzinfo=LOCAL), datetime(2025, 1, 2, tzinfo=LOCAL)
    assert working_minutes(CALENDAR, start, end) == (262 + 1) * 450
    assert working_minutes(CALENDAR, end, start) == -(262 + 1) * 450
    assert add_working_minutes(CALENDAR, start, 263 * 450) == datetime(2025, 1, 1, 17, tzinfo=LOCAL)
    assert add_working_minutes(CALENDAR, end, -263 * 450) == datetime(2024, 1, 1, 7, 30, tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("02T08:00", 30, "02T08:30"),
        ("02T11:00", 30, "02T11:30"),
        ("02T11:00", 31, "02T13:31"),
        ("02T16:00", 60, "02T17:00"),
        ("02T17:00", 1, "03T07:31"),
        ("02T12:00", 210, "02T17:00"),
        ("08T10:00", 450, "09T17:00"),
        ("02T10:00:20.5", 60, "02T11:00:20.5"),
        ("02T11:00:20.5", 30, "02T13:30:20.5"),
        ("02T08:00", 0, "02T08:00"),
        ("02T11:30", 0, "02T11:30"),
        ("02T12:00", 0, "02T13:30"),
        ("02T17:00", 0, "02T17:00"),
        ("02T17:01", 0, "03T07:30"),
        ("08T10:00", 0, "09T07:30"),
        ("02T08:30", -30, "02T08:00"),
        ("02T14:00", -30, "02T13:30"),
        ("02T14:00", -31, "02T11:29"),
        ("03T07:30", -1, "02T16:59"),
        ("08T10:00", -450, "07T07:30"),
        ("02T10:00:20.5", -60, "02T09:00:20.5"),
    ],
)
def test_adding_working_minutes(start: str, minutes: int, end: str) -> None:
    answer = add_working_minutes(CALENDAR, at(start), minutes)
    assert answer == at(end)
    assert answer.tzinfo is LOCAL


def test_adding_reaches_into_the_neighbour_year_and_not_beyond_what_is_covered() -> None:
    eve, new_year = datetime(2024, 12, 31, 16, 30, tzinfo=LOCAL), datetime(2025, 1, 1, 8, 0, tzinfo=LOCAL)
    assert add_working_minutes(CALENDAR, eve, 60) == new_year
    assert add_working_minutes(CALENDAR, eve, 30) == eve.replace(hour=17, minute=0)
    assert add_working_minutes(CALENDAR, new_year, -60) == eve
    assert add_working_minutes(CALENDAR, new_year, -30) == new_year.replace(hour=7, minute=30)
    with pytest.raises(YearNotCoveredError, match="2023"):
        add_working_minutes(CALENDAR, eve, -300 * 450)
    with pytest.raises(YearNotCoveredError, match="2026"):
        add_working_minutes(CALENDAR, new_year, 300 * 450)
    with pytest.raises(YearNotCoveredError, match="2026"):
        working_minutes(CALENDAR, eve, datetime(2026, 1, 1, tzinfo=LOCAL))


def test_the_end_of_a_day_off_does_not_exist() -> None:
    assert end_of_day(CALENDAR, at("07T03:00")) == at("07T17:00")
    with pytest.raises(ValueError, match="2025-06-10"):
        end_of_day(CALENDAR, at("10T08:00"))


@pytest.mark.parametrize(
    ("paused", "due", "left"),
    [
        ("02T08:00", "02T17:00", 420),
        ("02T08:00:59", "02T17:00", 420),  # the count begins with the minute
        ("02T08:00:59", "02T08:10:01", 11),  # and ends with the minute
        ("02T17:00", "02T17:00", 0),
        ("02T12:00", "02T11:30", -1),  # overdue, though no working time has passed
        ("02T17:00:00.000001", "02T17:00", -1),
        ("03T07:31:30", "02T16:50:10", -10),  # overdue, too, the due time is read to the minute up
        ("03T08:30", "02T17:00", -60),
        ("08T12:00", "09T17:00", 450),
    ],
)
def test_what_is_left_when_the_clock_pauses(paused: str, due: str, left: int) -> None:
    assert remaining_minutes(CALENDAR, at(paused), at(due)) == left


@pytest.mark.parametrize(
    ("goes_on", "left", "exact", "whole_days"),
    [
        ("05T09:00", 60, "05T10:00", "05T17:00"),
        ("05T09:00", 420, "06T08:30", "06T17:00"),
        ("05T09:00", 360, "05T17:00", "05T17:00"),  # an end on the edge stays
        ("05T09:00", 150, "05T11:30", "05T17:00"),
        ("05T09:00:40", 360, "05T17:00", "05T17:00"),  # read to the minute: no day is won by seconds
        ("08T09:00", 450, "09T17:00", "09T17:00"),
        ("08T09:00", 451, "11T07:31", "11T17:00"),
        ("05T17:00", 1, "06T07:31", "06T17:00"),
    ],
)
def test_going_on_with_what_was_left(goes_on: str, left: int, exact: str, whole_days: str) -> None:
    assert resume(CALENDAR, at(goes_on), left, False) == at(exact)
    assert resume(CALENDAR, at(goes_on), left, True) == at(whole_days)


@pytest.mark.parametrize("left", [0, -1, -600])
def test_what_is_over_does_not_go_on(left: int) -> None:
    with pytest.raises(ValueError, match=f"got {left}"):
        resume(CALENDAR, at("05T14:00"), left, True)


@pytest.mark.parametrize("naive", ["a", "b"])
def test_naive_times_are_refused(naive: str) -> None:
    times = {"a": at("02T08:00"), "b": at("03T08:00")}
    times[naive] = times[naive].replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        working_minutes(CALENDAR, times["a"], times["b"])
    with pytest.raises(ValueError, match="time zone"):
        remaining_minutes(CALENDAR, times["a"], times["b"])
    with pytest.raises(ValueError, match="time zone"):
        outcome(times["a"], times["b"], "working_day")


@pytest.mark.parametrize(
    ("finished", "days", "hours"),
    [
        ("05T08:00", "early", "early"),
        ("05T23:59:59", "early", "early"),
        ("06T00:00", "on_time", "early"),
        ("06T16:59:59", "on_time", "early"),
        ("06T17:00", "on_time", "on_time"),
        ("06T17:00:00.000001", "late", "late"),
        ("06T23:00", "late", "late"),
        ("07T08:00", "late", "late"),
    ],
)
def test_outcome(finished: str, days: str, hours: str) -> None:
    limit = at("06T17:00")
    for unit in ("working_day", "calendar_day", "month"):
        assert outcome(at(finished).astimezone(UTC), limit, unit) == days
    for unit in ("minute", "working_hour", "clock_hour"):
        assert outcome(at(finished), limit.astimezone(UTC), unit) == hours
    assert outcome(at(finished), limit, "working_day", "working_hours") == hours
    assert outcome(at(finished), limit, "calendar_day", "working_hours") == days


def test_outcomes_are_those_of_the_messages() -> None:
    assert [str(word) for word in Outcome] == [str(word) for word in words.Outcome]
    with pytest.raises(ValueError, match="fortnight"):
        outcome(at("02T08:00"), at("03T08:00"), "fortnight")
