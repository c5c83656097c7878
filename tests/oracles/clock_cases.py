"""Random cases for the legal clock, aimed at its edges: a seed gives the same cases on every machine.

Calendars are plain data. `default` is the shipped one (2018-2027 with their Tết and swaps, so that a case can
be asked again with `motcua due`); the others have other weeks, or days off and worked Saturdays made up.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from motcua.seed_calendar import YEARS, calendar_change
from tests.oracles.legal_clock import Pause, Sessions, Week

FIRST_DAY: Final = date(YEARS[0], 1, 1)
DAYS: Final = (date(YEARS[-1], 12, 31) - FIRST_DAY).days + 1
CUTOFFS: Final = (time(15), time(16), time(11, 30), time(12, 15), time(7, 30), time(17))
LONGEST: Final[Mapping[str, tuple[int, int]]] = {
    "working_day": (60, 300),
    "calendar_day": (60, 365),
    "month": (12, 24),
    "working_hour": (40, 300),
    "minute": (900, 20_000),
    "clock_hour": (72, 1_000),
}
"""Unit → the longest usual term, the longest one in twenty has."""


@dataclass(frozen=True, slots=True)
class CalendarRows:
    """A calendar as plain data: exceptional days "off" | "work", sessions in minutes, Monday first."""

    days: Mapping[date, str]
    week: Week


@dataclass(frozen=True, slots=True)
class Case:
    """One question to both clocks. Times are naive local time."""

    calendar: str
    received: datetime
    term: int
    unit: str
    mode: str
    cutoff: time | None
    pauses: tuple[Pause, ...]
    policy: str
    asked_at: datetime

    def command(self) -> list[str]:
        """How to ask for the first due date again; not what a made-up calendar or pauses do to it."""
        words = ["motcua", "due", "--received", self.received.isoformat(), "--term", str(self.term)]
        words += ["--unit", self.unit, "--mode", self.mode]
        words += ["--cutoff", self.cutoff.isoformat("minutes")] if self.cutoff else []
        week = _WEEKS.get(self.calendar, _WEEKS["default"])
        if week != _WEEKS["default"]:
            words += ["--sessions", ";".join(",".join(map(_span, sessions)) for sessions in week)]
        return words


def _span(session: tuple[int, int]) -> str:
    return "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in session)


def _shipped_days() -> dict[date, str]:
    return {row.date: str(row.kind) for row in calendar_change().days}


_MORNING: Final = (450, 690)
_AFTERNOON: Final = (810, 1020)
_DAY: Final = (_MORNING, _AFTERNOON)
_WEEKS: Final[Mapping[str, Week]] = {
    "default": (*[_DAY] * 5, (), ()),
    "early": (*[((420, 690), (780, 990))] * 5, (), ()),
    "half_friday": (*[_DAY] * 4, (_MORNING,), (), ()),
    "half_saturday": (*[_DAY] * 5, (_MORNING,), ()),
    "one_session": (*[((480, 960),)] * 5, (), ()),
    "three_sessions": (*[((360, 600), (630, 720), (780, 1439))] * 5, (), ()),
    "free_wednesday": (_DAY, _DAY, (), _DAY, (_AFTERNOON,), _DAY, ()),
}


def _made_up(name: str) -> CalendarRows:
    dice = random.Random(f"calendar {name}")
    days: dict[date, str] = {}
    for _ in range(250):
        day = FIRST_DAY + timedelta(days=dice.randrange(DAYS))
        for _ in range(dice.choice((1, 1, 2, 3, 9))):
            days[day] = "off" if day.weekday() < 5 else dice.choice(("off", "work"))
            day += timedelta(days=1)
    return CalendarRows({day: kind for day, kind in days.items() if day.year in YEARS}, _WEEKS["default"])


def calendars() -> dict[str, CalendarRows]:
    """Every calendar the cases name."""
    shipped = _shipped_days()
    known = {name: CalendarRows(shipped, week) for name, week in _WEEKS.items()}
    return known | {name: _made_up(name) for name in ("made_up_1", "made_up_2")}


def cases(seed: str, count: int, rows: Mapping[str, CalendarRows]) -> Iterator[Case]:
    """`count` cases; every second one under the shipped calendar."""
    dice = random.Random(seed)
    others = sorted(set(rows) - {"default"})
    exceptional = {name: sorted(row.days) for name, row in rows.items()}
    for _ in range(count):
        name = "default" if dice.random() < 0.5 else dice.choice(others)
        week = rows[name].week
        received = _moment(dice, _day(dice, exceptional[name]), week)
        unit = dice.choice(("working_day", *LONGEST))
        mode = "working_hours" if unit == "working_day" and dice.random() < 0.4 else "end_of_day"
        longest = LONGEST[unit][dice.random() < 0.05]
        term = dice.choice((0, 1, 2, dice.randint(0, longest), dice.randint(0, longest)))
        pauses = _pauses(dice, received, unit, week)
        yield Case(
            calendar=name,
            received=received,
            term=term,
            unit=unit,
            mode=mode,
            cutoff=dice.choice((None, *CUTOFFS)) if dice.random() < 0.5 else None,
            pauses=pauses,
            policy=dice.choice(("PAUSE", "PAUSE", "RESTART", "CONTINUE")),
            asked_at=_later_moment(dice, pauses[-1][1] if pauses else received, week, term_days=30),
        )


def _day(dice: random.Random, exceptional: list[date]) -> date:
    """Any day, one beside an exceptional one, or one about the turn of a year or the end of a month."""
    kind = dice.randrange(5)
    if kind < 2:
        day = FIRST_DAY + timedelta(days=dice.randrange(DAYS))
    elif kind < 4:
        day = dice.choice(exceptional) + timedelta(days=dice.randint(-4, 2))
    else:
        month = dice.choice((1, 1, 2, 3, 5, 7, 12))
        day = date(dice.choice(YEARS), month, 1) + timedelta(days=dice.randint(-4, 4))
    return min(max(day, FIRST_DAY), FIRST_DAY + timedelta(days=DAYS - 1))


def _moment(dice: random.Random, day: date, week: Week) -> datetime:
    """On or a minute beside an edge of a session, at either end of the day, or anywhere."""
    sessions: Sessions = week[day.weekday()] or week[0]
    edges = [edge for session in sessions for edge in session]
    edge = min(dice.choice(edges) + dice.choice((-1, 0, 0, 1)), 1439)
    minute = dice.choice((edge, edge, edge, 0, 1439, dice.randrange(1440), dice.randrange(420, 1080)))
    second = dice.choice((0, 0, 0, 1, 59, dice.randrange(60)))
    return datetime.combine(day, time(minute // 60, minute % 60, second))


def _later_moment(dice: random.Random, after: datetime, week: Week, term_days: int) -> datetime:
    day = after.date() + timedelta(days=dice.choice((0, 0, 1, 2, dice.randrange(term_days))))
    return max(after, _moment(dice, day, week))


def _pauses(dice: random.Random, received: datetime, unit: str, week: Week) -> tuple[Pause, ...]:
    if dice.random() < 0.5:
        return ()
    reach = 3 if unit in ("minute", "working_hour", "clock_hour") else 20
    pauses: list[Pause] = []
    moment = received
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        begun = _later_moment(dice, moment, week, reach)
        moment = _later_moment(dice, begun, week, 30)
        pauses.append((begun, moment))
    return tuple(pauses)


def procedure_cases(
    code: str, term: int, unit: str, cutoff: time | None, count: int, rows: Mapping[str, CalendarRows]
) -> Iterator[Case]:
    """One procedure's term on `count` receipts under the shipped calendar, early enough to end within it."""
    dice = random.Random(f"procedure {code}")
    default = rows["default"]
    exceptional = sorted(default.days)
    for _ in range(count):
        day = _day(dice, exceptional)
        while day.year > YEARS[-1] - 2:
            day = _day(dice, exceptional)
        received = _moment(dice, day, default.week)
        yield Case("default", received, term, unit, "end_of_day", cutoff, (), "PAUSE", received)
