"""Explanations: the steps by which a due time came about, made only when asked for.

Nothing is counted here a second time: the due time is asked of :mod:`legalclock.terms` and
:mod:`legalclock.dossier_clock`, the days and sessions on the way are read from the calendar, and
:func:`legalclock.steps.replay` proves that they lead there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from legalclock import steps
from legalclock.calendar import Calendar, DayKind, differing_days
from legalclock.dossier_clock import (
    Apology,
    DossierClock,
    GoesOn,
    Move,
    Paused,
    Reading,
    Span,
    Term,
    promised,
    read,
    timeline,
)
from legalclock.moments import local, moment
from legalclock.moves import apology_deadline
from legalclock.policy import DEFAULT_POLICY, Policy, ReceiptRule
from legalclock.rulesets import OnSupplement, named, rule_set
from legalclock.sessions import minutes_of
from legalclock.terms import Due, day_before_rolling, due, in_minutes, resumed
from legalclock.units import DueMode, TermUnit, mode_of, unit_of
from legalclock.working_time import add_working_minutes, minute_up, next_working_instant

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps in order, and the due time they lead to. Raises StepsError when they do not."""

    steps: tuple[steps.Step, ...]
    due: datetime

    def __post_init__(self) -> None:
        if (led_to := steps.replay(self.steps)) != self.due:
            raise steps.StepsError(f"the steps lead to {led_to} and not to {self.due}")


def explain(
    calendar: Calendar,
    received_at: datetime,
    value: int,
    unit: TermUnit | str,
    late_cutoff: time | None = None,
    *,
    mode: DueMode | str = DueMode.END_OF_DAY,
    policy: Policy = DEFAULT_POLICY,
    rules: str | None = None,
) -> Explanation:
    """Why a dossier is due when :func:`legalclock.terms.due` says, which raises what this does.

    The rule set is that of the local date of receipt unless named (ValueError for an unknown one).
    """
    term = Term(value, unit_of(unit), mode_of(mode), late_cutoff)
    chosen = rule_set(local(received_at).date()) if rules is None else named(rules)
    counted = due(calendar, received_at, value, term.unit, late_cutoff, mode=term.mode, policy=policy)
    at = local(received_at)
    first = steps.HandedIn(at, value, term.unit, term.mode, chosen.name, chosen.decree)
    return Explanation((first, *_term(calendar, at, counted, term, policy)), counted.due)


def explain_clock(
    calendar: Calendar, clock: DossierClock, amended_from: Calendar | None = None
) -> Explanation:
    """Why the current due time of a dossier is what :func:`legalclock.dossier_clock.read` says.

    With the calendar that stood before an amendment also what the amendment moved.
    """
    term = clock.term
    first = explain(
        calendar,
        clock.received_at,
        term.value,
        term.unit,
        term.late_cutoff,
        mode=term.mode,
        policy=clock.policy,
        rules=clock.rules,
    )
    found = list(first.steps)
    readings = timeline(calendar, clock)
    for move, before, after in zip(clock.moves, readings, readings[1:], strict=False):
        found += _move(calendar, clock, move, before, after)
    now = readings[-1].due_current
    if amended_from is not None:
        was = read(amended_from, clock).due_current
        days = _changed(amended_from, calendar, readings[0].received_at.date(), max(was, now).date())
        found.append(steps.Amended(was, days))
    return Explanation(tuple(found), now)


def _term(
    calendar: Calendar, handed_in: datetime, counted: Due, term: Term, policy: Policy
) -> Iterator[steps.Step]:
    """The steps of a whole term from the handing in to its end."""
    start, end = counted.received_at, counted.due
    if start != handed_in:
        rule = policy.clock_hour_receipt if term.unit is TermUnit.CLOCK_HOUR else policy.receipt
        yield _counted_from(calendar, handed_in, start, rule is ReceiptRule.COUNTER)
    if term.value == 0 and term.unit is not TermUnit.CLOCK_HOUR:
        opening = end  # at once, or, outside the sessions, at the start of the next
        if term.unit.whole_days:
            opening = next_working_instant(calendar, start)
            opening = opening if opening.date() != start.date() else start
        if opening != start:
            yield _counted_from(calendar, start, opening)
        start = opening
    yield from _count(calendar, start, end, term)


def _count(calendar: Calendar, start: datetime, end: datetime, term: Term) -> Iterator[steps.Step]:
    """The steps of a term from where it starts to where it ends."""
    value, unit = term.value, term.unit
    if unit is TermUnit.CLOCK_HOUR:
        yield steps.Ran(value * 60, ((start, end),) if value else (), (), on_clock=True)
        return
    minutes = in_minutes(calendar, start.date(), value, unit, term.mode)
    if minutes is not None:
        yield _ran(calendar, minutes, start, end)
        return
    first, last = start.date(), end.date()
    if value == 0:
        past = first != last
        skipped = _days_off(calendar, first + _DAY, last) if past else ()
        yield steps.SameDay(term.late_cutoff, past, last, skipped)
    elif unit is TermUnit.WORKING_DAY:
        skipped = _days_off(calendar, first + _DAY, last)
        yield steps.DaysCounted(value, True, last, skipped, _worked(calendar, first, last))
    else:
        to = day_before_rolling(first, value, unit)
        if unit is TermUnit.MONTH:
            yield steps.MonthsCounted(value, to, to.day != first.day)
        else:
            yield steps.DaysCounted(value, False, to, (), ())
        if to != last:
            yield steps.Rolled(last, _days_off(calendar, to, last))
    yield steps.DayEnds(end)


