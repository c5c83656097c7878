"""Due dates: the golden vectors, the edges of sessions and cut-offs, every unit."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from contracts import words
from legalclock.calendar import Calendar, Day, DayKind, YearNotCoveredError
from legalclock.moments import LOCAL
from legalclock.policy import Policy, ReceiptRule
from legalclock.terms import LONGEST, Due, TermUnit, due, extended, remaining, resumed
from legalclock.units import DueMode

OFF, WORK = DayKind.OFF, DayKind.WORK

# The exceptional days the vectors below touch, written out: the tests need no package and no data folder.
EXCEPTIONS = {
    OFF: """2024-04-18 2024-04-29 2024-04-30 2024-05-01 2025-04-07 2025-04-30 2025-05-01 2025-05-02
        2025-09-01 2025-09-02 2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20 2026-04-27 2026-04-30
        2026-05-01 2026-08-31 2026-09-01 2026-09-02 2026-11-24""",
    WORK: "2024-05-04 2025-04-26 2026-08-22",
}
CALENDAR = Calendar().amended(
    years=range(2024, 2027),
    days=[Day(date.fromisoformat(day), kind) for kind, days in EXCEPTIONS.items() for day in days.split()],
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


def test_units_are_those_of_the_messages() -> None:
    assert [str(unit) for unit in TermUnit] == [str(unit) for unit in words.TermUnit]
    assert due(CALENDAR, at("2025-06-02T08:00"), 1, words.TermUnit.WORKING_DAY).due == at("2025-06-03T17:00")


@pytest.mark.parametrize(
    ("received", "value", "unit", "expected"),
    [
        ("2025-04-25", 1, "working_day", "2025-04-26"),  # the next day is a worked Saturday
        ("2025-04-28", 5, "working_day", "2025-05-08"),
        ("2024-04-26", 3, "working_day", "2024-05-04"),  # ends on a worked Saturday
        ("2026-08-21", 3, "working_day", "2026-08-25"),
        ("2026-08-28", 5, "working_day", "2026-09-09"),
        ("2026-02-13", 5, "working_day", "2026-02-27"),  # over Tết
        ("2026-04-24", 1, "working_day", "2026-04-28"),  # Hùng Kings on a Sunday, Monday in lieu
        ("2026-11-23", 1, "working_day", "2026-11-25"),
        ("2025-04-17", 15, "calendar_day", "2025-05-05"),  # 2 May is off
        ("2025-08-17", 15, "calendar_day", "2025-09-03"),  # handed in on a Sunday, see below
        ("2025-04-11", 15, "calendar_day", "2025-04-26"),  # a worked Saturday stands
    ],
)
def test_golden_vectors(received: str, value: int, unit: str, expected: str) -> None:
    answer = due(CALENDAR, at(f"{received}T09:15"), value, unit)
    assert answer.due == at(f"{expected}T17:00")
    assert answer.due.utcoffset() == answer.received_at.utcoffset() == timedelta(hours=7)


@pytest.mark.parametrize(
    ("handed_in", "counts_from"),
    [
        ("2025-06-02T00:00", "2025-06-02T07:30"),
        ("2025-06-02T07:29:59", "2025-06-02T07:30"),
        ("2025-06-02T07:30", "2025-06-02T07:30"),
        ("2025-06-02T10:17:43.5", "2025-06-02T10:17:43.5"),
        ("2025-06-02T11:29:59", "2025-06-02T11:29:59"),
        ("2025-06-02T11:30", "2025-06-02T13:30"),
        ("2025-06-02T12:00", "2025-06-02T13:30"),
        ("2025-06-02T16:59:59.999999", "2025-06-02T16:59:59.999999"),
        ("2025-06-02T17:00", "2025-06-03T07:30"),
        ("2025-06-02T23:59:59", "2025-06-03T07:30"),
        ("2025-06-06T17:00", "2025-06-09T07:30"),
        ("2025-06-07T10:00", "2025-06-09T07:30"),
        ("2025-04-30T10:00", "2025-05-05T07:30"),
        ("2025-04-25T18:00", "2025-04-26T07:30"),
    ],
)
def test_receipt_as_the_law_counts_it(handed_in: str, counts_from: str) -> None:
    answer = due(CALENDAR, at(handed_in), 1, TermUnit.WORKING_DAY)
    assert answer.received_at == at(counts_from)
    following = CALENDAR.working_day_after(at(counts_from).date(), 1)
    assert answer.due == datetime.combine(following, time(17), LOCAL)


def test_the_day_of_receipt_is_a_local_day_whatever_zone_it_is_told_in() -> None:
    late_evening = datetime(2025, 6, 2, 18, 0, tzinfo=UTC)  # 01:00 on 3 June in Việt Nam
    assert due(CALENDAR, late_evening, 1, "working_day").due == at("2025-06-04T17:00")
    assert due(CALENDAR, late_evening, 1, "clock_hour").due.isoformat() == "2025-06-03T02:00:00+07:00"


@pytest.mark.parametrize("unit", ["working_day", "calendar_day", "month"])
@pytest.mark.parametrize(
    ("handed_in", "expected"),
    [
        ("2025-06-06T08:00", "2025-06-06T17:00"),
        ("2025-06-06T15:00", "2025-06-06T17:00"),
        ("2025-06-06T15:00:00.000001", "2025-06-09T17:00"),
        ("2025-06-06T16:59", "2025-06-09T17:00"),
        ("2025-06-06T17:30", "2025-06-09T17:00"),  # counts from Monday morning: before the cut-off
        ("2025-06-07T16:00", "2025-06-09T17:00"),
    ],
)
def test_the_cut_off_moves_a_same_day_term(unit: str, handed_in: str, expected: str) -> None:
    assert due(CALENDAR, at(handed_in), 0, unit, time(15)).due == at(expected)


def test_a_cut_off_at_lunch_looks_at_the_hour_it_was_handed_in() -> None:
    assert due(CALENDAR, at("2025-06-06T11:45"), 0, "working_day", time(12)).due == at("2025-06-06T17:00")
    assert due(CALENDAR, at("2025-06-06T12:15"), 0, "working_day", time(12)).due == at("2025-06-09T17:00")


def test_the_cut_off_says_nothing_about_other_terms() -> None:
    late = at("2025-06-06T16:30")
    for value, unit in [
        (1, "working_day"),
        (3, "calendar_day"),
        (1, "month"),
        (0, "working_hour"),
        (30, "minute"),
    ]:
        assert due(CALENDAR, late, value, unit, time(15)) == due(CALENDAR, late, value, unit)
    assert due(CALENDAR, late, 0, "working_day").due == at("2025-06-06T17:00")


@pytest.mark.parametrize(
    ("handed_in", "value", "unit", "expected"),
    [
        ("2025-06-02T08:00", 2, "working_hour", "2025-06-02T10:00"),
        ("2025-06-02T09:30", 2, "working_hour", "2025-06-02T11:30"),  # stays on the edge
        ("2025-06-02T10:30", 2, "working_hour", "2025-06-02T14:30"),
        ("2025-06-02T09:30:30", 2, "working_hour", "2025-06-02T13:30:30"),
        ("2025-06-02T13:30", 8, "working_hour", "2025-06-03T14:00"),
        ("2025-06-06T15:00", 2, "working_hour", "2025-06-06T17:00"),
        ("2025-06-06T15:00:01", 2, "working_hour", "2025-06-09T07:30:01"),
        ("2025-06-06T18:00", 1, "working_hour", "2025-06-09T08:30"),
        ("2025-06-02T11:20", 30, "minute", "2025-06-02T13:50"),
        ("2025-06-02T16:45", 30, "minute", "2025-06-03T07:45"),
        ("2025-06-02T12:00", 0, "minute", "2025-06-02T13:30"),
        ("2025-06-07T22:10", 2, "clock_hour", "2025-06-08T00:10"),
        ("2025-06-02T10:00", 24, "clock_hour", "2025-06-03T10:00"),
        ("2025-01-31T10:00", 1, "month", "2025-02-28T17:00"),  # clamped
        ("2024-01-31T10:00", 1, "month", "2024-02-29T17:00"),
        ("2025-10-31T10:00", 13, "month", "2026-11-30T17:00"),
        ("2025-12-15T10:00", 1, "month", "2026-01-15T17:00"),
        ("2025-05-08T10:00", 1, "month", "2025-06-09T17:00"),  # 8 June is a Sunday
        ("2025-06-05T10:00", 2, "calendar_day", "2025-06-09T17:00"),
    ],
)
def test_other_units(handed_in: str, value: int, unit: str, expected: str) -> None:
    assert due(CALENDAR, at(handed_in), value, unit).due == at(expected)


def test_short_fridays_end_with_their_own_last_session() -> None:
    weekday = CALENDAR.sessions[0]
    short = CALENDAR.amended(sessions=[weekday] * 4 + [weekday[:1], (), ()])
    assert due(short, at("2025-06-05T08:00"), 1, "working_day").due == at("2025-06-06T11:30")
    assert due(short, at("2025-06-06T11:30"), 0, "working_day").due == at("2025-06-09T17:00")


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(YearNotCoveredError, match="2027"):
        due(CALENDAR, at("2026-12-30T08:00"), 3, "working_day")
    with pytest.raises(YearNotCoveredError, match="2027"):
        due(CALENDAR, at("2026-12-31T17:00"), 0, "working_day")
    with pytest.raises(YearNotCoveredError, match="2331"):
        due(CALENDAR, at("2026-12-30T08:00"), 3650, "month")
    with pytest.raises(ValueError, match="got -1"):
        due(CALENDAR, at("2026-06-01T08:00"), -1, "working_day")
    with pytest.raises(ValueError, match="fortnight"):
        due(CALENDAR, at("2026-06-01T08:00"), 1, "fortnight")
    with pytest.raises(ValueError, match="time zone"):
        due(CALENDAR, at("2026-06-01T08:00").replace(tzinfo=None), 1, "working_day")


@pytest.mark.parametrize(
    ("unit", "paused", "limit", "left", "goes_on", "new_due"),
    [
        ("working_day", "2025-06-02T10:00", "2025-06-03T17:00", 750, "2025-06-05T14:00", "2025-06-09T17:00"),
        ("working_hour", "2025-06-02T10:00", "2025-06-02T14:00", 120, "2025-06-05T14:00", "2025-06-05T16:00"),
        (
            "clock_hour",
            "2025-06-07T22:30:20",
            "2025-06-08T00:10",
            100,
            "2025-06-09T03:00:59",
            "2025-06-09T04:40",
        ),
        (
            "clock_hour",
            "2025-06-08T00:10:10",
            "2025-06-08T00:10:40",
            1,
            "2025-06-09T03:00",
            "2025-06-09T03:01",
        ),
    ],
)
def test_pausing_and_going_on_by_unit(
    unit: str, paused: str, limit: str, left: int, goes_on: str, new_due: str
) -> None:
    assert remaining(CALENDAR, at(paused), at(limit), unit) == left
    assert resumed(CALENDAR, at(goes_on), left, unit) == at(new_due)


@pytest.mark.parametrize(
    ("unit", "paused", "limit", "left"),
    [
        ("clock_hour", "2025-06-08T00:10:20", "2025-06-08T00:10", -1),
        ("clock_hour", "2025-06-08T02:10", "2025-06-08T00:10", -120),
        ("clock_hour", "2025-06-08T02:10", "2025-06-08T00:09:30", -120),
        ("working_day", "2025-06-03T08:30", "2025-06-02T17:00", -60),
    ],
)
def test_what_is_over_when_the_clock_stops_is_over(unit: str, paused: str, limit: str, left: int) -> None:
    assert remaining(CALENDAR, at(paused), at(limit), unit) == left
    with pytest.raises(ValueError, match="to go on with"):
        resumed(CALENDAR, at("2025-06-09T08:00"), left, unit)


@pytest.mark.parametrize(
    ("handed_in", "value", "expected"),
    [
        ("2025-06-02T10:17", 1, "2025-06-03T10:17"),
        ("2025-06-02T10:17", 3, "2025-06-05T10:17"),
        ("2025-06-06T16:00", 2, "2025-06-10T16:00"),
        ("2025-06-02T12:00", 1, "2025-06-03T11:30"),  # 13:30 and one day more, on the edge
        ("2025-06-02T07:30", 1, "2025-06-02T17:00"),  # a whole day of sessions
        ("2025-06-02T18:00", 1, "2025-06-03T17:00"),
        ("2025-06-02T10:17:30", 1, "2025-06-03T10:17:30"),
        ("2025-06-02T10:17", 0, "2025-06-02T17:00"),  # the same day, in either mode
    ],
)
def test_working_days_in_working_hours_end_at_that_working_moment(
    handed_in: str, value: int, expected: str
) -> None:
    answer = due(CALENDAR, at(handed_in), value, "working_day", time(15), mode="working_hours")
    assert answer.due == at(expected)


def test_a_day_in_working_hours_is_a_full_day_even_over_a_half_day() -> None:
    morning = CALENDAR.sessions[0][:1]
    half_fridays = CALENDAR.amended(sessions=[CALENDAR.sessions[0]] * 4 + [morning, (), ()])
    answer = due(half_fridays, at("2025-06-05T13:30"), 1, "working_day", mode=DueMode.WORKING_HOURS)
    assert answer.due == at("2025-06-06T11:30")  # 3.5 h on Thursday, 4 h on Friday
    assert due(half_fridays, at("2025-06-05T16:00"), 1, "working_day", mode="working_hours").due == at(
        "2025-06-09T10:00"
    )


def test_the_mode_says_nothing_about_other_units() -> None:
    for value, unit in [
        (2, "calendar_day"),
        (1, "month"),
        (3, "working_hour"),
        (30, "minute"),
        (5, "clock_hour"),
    ]:
        handed_in = at("2025-06-02T10:17")
        assert due(CALENDAR, handed_in, value, unit, mode="working_hours") == due(
            CALENDAR, handed_in, value, unit
        )


# Friday 6 June, the counter is open on Saturday morning; Saturday is no working day.
OPEN_SATURDAY = CALENDAR.amended(
    counter=[CALENDAR.sessions[0]] * 5 + [CALENDAR.sessions[0][:1], ()], source="quyết định của tỉnh"
)


@pytest.mark.parametrize(
    ("rule", "handed_in", "counts_from", "one_day", "three_days", "two_hours"),
    [
        ("next_session", "06T17:30", "09T07:30", "10T17:00", "12T17:00", "09T09:30"),
        ("next_session", "07T09:00", "09T07:30", "10T17:00", "12T17:00", "09T09:30"),
        ("counter", "06T17:30", "07T07:30", "09T17:00", "10T17:00", "09T09:30"),
        ("counter", "07T09:00", "07T09:00", "09T17:00", "10T17:00", "09T09:30"),
        ("counter", "07T11:30", "09T07:30", "10T17:00", "12T17:00", "09T09:30"),
        ("counter", "02T12:00", "02T13:30", "03T17:00", "05T17:00", "02T15:30"),
        ("actual", "06T17:30", "06T17:30", "09T17:00", "09T17:00", "09T09:30"),
        ("actual", "08T23:00", "08T23:00", "09T17:00", "11T17:00", "09T09:30"),
    ],
)
def test_the_receipt_is_a_policy(
    rule: str, handed_in: str, counts_from: str, one_day: str, three_days: str, two_hours: str
) -> None:
    policy = Policy(receipt=ReceiptRule(rule))
    june = "2025-06-"
    answer = due(OPEN_SATURDAY, at(june + handed_in), 1, "working_day", policy=policy)
    assert answer == Due(at(june + one_day), at(june + counts_from))
    in_calendar_days = due(OPEN_SATURDAY, at(june + handed_in), 3, "calendar_day", policy=policy)
    assert in_calendar_days.due == at(june + three_days)
    assert due(OPEN_SATURDAY, at(june + handed_in), 2, "working_hour", policy=policy).due == at(
        june + two_hours
    )


def test_a_same_day_term_needs_working_time_left_whatever_the_receipt() -> None:
    actual = Policy(receipt=ReceiptRule.ACTUAL)
    assert due(CALENDAR, at("2025-06-06T18:00"), 0, "working_day", policy=actual).due == at(
        "2025-06-09T17:00"
    )
    assert due(CALENDAR, at("2025-06-07T18:00"), 0, "month", time(15), policy=actual).due == at(
        "2025-06-09T17:00"
    )
    assert due(CALENDAR, at("2025-06-06T16:00"), 0, "working_day", time(15), policy=actual).due == at(
        "2025-06-09T17:00"
    )


def test_the_receipt_of_clock_hours_is_a_policy_of_its_own() -> None:
    night = at("2025-06-07T22:10")
    normalised = Policy(clock_hour_receipt=ReceiptRule.NEXT_SESSION)
    assert due(CALENDAR, night, 2, "clock_hour").due == at("2025-06-08T00:10")
    assert due(CALENDAR, night, 2, "clock_hour", policy=normalised) == Due(
        at("2025-06-09T09:30"), at("2025-06-09T07:30")
    )


def test_an_absurd_term_or_time_is_refused() -> None:
    with pytest.raises(ValueError, match=f"at most {LONGEST}"):
        due(CALENDAR, at("2025-06-02T08:00"), LONGEST + 1, "minute")
    with pytest.raises(ValueError, match="working_hourz"):
        due(CALENDAR, at("2025-06-02T08:00"), 1, "working_day", mode="working_hourz")
    with pytest.raises(ValueError, match="beyond the calendar"):
        due(CALENDAR, datetime.max.replace(tzinfo=UTC), 1, "working_day")
    with pytest.raises(ValueError, match="beyond the calendar"):
        due(CALENDAR, datetime.max.replace(tzinfo=LOCAL), 1, "clock_hour")


@pytest.mark.parametrize(
    ("limit", "value", "unit", "mode", "later"),
    [
        ("2025-06-06T17:00", 1, "working_day", "end_of_day", "2025-06-09T17:00"),
        ("2025-06-06T10:00", 1, "working_day", "working_hours", "2025-06-09T10:00"),
        ("2025-06-06T17:00", 1, "calendar_day", "end_of_day", "2025-06-09T17:00"),
        ("2025-05-30T17:00", 1, "month", "end_of_day", "2025-06-30T17:00"),
        ("2025-06-06T16:00", 2, "working_hour", "end_of_day", "2025-06-09T08:30"),
        ("2025-06-06T16:00", 90, "minute", "end_of_day", "2025-06-09T08:00"),
        ("2025-06-06T23:00", 2, "clock_hour", "end_of_day", "2025-06-07T01:00"),
    ],
)
def test_an_extension_counts_on_from_the_due_time(
    limit: str, value: int, unit: str, mode: str, later: str
) -> None:
    assert extended(CALENDAR, at(limit), value, unit, mode) == at(later)
    with pytest.raises(ValueError, match="got 0"):
        extended(CALENDAR, at(limit), 0, unit, mode)
