"""When a dossier counts as received: the hour it is handed in, or the next session or counter hour."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from legalclock.calendar import Calendar
from legalclock.moments import local, moment
from legalclock.policy import ReceiptRule
from legalclock.working_time import next_working_instant


def counted_receipt(calendar: Calendar, handed_in: datetime, rule: ReceiptRule) -> datetime:
    """The receipt as the law counts it, +07:00, never before `handed_in`.

    Raises YearNotCoveredError, and ValueError for a naive time.
    """
    if rule is ReceiptRule.NEXT_SESSION:
        return next_working_instant(calendar, handed_in)
    if rule is ReceiptRule.ACTUAL:
        return local(handed_in)
    return _next_counter_hour(calendar, handed_in)


def _next_counter_hour(calendar: Calendar, handed_in: datetime) -> datetime:
    when = local(handed_in)
    day, clock = when.date(), when.time()
    while True:
        for span in calendar.counter_on(day):
            if clock < span.end:
                return max(when, moment(day, span.start))
        day, clock = day + timedelta(days=1), time.min