def _move(
    calendar: Calendar, clock: DossierClock, move: Move, before: Reading, after: Reading
) -> Iterator[steps.Step]:
    was, now = before.due_current, after.due_current
    if isinstance(move, Paused):
        left, at = after.remaining_minutes or 0, local(move.at)
        how = clock.stands_for(move.cause)
        spans: tuple[Span, ...] = ()
        if left > 0:
            start, end = _minute(at), minute_up(was)
            on_clock = clock.term.unit is TermUnit.CLOCK_HOUR
            spans = ((start, end),) if on_clock else _sessions(calendar, start, end)
        yield steps.Stood(at, move.cause, how, left, spans)
    elif isinstance(move, GoesOn):
        yield from _went_on(calendar, clock, local(move.at), before, now)
    elif isinstance(move, Apology):
        deadline = apology_deadline(calendar, was, named(clock.rules).apology_days)
        until = promised(calendar, clock.term, move.until)
        yield steps.Promised(local(move.at), until, move.counts, deadline)
    else:
        yield steps.Extended(local(move.at), move.value, clock.term.unit)
        term = Term(move.value, clock.term.unit, clock.term.mode)
        yield from _count(calendar, was, now, term)


def _went_on(
    calendar: Calendar, clock: DossierClock, at: datetime, before: Reading, now: datetime
) -> Iterator[steps.Step]:
    assert before.paused is not None  # the timeline was read: a clock goes on only after it stood
    assert before.remaining_minutes is not None
    term, left = clock.term, before.remaining_minutes
    how = clock.stands_for(before.paused.cause)
    if how is OnSupplement.CONTINUE:
        yield steps.WentOn(at, steps.Since.AS_BEFORE)
        return
    if left <= 0:
        yield steps.WentOn(at, steps.Since.UP_BEFORE)
        return
    if how is OnSupplement.RESTART:
        yield steps.WentOn(at, steps.Since.ANEW)
        again = due(
            calendar, at, term.value, term.unit, term.late_cutoff, mode=term.mode, policy=clock.policy
        )
        end = again.due
        yield from _term(calendar, at, again, term, clock.policy)
    else:
        yield steps.WentOn(at, steps.Since.REST)
        end = resumed(calendar, at, left, term.unit, term.mode)
        start = _minute(at)
        if term.by_date:
            yield _ran(calendar, left, start, add_working_minutes(calendar, start, left))
            yield steps.DayEnds(end)
        elif term.unit is TermUnit.CLOCK_HOUR:
            yield steps.Ran(left, ((start, end),), (), on_clock=True)
        else:
            yield _ran(calendar, left, start, end)
    if end < now:
        yield steps.KeptLater(now)


def _counted_from(
    calendar: Calendar, handed_in: datetime, counted: datetime, by_counter: bool = False
) -> steps.CountedFrom:
    day = handed_in.date()
    hours = calendar.counter_on(day) if by_counter else calendar.sessions_on(day)
    if not hours:
        reason = steps.ReceiptReason.DAY_OFF
    elif handed_in.time() < hours[0].start:
        reason = steps.ReceiptReason.BEFORE_HOURS
    elif day == counted.date():
        reason = steps.ReceiptReason.BETWEEN_SESSIONS
    else:
        reason = steps.ReceiptReason.AFTER_HOURS
    first = day + _DAY if reason is steps.ReceiptReason.AFTER_HOURS else day
    skipped = tuple(_mark(calendar, day) for day in _days(first, counted.date()))
    return steps.CountedFrom(counted, reason, skipped)


def _ran(calendar: Calendar, minutes: int, start: datetime, end: datetime) -> steps.Ran:
    skipped = _days_off(calendar, start.date(), end.date()) if minutes else ()
    return steps.Ran(minutes, _sessions(calendar, start, end) if minutes else (), skipped)


def _sessions(calendar: Calendar, start: datetime, end: datetime) -> tuple[Span, ...]:
    """The working time from `start` to `end`, session by session."""
    spans = []
    for day in _days(start.date(), end.date() + _DAY):
        for session in calendar.sessions_on(day):
            span = max(start, moment(day, session.start)), min(end, moment(day, session.end))
            if span[0] < span[1]:
                spans.append(span)
    return tuple(spans)


def _days(first: date, until: date) -> Iterator[date]:
    return map(date.fromordinal, range(first.toordinal(), until.toordinal()))


def _days_off(calendar: Calendar, first: date, until: date) -> tuple[steps.MarkedDay, ...]:
    """The days off from `first` to before `until`."""
    return tuple(_mark(calendar, day) for day in _days(first, until) if not calendar.is_working_day(day))


def _worked(calendar: Calendar, after: date, to: date) -> tuple[steps.MarkedDay, ...]:
    """The days worked in lieu after `after` up to `to`."""
    rows = filter(None, map(calendar.row, _days(after + _DAY, to + _DAY)))
    worked = (row for row in rows if row.kind is DayKind.WORK)
    return tuple(steps.MarkedDay(row.date, steps.Why.WORKED, row.name, row.source) for row in worked)


def _mark(calendar: Calendar, day: date) -> steps.MarkedDay:
    """Why a day is out of the count."""
    row = calendar.row(day)
    if calendar.is_working_day(day):
        return steps.MarkedDay(day, steps.Why.CLOSED)
    if row is None:
        return steps.MarkedDay(day, steps.Why.WEEKLY)
    return steps.MarkedDay(day, steps.Why.OFF, row.name, row.source)


def _changed(before: Calendar, after: Calendar, first: date, last: date) -> tuple[steps.ChangedDay, ...]:
    found = []
    for day in differing_days(before, after, first, last):
        row = after.row(day) or before.row(day)
        minutes = minutes_of(before.sessions_on(day)), minutes_of(after.sessions_on(day))
        found.append(steps.ChangedDay(day, *minutes, row.name if row else "", row.source if row else ""))
    return tuple(found)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
