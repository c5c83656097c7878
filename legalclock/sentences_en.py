"""The steps of a count in English."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import singledispatch
from typing import Final

from legalclock import steps
from legalclock.dossier_clock import PauseCause
from legalclock.rulesets import OnSupplement, named
from legalclock.steps import MarkedDay, ReceiptReason, Since, Why
from legalclock.units import DueMode, TermUnit

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_UNITS: Final = {
    TermUnit.MINUTE: "working minute",
    TermUnit.WORKING_HOUR: "working hour",
    TermUnit.CLOCK_HOUR: "hour",
    TermUnit.WORKING_DAY: "working day",
    TermUnit.CALENDAR_DAY: "day",
    TermUnit.MONTH: "month",
}
_REASONS: Final = {
    ReceiptReason.BEFORE_HOURS: "Handed in before working hours",
    ReceiptReason.BETWEEN_SESSIONS: "Handed in between two sessions",
    ReceiptReason.AFTER_HOURS: "Handed in after working hours",
    ReceiptReason.DAY_OFF: "Handed in on a day off",
}
_CAUSES: Final = {
    PauseCause.SUPPLEMENT: "waiting for a supplement",
    PauseCause.PAYMENT: "waiting for a payment",
    PauseCause.SUSPENSION: "suspended",
}
_GOES_ON: Final = {
    Since.REST: "what remained is counted on",
    Since.ANEW: "the term begins anew",
    Since.AS_BEFORE: "the term ran on meanwhile, the due time stays",
    Since.UP_BEFORE: "the time was up before, the due time stays",
}


@singledispatch
def english(step: object) -> str:
    """One step as a sentence."""
    raise TypeError(f"no step of a count: {step!r}")


@english.register
def _(step: steps.HandedIn) -> str:
    hours = step.mode is DueMode.WORKING_HOURS and step.unit is TermUnit.WORKING_DAY and step.value
    how = " of full session hours" if hours else ""
    term = f"{_some(step.value, _UNITS[step.unit])}{how}"
    rules = f"{named(step.rules).decree_en} ({step.rules})"
    return f"Handed in at {_at(step.at)} with a term of {term}, under {rules}."


@english.register
def _(step: steps.CountedFrom) -> str:
    return f"{_REASONS[step.reason]}, so it counts as received at {_at(step.at)}{_besides(step.skipped)}."


@english.register
def _(step: steps.DaysCounted) -> str:
    days = _some(step.count, "working day" if step.working else "day")
    worked = "".join(f"; {_named(day)} counts" for day in step.worked)
    skipped = _besides(step.skipped)
    return f"The first day is not counted; {days} on is {_day(step.to)}{skipped}{worked}."


@english.register
def _(step: steps.MonthsCounted) -> str:
    clamped = " (the month has no such day, so its last)" if step.clamped else ""
    return f"{_some(step.count, 'month')} on is {_day(step.to)}{clamped}."


@english.register
def _(step: steps.SameDay) -> str:
    if step.past and step.cutoff:
        late = f"Received after {_time(step.cutoff)}, so it is returned the next working day"
        return f"{late}, {_day(step.to)}{_besides(step.skipped)}."
    return f"It is done within the day, {_day(step.to)}."


@english.register
def _(step: steps.Rolled) -> str:
    return f"The last day is off, so the end moves to {_day(step.to)}{_besides(step.skipped)}."


@english.register
def _(step: steps.DayEnds) -> str:
    return f"It is due at the end of working hours, {_at(step.at)}."


@english.register
def _(step: steps.Ran) -> str:
    if not step.spans:
        return "There is no time to count, it is due at that moment."
    kind = "day and night" if step.on_clock else f"of work in {_some(len(step.spans), 'session')}"
    end = _at(step.spans[-1][1])
    return f"{_minutes(step.minutes)} {kind}{_besides(step.skipped)}: it is due at {end}."


@english.register
def _(step: steps.Stood) -> str:
    start = f"From {_at(step.at)} {_CAUSES[step.cause]}"
    if step.how is OnSupplement.CONTINUE:
        return f"{start}; the term runs on."
    rest = "overdue already" if step.minutes < 0 else f"with {_minutes(step.minutes)} left"
    return f"{start}; the clock stands, {rest}."


@english.register
def _(step: steps.WentOn) -> str:
    return f"At {_at(step.at)} the dossier goes on: {_GOES_ON[step.how]}."


@english.register
def _(step: steps.Promised) -> str:
    counts = (
        f"by the apology deadline {_at(step.deadline)} and the first, so it counts"
        if step.counts
        else "not in time or not the first, so the dossier is late against the date before"
    )
    return f"An apology of {_day(step.at.date())} promises {_at(step.until)} ({counts})."


@english.register
def _(step: steps.Extended) -> str:
    return (
        f"A decision of {_day(step.at.date())} adds {_some(step.value, _UNITS[step.unit])} to the due time."
    )


@english.register
def _(step: steps.KeptLater) -> str:
    return f"What stood before is later and stays: {_at(step.at)}."


@english.register
def _(step: steps.Amended) -> str:
    days = "; ".join(_changed(day) for day in step.days) or "on no day of this count"
    return f"The calendar was amended ({days}); by the one before it was due at {_at(step.before)}."


def _at(at: datetime) -> str:
    return f"{_time(at.time())} {_day(at.date())}"


def _time(at: time) -> str:
    return at.strftime("%H:%M:%S" if at.second or at.microsecond else "%H:%M")


def _day(day: date) -> str:
    return f"{_WEEKDAYS[day.weekday()]} {day.isoformat()}"


def _minutes(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} h"] if hours else []
    return " ".join([*parts, f"{rest} min"] if rest or not hours else parts)


def _some(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _named(day: MarkedDay) -> str:
    about = ", ".join(filter(None, (day.name, day.source)))
    return day.day.isoformat() + (f" ({about})" if about else "")


def _changed(day: steps.ChangedDay) -> str:
    about = ", ".join(filter(None, (day.name, day.source)))
    hours = f"{day.day.isoformat()} from {_minutes(day.before)} to {_minutes(day.after)}"
    return hours + (f", {about}" if about else "")


def _besides(days: Sequence[MarkedDay]) -> str:
    """What was left out, the weekly days off as a number."""
    weekly = sum(day.why is Why.WEEKLY for day in days)
    closed = sum(day.why is Why.CLOSED for day in days)
    parts = [f"{_some(weekly, 'weekly day')} off"] if weekly else []
    parts += [f"{_some(closed, 'day')} with the counter closed"] if closed else []
    parts += [_named(day) for day in days if day.why is Why.OFF]
    return f"; left out are {', '.join(parts)}" if parts else ""
