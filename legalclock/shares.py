"""The steps' shares of a term: each step's own due time, exact to the minute and to the whole.

The term's time is what the clock ran or is to run, from the receipt (or the last beginning anew) to the
current due time, pauses left out; it is divided in whole minutes, and the last step's due time is the
dossier's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from legalclock.calendar import Calendar
from legalclock.dossier_clock import DossierClock, Span, read
from legalclock.units import TermUnit
from legalclock.working_time import add_working_minutes, working_minutes

WHOLE = 100


@dataclass(frozen=True, slots=True)
class StepDue:
    """A step's share (of 100), its minutes (working ones; of the clock for clock hours) and its due time."""

    share: int
    minutes: int
    due: datetime


def step_dues(calendar: Calendar, clock: DossierClock, shares: Sequence[int]) -> tuple[StepDue, ...]:
    """The due time of each step, in order, under the reading of `clock` now.

    Raises ValueError unless the shares are at least 0 and sum up to 100, YearNotCoveredError when the
    calendar lacks a year.
    """
    if min(shares, default=-1) < 0 or sum(shares) != WHOLE:
        raise ValueError(f"expected shares of at least 0 that sum up to {WHOLE}, got {list(shares)}")
    reading = read(calendar, clock)
    on_clock = clock.term.unit is TermUnit.CLOCK_HOUR
    lengths = [_minutes(calendar, span, on_clock) for span in reading.running]
    total = sum(lengths)
    dues: list[StepDue] = []
    share_done = minutes_done = 0
    for share in shares:
        share_done += share
        until = total * share_done // WHOLE
        at = reading.due_current
        if share_done < WHOLE:
            at = _moment(calendar, reading.running, lengths, until, on_clock)
        dues.append(StepDue(share, until - minutes_done, at))
        minutes_done = until
    return tuple(dues)


def _moment(
    calendar: Calendar, running: Sequence[Span], lengths: Sequence[int], minutes: int, on_clock: bool
) -> datetime:
    """The instant at which the clock has run that many minutes, at most the last span's end."""
    place = 0
    while minutes > lengths[place]:
        minutes -= lengths[place]
        place += 1
    start, end = running[place]
    start = start.replace(second=0, microsecond=0)
    if on_clock:
        return start + timedelta(minutes=minutes)
    return min(end, add_working_minutes(calendar, start, minutes))


def _minutes(calendar: Calendar, span: Span, on_clock: bool) -> int:
    start, end = (edge.replace(second=0, microsecond=0) for edge in span)
    return int((end - start) / timedelta(minutes=1)) if on_clock else working_minutes(calendar, start, end)
