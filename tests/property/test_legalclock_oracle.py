"""Due dates and working time against a slow oracle that walks day by day and minute by minute.

The oracle shares no code and no table with the library: it knows a set of days off, a set of worked days
and the two sessions, and counts on naive local time. Seeded random cases, the same in every run.
"""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from legalclock.calendar import Calendar, Day, DayKind
from legalclock.terms import due
from legalclock.working_time import add_working_minutes, working_minutes

CASES = 2400
SEED = 20250702
VIETNAM = timezone(timedelta(hours=7))
ONE_DAY = timedelta(days=1)
ONE_MINUTE = timedelta(minutes=1)

OFF = {
    date(2024, 12, 31),
    date(2025, 1, 1),
    *(date(2025, 1, day) for day in range(27, 32)),
    date(2025, 4, 7),
    date(2025, 4, 30),
    date(2025, 5, 1),
    date(2025, 5, 2),
    date(2025, 9, 1),
    date(2025, 9, 2),
    date(2026, 1, 1),
    date(2026, 1, 2),
}
WORKED = {date(2025, 4, 26), date(2025, 12, 28), date(2026, 1, 10)}
CALENDAR = Calendar().amended(
    years=[2024, 2025, 2026],
    days=[Day(day, DayKind.OFF) for day in OFF] + [Day(day, DayKind.WORK) for day in WORKED],
)


def works(day: date) -> bool:
    return day in WORKED or (day.weekday() < 5 and day not in OFF)


def open_minute(minute: datetime) -> bool:
    clock = minute.hour * 60 + minute.minute
    return works(minute.date()) and (450 <= clock < 690 or 810 <= clock < 1020)


def received(handed_in: datetime) -> datetime:
    """The first minute of a session at or after the handing in."""
    minute = handed_in
    while not open_minute(minute):
        minute = minute.replace(second=0) + ONE_MINUTE
        while not works(minute.date()):
            minute = minute.replace(hour=0, minute=0) + ONE_DAY
    return minute


def slow_due(handed_in: datetime, value: int, unit: str, cutoff: time | None) -> datetime:
    if unit == "clock_hour":
        return handed_in + timedelta(hours=value)
    start = received(handed_in)
    if unit in ("minute", "working_hour"):
        left = value * (60 if unit == "working_hour" else 1)
        minute, seconds = start.replace(second=0), start.second
        while left:
            left -= open_minute(minute)
            minute += ONE_MINUTE
        if seconds and value and not open_minute(minute):
            minute = received(minute)  # the part of a minute left over runs in the next session
        return minute + timedelta(seconds=seconds)
    day = start.date()
    if unit == "working_day":
        for _ in range(value):
            day += ONE_DAY
            while not works(day):
                day += ONE_DAY
    elif unit == "calendar_day":
        for _ in range(value):
            day += ONE_DAY
    else:
        for _ in range(value):
            day = day.replace(day=1) + timedelta(days=31)
            day = day.replace(day=1)
        wanted = start.day
        while day.day < wanted and (day + ONE_DAY).month == day.month:
            day += ONE_DAY
    if value == 0 and cutoff is not None and handed_in.date() == start.date() and handed_in.time() > cutoff:
        day += ONE_DAY
    while not works(day):
        day += ONE_DAY
    return datetime.combine(day, time(17))


def some_time(dice: random.Random) -> datetime:
    """A naive local time of 2025; every third lies on or beside an edge of a session."""
    day = datetime(2025, 1, 1) + timedelta(days=dice.randrange(365))  # noqa: DTZ001 the oracle counts on naive local time
    if dice.randrange(3):
        return day + timedelta(seconds=dice.randrange(86_400))
    return day + timedelta(minutes=dice.choice([0, 449, 450, 689, 690, 691, 809, 810, 1019, 1020, 1439]))


def aware(naive: datetime, dice: random.Random) -> datetime:
    return naive.replace(tzinfo=VIETNAM).astimezone(dice.choice([UTC, VIETNAM]))


@pytest.mark.parametrize(
    ("unit", "longest"),
    [
        ("working_day", 60),
        ("calendar_day", 120),
        ("month", 12),
        ("working_hour", 40),
        ("minute", 600),
        ("clock_hour", 99),
    ],
)
def test_due_dates_are_those_of_the_oracle(unit: str, longest: int) -> None:
    dice = random.Random(f"{SEED} {unit}")
    cases = CASES if unit == "working_day" else CASES // 6
    for _ in range(cases):
        handed_in, value = some_time(dice), dice.choice([0, 1, dice.randint(0, longest)])
        cutoff = dice.choice([None, time(15), time(11)])
        answer = due(CALENDAR, aware(handed_in, dice), value, unit, cutoff)
        expected = slow_due(handed_in, value, unit, cutoff)
        assert answer.due == expected.replace(tzinfo=VIETNAM), (handed_in, value, cutoff)
        counted = handed_in if unit == "clock_hour" else received(handed_in)
        assert answer.received_at == counted.replace(tzinfo=VIETNAM), handed_in


def test_working_minutes_are_those_of_the_oracle() -> None:
    dice = random.Random(f"{SEED} between")
    for _ in range(300):
        start = some_time(dice)
        end = start + timedelta(minutes=dice.randrange(12_000))
        minute, count = start.replace(second=0), 0
        while minute < end.replace(second=0):
            count += open_minute(minute)
            minute += ONE_MINUTE
        assert working_minutes(CALENDAR, aware(start, dice), aware(end, dice)) == count, (start, end)


def test_going_back_is_that_of_the_oracle() -> None:
    dice = random.Random(f"{SEED} back")
    for _ in range(300):
        start, minutes = some_time(dice).replace(second=0), dice.randint(1, 2000)
        minute, left = start, minutes
        while left:
            minute -= ONE_MINUTE
            left -= open_minute(minute)
        assert add_working_minutes(CALENDAR, aware(start, dice), -minutes) == minute.replace(tzinfo=VIETNAM)
