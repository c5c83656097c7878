"""The laws of the clock on any calendar and any history: parts and wholes, pauses, shares, explanations."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from legalclock.calendar import Calendar, Day, DayKind
from legalclock.dossier_clock import DossierClock, PauseCause, Term, read, started
from legalclock.explain import explain, explain_clock
from legalclock.moments import LOCAL, local
from legalclock.moves import MoveRefusedError, apologise, extend, pause, resume
from legalclock.policy import Policy, ReceiptRule
from legalclock.rulesets import OnSupplement
from legalclock.sentences import LANGUAGES, sentences
from legalclock.sessions import Session
from legalclock.shares import step_dues
from legalclock.steps import Promised, replay
from legalclock.terms import due
from legalclock.units import DueMode, TermUnit
from legalclock.working_time import add_working_minutes, working_minutes

untimed = settings(deadline=None)  # what a loaded machine takes is no matter of law

FIRST, LAST = date(2024, 1, 1), date(2026, 12, 31)
FULL = (Session(time(7, 30), time(11, 30)), Session(time(13, 30), time(17)))
MORNING = FULL[:1]
LONG = (Session(time(6), time(10)), Session(time(12), time(18, 30)))
DAYS = st.sampled_from([FULL, MORNING, LONG, ()])
IN_SESSIONS = [unit for unit in TermUnit if unit is not TermUnit.CLOCK_HOUR]
IN_HOURS = [TermUnit.MINUTE, TermUnit.WORKING_HOUR]


# Drawn from again and again: a strategy that is made anew for each case costs more than its case.
WEEKS = st.tuples(st.sampled_from([FULL, MORNING, LONG]), DAYS, DAYS, DAYS, DAYS, DAYS, DAYS)
DATES = st.dates(FIRST, LAST)
OFF = st.builds(Day, DATES, st.just(DayKind.OFF), st.just("nghỉ"), st.just("a"))
WORKED = st.builds(
    Day, DATES, st.just(DayKind.WORK), st.just(""), st.just(""), st.none() | st.sampled_from([MORNING, LONG])
)
ROWS = st.lists(OFF | WORKED, max_size=30)
MAYBE_A_WEEK = st.none() | WEEKS


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    """Days off, days and half days worked, a week that changes in summer, a counter with its own hours."""
    calendar = Calendar().amended(years=range(2020, 2040), days=draw(ROWS))
    if week := draw(MAYBE_A_WEEK):
        calendar = calendar.amended(sessions=week, valid_from=date(2025, 4, 15), valid_to=date(2025, 10, 15))
    counter = draw(MAYBE_A_WEEK)
    return calendar.amended(counter=counter) if counter else calendar


CALENDARS = calendars()


_ANY_TIME = st.datetimes(datetime(2024, 6, 1), datetime(2026, 6, 30), timezones=st.just(LOCAL))  # noqa: DTZ001 the bounds are given without zone, the strategy adds it
_AT_AN_EDGE = st.builds(
    lambda day, minute: datetime.combine(day, time(minute // 60, minute % 60), LOCAL),
    st.dates(date(2024, 6, 1), date(2026, 6, 30)),
    st.sampled_from([0, 360, 450, 600, 690, 720, 810, 1020, 1110]),
)
INSTANTS = _ANY_TIME | _AT_AN_EDGE
"""Any time of two years, often at or beside an edge of a session."""
POLICIES = st.builds(Policy, st.sampled_from(ReceiptRule), st.sampled_from(ReceiptRule))
VALUES = st.sampled_from([0, 1, 2, 3, 5, 15, 40])
CUTOFFS = st.none() | st.just(time(15))
TERMS = st.builds(
    Term,
    VALUES,
    st.sampled_from(TermUnit),
    st.sampled_from(DueMode),
    CUTOFFS,
    st.none() | st.sampled_from(OnSupplement),
)
WAITS = st.timedeltas(timedelta(0), timedelta(days=6))


MOVES = st.lists(
    st.tuples(
        WAITS,
        st.sampled_from(["pause", "resume", "apologise", "extend"]),
        st.sampled_from(PauseCause),
        st.timedeltas(timedelta(0), timedelta(days=30)),
        st.booleans(),
        st.integers(1, 5),
    ),
    max_size=5,
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Calendar, DossierClock]:
    """A dossier with some moves; what the rules refuse is left out."""
    calendar, now = draw(CALENDARS), draw(INSTANTS)
    clock = started(calendar, now, draw(TERMS), policy=draw(POLICIES))
    for wait, move, cause, promise, override, units in draw(MOVES):
        now += wait
        try:
            if move == "pause":
                clock = pause(calendar, clock, now, cause)
            elif move == "resume":
                clock = resume(calendar, clock, now)
            elif move == "apologise":
                clock = apologise(calendar, clock, now, now + promise, override=override)
            else:
                clock = extend(calendar, clock, now, units)
        except MoveRefusedError:
            continue
    return calendar, clock


HISTORIES = histories()


def in_a_session(calendar: Calendar, at: datetime) -> bool:
    sessions = calendar.sessions_on(local(at).date())
    return any(session.start <= local(at).time() <= session.end for session in sessions)


# Parts and wholes


@untimed
@given(CALENDARS, st.dates(date(2024, 6, 1), date(2026, 6, 30)), st.integers(1, 60), st.integers(1, 60))
def test_working_days_in_two_parts_are_those_at_once(
    calendar: Calendar, first: date, one: int, two: int
) -> None:
    half_way = calendar.working_day_after(first, one)
    assert calendar.working_day_after(half_way, two) == calendar.working_day_after(first, one + two)
    assert calendar.working_day_before(calendar.working_day_after(half_way, two), two) == half_way


@untimed
@given(CALENDARS, INSTANTS, st.integers(1, 3000), st.integers(1, 3000))
def test_working_time_in_two_parts_is_that_at_once(
    calendar: Calendar, start: datetime, one: int, two: int
) -> None:
    half_way = add_working_minutes(calendar, start, one)
    assert add_working_minutes(calendar, half_way, two) == add_working_minutes(calendar, start, one + two)


@untimed
@given(CALENDARS, INSTANTS, st.integers(1, 20), st.integers(1, 20))
def test_working_days_in_hours_are_so_many_full_days(
    calendar: Calendar, handed_in: datetime, one: int, two: int
) -> None:
    answer = due(calendar, handed_in, one, "working_day", mode="working_hours")
    full_day = calendar.full_day_minutes(answer.received_at.date())
    assert answer.due == add_working_minutes(calendar, answer.received_at, one * full_day)
    longer = due(calendar, handed_in, one + two, "working_day", mode="working_hours").due
    assert longer == add_working_minutes(calendar, answer.due, two * full_day)


# Order


@untimed
@given(CALENDARS, INSTANTS, INSTANTS, TERMS, POLICIES)
def test_a_later_receipt_is_never_due_earlier(
    calendar: Calendar, a: datetime, b: datetime, term: Term, policy: Policy
) -> None:
    # A full day may be another one after the week has changed, and so may the hours of a term in days.
    assume(term.mode is DueMode.END_OF_DAY or len(calendar.weeks) == 1)
    earlier, later = (
        due(calendar, at, term.value, term.unit, term.late_cutoff, mode=term.mode, policy=policy)
        for at in sorted((a, b))
    )
    assert earlier.due <= later.due
    assert earlier.received_at <= later.received_at


@untimed
@given(CALENDARS, INSTANTS, TERMS, POLICIES)
def test_in_working_time_the_due_time_lies_in_a_session_and_not_before_the_receipt(
    calendar: Calendar, handed_in: datetime, term: Term, policy: Policy
) -> None:
    answer = due(calendar, handed_in, term.value, term.unit, term.late_cutoff, mode=term.mode, policy=policy)
    assert handed_in <= answer.received_at <= answer.due
    assert term.unit is TermUnit.CLOCK_HOUR or in_a_session(calendar, answer.due)


# Pauses


@untimed
@given(
    CALENDARS,
    INSTANTS,
    st.integers(1, 80),
    st.sampled_from(IN_HOURS),
    st.lists(st.tuples(WAITS, WAITS), max_size=4),
)
def test_pauses_add_their_working_time_and_nothing_else(
    calendar: Calendar,
    handed_in: datetime,
    value: int,
    unit: TermUnit,
    waits: list[tuple[timedelta, timedelta]],
) -> None:
    whole = handed_in.replace(second=0, microsecond=0)
    clock = started(calendar, whole, Term(value, unit))
    now, paused = whole, 0
    for runs, stands in waits:
        now += runs
        assume(now < read(calendar, clock).due_current)
        clock = pause(calendar, clock, now, PauseCause.PAYMENT)
        clock = resume(calendar, clock, now + stands)
        paused += working_minutes(calendar, now, now + stands)
        now += stands
    assert working_minutes(calendar, clock.due_original, read(calendar, clock).due_current) == paused


@untimed
@given(HISTORIES, CALENDARS)
def test_an_amended_calendar_redates_as_if_it_had_always_been(
    history: tuple[Calendar, DossierClock], amended: Calendar
) -> None:
    _, clock = history
    reading = read(amended, clock)
    always = read(amended, started(amended, clock.received_at, clock.term, clock.rules, clock.policy))
    assert reading.received_at == always.received_at
    assert reading.due_original == clock.due_original
    assert reading.due_term >= always.due_term
    assert reading.due_term <= reading.due_counted <= reading.due_current
    assert clock.moves or reading.due_current == always.due_current


# Shares


@st.composite
def shares(draw: st.DrawFn) -> list[int]:
    cuts = sorted(draw(st.lists(st.integers(0, 100), max_size=5)))
    return [b - a for a, b in pairwise([0, *cuts, 100])]


@untimed
@given(HISTORIES, shares())
def test_shares_partition_the_working_time_exactly(
    history: tuple[Calendar, DossierClock], parts: list[int]
) -> None:
    calendar, clock = history
    reading, steps = read(calendar, clock), step_dues(calendar, clock, parts)
    assert [step.share for step in steps] == parts
    assert steps[-1].due == reading.due_current
    assert all(a.due <= b.due for a, b in pairwise(steps))
    assert all(step.minutes >= 0 for step in steps)
    if clock.term.unit is not TermUnit.CLOCK_HOUR:
        ran = sum(working_minutes(calendar, start, end) for start, end in reading.running)
        assert sum(step.minutes for step in steps) == ran
        assert all(in_a_session(calendar, step.due) for step in steps if step.share)


# Explanations


@untimed
@given(CALENDARS, INSTANTS, TERMS, POLICIES)
def test_the_steps_of_a_count_add_up_to_the_due_time(
    calendar: Calendar, handed_in: datetime, term: Term, policy: Policy
) -> None:
    found = explain(
        calendar, handed_in, term.value, term.unit, term.late_cutoff, mode=term.mode, policy=policy
    )
    answer = due(calendar, handed_in, term.value, term.unit, term.late_cutoff, mode=term.mode, policy=policy)
    assert replay(found.steps) == found.due == answer.due


@untimed
@given(HISTORIES, CALENDARS)
def test_the_steps_of_a_history_add_up_to_the_due_time_before_and_after_an_amendment(
    history: tuple[Calendar, DossierClock], amended: Calendar
) -> None:
    calendar, clock = history
    found = explain_clock(calendar, clock)
    assert replay(found.steps) == found.due == read(calendar, clock).due_current
    assert sum(isinstance(step, Promised) for step in found.steps) == read(calendar, clock).apologies
    after = explain_clock(amended, clock, amended_from=calendar)
    assert replay(after.steps) == after.due == read(amended, clock).due_current
    for language in LANGUAGES:
        assert all(sentences(after, language))
