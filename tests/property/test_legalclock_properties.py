"""What must hold of the legal clock on any calendar."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from legalclock.calendar import Calendar, Day, DayKind
from legalclock.moments import LOCAL, local
from legalclock.outcome import Outcome, outcome
from legalclock.sessions import Session
from legalclock.terms import TermUnit, due, remaining, resumed
from legalclock.working_time import add_working_minutes, remaining_minutes, resume, working_minutes

untimed = settings(deadline=None)  # what a loaded machine takes is no matter of law

FIRST, LAST = date(2024, 1, 1), date(2026, 12, 31)
IN_SESSIONS = [unit for unit in TermUnit if unit is not TermUnit.CLOCK_HOUR]
CUTOFFS = st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0))


def _sessions(edges: list[int]) -> tuple[Session, ...]:
    times = [time(edge // 60, edge % 60) for edge in sorted(edges)]
    return tuple(Session(start, end) for start, end in zip(times[::2], times[1::2], strict=False))


# Drawn from again and again: a strategy that is made anew for each case costs more than its case.
WORKED = st.lists(st.integers(0, 1439), min_size=2, max_size=6, unique=True).map(_sessions)
ANY = WORKED | st.just(())
ROWS = st.lists(st.builds(Day, st.dates(FIRST, LAST), st.sampled_from(DayKind)), max_size=40)
MAYBE_A_WEEK = st.none() | st.tuples(WORKED, ANY, ANY, ANY, ANY, ANY, ANY)
CALENDARS = st.builds(
    lambda rows, week: Calendar().amended(years=range(2000, 2500), days=rows, sessions=week),
    ROWS,
    MAYBE_A_WEEK,
)


INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2026, 6, 30), timezones=st.just(LOCAL))  # noqa: DTZ001 the bounds are given without zone, the strategy adds it
TERMS = st.tuples(st.integers(0, 90), st.sampled_from(TermUnit))


def at_or_in_a_session(calendar: Calendar, instant: datetime) -> bool:
    sessions = calendar.sessions_on(local(instant).date())
    return any(session.start <= local(instant).time() <= session.end for session in sessions)


@untimed
@given(CALENDARS, INSTANTS, INSTANTS, TERMS, CUTOFFS)
def test_a_later_receipt_is_never_due_earlier(
    calendar: Calendar, a: datetime, b: datetime, term: tuple[int, TermUnit], cutoff: time | None
) -> None:
    earlier, later = sorted((a, b))
    first, second = due(calendar, earlier, *term, cutoff), due(calendar, later, *term, cutoff)
    assert first.due <= second.due
    assert first.received_at <= second.received_at


@untimed
@given(CALENDARS, INSTANTS, st.integers(0, 90), st.sampled_from(IN_SESSIONS), CUTOFFS)
def test_receipt_and_due_lie_in_sessions_in_this_order(
    calendar: Calendar, handed_in: datetime, value: int, unit: TermUnit, cutoff: time | None
) -> None:
    answer = due(calendar, handed_in, value, unit, cutoff)
    assert handed_in <= answer.received_at <= answer.due
    assert at_or_in_a_session(calendar, answer.received_at)
    assert at_or_in_a_session(calendar, answer.due)
    assert due(calendar, answer.received_at, value, unit) == due(calendar, handed_in, value, unit)


@untimed
@given(CALENDARS, INSTANTS, st.integers(0, 90), st.sampled_from(TermUnit))
def test_a_longer_term_is_never_due_earlier(
    calendar: Calendar, handed_in: datetime, value: int, unit: TermUnit
) -> None:
    assert due(calendar, handed_in, value, unit).due <= due(calendar, handed_in, value + 1, unit).due


@untimed
@given(CALENDARS, INSTANTS, INSTANTS, INSTANTS)
def test_working_minutes_add_up(calendar: Calendar, a: datetime, b: datetime, c: datetime) -> None:
    parts = working_minutes(calendar, a, b) + working_minutes(calendar, b, c)
    assert working_minutes(calendar, a, c) == parts
    assert working_minutes(calendar, b, a) == -working_minutes(calendar, a, b)


@untimed
@given(CALENDARS, INSTANTS, st.integers(-1_000, 20_000))
def test_adding_is_the_inverse_of_counting(calendar: Calendar, start: datetime, minutes: int) -> None:
    start = start.replace(second=0, microsecond=0)
    end = add_working_minutes(calendar, start, minutes)
    assert working_minutes(calendar, start, end) == minutes
    assert at_or_in_a_session(calendar, end)


@untimed
@given(CALENDARS, INSTANTS, TERMS, INSTANTS, INSTANTS)
def test_a_pause_adds_its_working_time_and_nothing_else(
    calendar: Calendar, handed_in: datetime, term: tuple[int, TermUnit], a: datetime, b: datetime
) -> None:
    value, unit = term
    assume(unit is not TermUnit.CLOCK_HOUR)
    limit = due(calendar, handed_in, value, unit).due
    paused, goes_on = sorted((a, b))
    left = remaining(calendar, paused, limit, unit)
    assert (left < 0) == (paused > limit)
    assume(left > 0)
    new = resumed(calendar, goes_on, left, unit)
    pause = working_minutes(calendar, paused, goes_on)
    exact = resume(calendar, goes_on, left, whole_days=False)
    rounded_up = bool(limit.second or limit.microsecond)
    assert working_minutes(calendar, limit, exact) == pause + rounded_up
    assert new == (exact if not unit.whole_days else max(exact, new))
    assert local(new).date() == local(exact).date()


@untimed
@given(CALENDARS, INSTANTS, TERMS, st.timedeltas(timedelta(0), timedelta(days=30)))
def test_going_on_at_once_changes_nothing_but_the_part_of_a_minute(
    calendar: Calendar, handed_in: datetime, term: tuple[int, TermUnit], after: timedelta
) -> None:
    value, unit = term
    limit = due(calendar, handed_in, value, unit).due
    at = limit - after
    left = remaining(calendar, at, limit, unit)
    assume(left > 0)
    new = resumed(calendar, at, left, unit)
    part = limit.replace(second=0, microsecond=0) != limit
    if unit is TermUnit.CLOCK_HOUR:
        assert new == limit.replace(second=0, microsecond=0) + timedelta(minutes=part)
    else:
        # In working time: the end of a session and the start of the next are one place.
        assert working_minutes(calendar, limit, new) == part


@untimed
@given(CALENDARS, INSTANTS, INSTANTS)
def test_remaining_is_negative_exactly_when_overdue(
    calendar: Calendar, at: datetime, limit: datetime
) -> None:
    assert (remaining_minutes(calendar, at, limit) < 0) == (at > limit)


@untimed
@given(INSTANTS, INSTANTS, INSTANTS, st.sampled_from(TermUnit))
def test_a_later_finish_is_never_a_better_outcome(
    a: datetime, b: datetime, limit: datetime, unit: TermUnit
) -> None:
    order = list(Outcome)
    earlier, later = sorted((a, b))
    assert order.index(outcome(earlier, limit, unit)) <= order.index(outcome(later, limit, unit))
    assert (outcome(a, limit, unit) is Outcome.LATE) == (a > limit)


@settings(max_examples=25, deadline=None)
@given(st.permutations([Day(date(2025, 1, day), DayKind.OFF) for day in range(1, 8)]))
def test_the_order_of_rows_does_not_matter(days: list[Day]) -> None:
    assert Calendar().amended(years=[2025], days=days) == Calendar().amended(
        years=[2025], days=sorted(days, key=lambda day: day.date)
    )
