"""The legal clock a second time: slow, obvious, and sharing nothing with the package it judges.

Written from the conventions alone. All times are naive local time (Việt Nam, UTC+7); exceptional days are a
plain dict of "off" and "work"; a week is seven lists of sessions in minutes of the day, Monday first, the end
exclusive. Days are walked one by one. Every minute that is worked in the years covered stands in one sorted
list, made minute by minute, and counting working time is counting places in it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta

Sessions = Sequence[tuple[int, int]]
Week = Sequence[Sessions]
Pause = tuple[datetime, datetime]

DAY_UNITS = ("working_day", "calendar_day", "month")
ONE_DAY = timedelta(days=1)
ONE_MINUTE = timedelta(minutes=1)
EPOCH = date(2000, 1, 1).toordinal()


class NotCoveredError(Exception):
    """The count would need a day of a year without data."""


class SlowClock:
    """Due dates under one calendar: `days` date → "off" | "work", sessions per weekday, the years known."""

    def __init__(self, days: Mapping[date, str], week: Week, years: Iterable[int]) -> None:
        self.full_day = max(sum(end - start for start, end in sessions) for sessions in week)
        self.sessions: dict[date, Sessions] = {}
        self.worked_minutes = array("l")
        for year in sorted(years):
            day = date(year, 1, 1)
            while day.year == year:
                self.sessions[day] = _sessions(day, days, week)
                for start, end in self.sessions[day]:
                    midnight = (day.toordinal() - EPOCH) * 1440
                    self.worked_minutes.extend(range(midnight + start, midnight + end))
                day += ONE_DAY

    def sessions_of(self, day: date) -> Sessions:
        """The sessions of a day, none on a day off."""
        if day not in self.sessions:
            raise NotCoveredError(day.year)
        return self.sessions[day]

    def counted_from(self, receipt: datetime) -> datetime:
        """The receipt as the law counts it: as it is inside a session, else the start of the next one."""
        day, second = receipt.date(), receipt.hour * 3600 + receipt.minute * 60 + receipt.second
        while True:
            for start, end in self.sessions_of(day):
                if second < end * 60:
                    return _midnight(day) + timedelta(seconds=max(second, start * 60))
            day, second = day + ONE_DAY, 0

    def end_of_day(self, day: date) -> datetime:
        """The end of the last session of a working day."""
        return _midnight(day) + timedelta(minutes=self.sessions_of(day)[-1][1])

    def working_day_from(self, day: date) -> date:
        """The day itself if it is worked, else the next one that is."""
        while not self.sessions_of(day):
            day += ONE_DAY
        return day

    def later(self, start: datetime, minutes: int) -> datetime:
        """The end of so many working minutes from a start, itself counted from its session."""
        start = self.counted_from(start)
        if minutes == 0:
            return start
        place = self._place(start)
        try:
            if start.second == 0:
                return _instant(self.worked_minutes[place + minutes - 1] + 1)
            return _instant(self.worked_minutes[place + minutes]) + timedelta(seconds=start.second)
        except IndexError:
            raise NotCoveredError(start.year + 1) from None

    def earlier(self, start: datetime, minutes: int) -> datetime:
        """The beginning of the last of so many working minutes that lie before a start."""
        place = self._place(self.counted_from(start))
        if place < minutes:
            raise NotCoveredError(start.year - 1)
        return _instant(self.worked_minutes[place - minutes])

    def minutes_between(self, start: datetime, end: datetime) -> int:
        """Worked minutes of which the whole lies between two times at full minutes."""
        self.sessions_of(start.date())
        self.sessions_of(end.date())
        return max(0, self._place(end) - self._place(start))

    def _place(self, moment: datetime) -> int:
        return bisect_left(self.worked_minutes, _number(moment))

    def due(
        self,
        receipt: datetime,
        term: int,
        unit: str,
        mode: str = "end_of_day",
        cutoff: time | None = None,
        pauses: Sequence[Pause] = (),
        policy: str = "PAUSE",
    ) -> datetime:
        """When the result is due; a term that is over neither goes on nor begins again.

        Raises NotCoveredError where the years covered do not suffice.
        """
        due = self.first_due(receipt, term, unit, mode, cutoff)
        for begun, over in pauses:
            left = self.left(begun, due, unit)
            if policy == "RESTART" and left > 0:
                due = self.first_due(over, term, unit, mode, cutoff)
            elif policy == "PAUSE" and left > 0:
                due = self.gone_on(over, left, unit, mode)
        return due

    def first_due(
        self, receipt: datetime, term: int, unit: str, mode: str, cutoff: time | None = None
    ) -> datetime:
        """The due date before any pause."""
        if unit == "clock_hour":
            return receipt + timedelta(hours=term)
        counted = self.counted_from(receipt)
        if unit == "minute":
            return self.later(counted, term)
        if unit == "working_hour":
            return self.later(counted, term * 60)
        if unit == "working_day" and mode == "working_hours" and term > 0:
            return self.later(counted, term * self.full_day)
        day = counted.date()
        if term == 0 and cutoff is not None and receipt.date() == day and receipt.time() > cutoff:
            day = self.working_day_from(day + ONE_DAY)
        elif unit == "working_day":
            for _ in range(term):
                day = self.working_day_from(day + ONE_DAY)
        elif unit == "calendar_day":
            for _ in range(term):
                day += ONE_DAY
        else:
            day = _same_day_months_later(day, term)
        return self.end_of_day(self.working_day_from(day))

    def left(self, begun: datetime, due: datetime, unit: str) -> int:
        """What remains: from the minute a pause begins in to the last minute of the term, the whole of it."""
        if begun > due:
            return 0
        begun, due = begun.replace(second=0), _minute_up(due)
        return (due - begun) // ONE_MINUTE if unit == "clock_hour" else self.minutes_between(begun, due)

    def gone_on(self, over: datetime, left: int, unit: str, mode: str) -> datetime:
        """What remained, from the minute a pause is over in; a term in days then ends with the day."""
        over = over.replace(second=0)
        if unit == "clock_hour":
            return over + left * ONE_MINUTE
        due = self.later(over, left)
        return self.end_of_day(due.date()) if unit in DAY_UNITS and mode == "end_of_day" else due

    def remaining_text(self, at: datetime, due: datetime) -> str:
        """Working time left or over, as "Còn 1 ngày 3 giờ"; a day is the minutes of a full day's sessions."""
        overdue, at, due = at > due, at.replace(second=0), _minute_up(due)
        minutes = self.minutes_between(due, at) if overdue else self.minutes_between(at, due)
        word = "Quá" if overdue else "Còn"
        return f"{word} {minutes // self.full_day} ngày {minutes % self.full_day // 60} giờ"


def _sessions(day: date, days: Mapping[date, str], week: Week) -> Sessions:
    if days.get(day) == "off":
        return ()
    return week[0] if days.get(day) == "work" else week[day.weekday()]


def _same_day_months_later(day: date, months: int) -> date:
    """The corresponding day of a later month, or that month's last one."""
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    for wanted in (day.day, 30, 29, 28):
        try:
            return date(year, month, wanted)
        except ValueError:
            continue
    raise AssertionError("every month has a 28th")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 the oracle counts on naive local time


def _minute_up(moment: datetime) -> datetime:
    return moment.replace(second=0) + timedelta(minutes=moment.second > 0)


def _number(moment: datetime) -> int:
    return (moment.toordinal() - EPOCH) * 1440 + moment.hour * 60 + moment.minute


def _instant(number: int) -> datetime:
    return _midnight(date.fromordinal(EPOCH + number // 1440)) + timedelta(minutes=number % 1440)
