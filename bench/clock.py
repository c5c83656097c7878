"""The legal clock beside what one would use instead: `python -m bench.clock`, or `make bench-clock`.

All in one process, on the same cases, in rounds that take turns. A round's time is that of all its cases; the
tables show minimum and median. Before anything is timed, all must give the same answers where their meanings
coincide. At the end what is wanted stands beside what was found; something missed makes the exit status 1.

Compared are terms in working hours with `businesstimedelta` (given a frozenset of days, its fastest way), and
terms of 0 to 60 working days with a loop over the days that asks `holidays`, as one writes it by hand; for
information also with the same loop over a set of worked days made beforehand. Ratios are medians over the
rounds; the rate in a second is the best round's, since other work on the machine can only slow one down.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import random
import statistics
import sys
import time as clock
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import holidays

from legalclock.calendar import Calendar, Day, DayKind
from legalclock.terms import due
from motcua.catalogue import sample_procedures
from motcua.seed_calendar import YEARS, calendar_change

LOCAL: Final = ZoneInfo("Asia/Ho_Chi_Minh")
ONE_DAY: Final = timedelta(days=1)
WANTED_HOURS: Final = 20.0
WANTED_DAYS: Final = 3.0
WANTED_PER_SECOND: Final = 150_000
WANTED_BYTES: Final = 5 * 1024 * 1024
LATEST: Final = date(YEARS[-1] - 2, 12, 31)
"""Receipts end here, so that the longest terms end in a year of the calendar."""

Question = tuple[datetime, int]
Rounds = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Check:
    """One wanted figure: what it is, what was measured, what it must reach."""

    what: str
    measured: str
    wanted: str
    met: bool


def shipped_calendar() -> Calendar:
    """The default calendar, made from its rows as a service makes it from the log."""
    days = [Day(row.date, DayKind(str(row.kind)), row.name_vi, row.source) for row in calendar_change().days]
    return Calendar().amended(years=YEARS, days=days)


def receipts(dice: random.Random, count: int) -> list[datetime]:
    """Moments from 2018 on, aware and local, to the second, most of them in working hours."""
    first = date(YEARS[0], 1, 2)
    found: list[datetime] = []
    for _ in range(count):
        day = first + timedelta(days=dice.randrange((LATEST - first).days))
        second = dice.choice((dice.randrange(86_400), dice.randrange(27_000, 61_200)))
        found.append(datetime(day.year, day.month, day.day, tzinfo=LOCAL) + timedelta(seconds=second))
    return found


def taking_turns(contestants: dict[str, Callable[[], object]], rounds: int) -> Rounds:
    """Seconds of each contestant in each round, the rounds taking turns, without the garbage collector."""
    taken: Rounds = {name: [] for name in contestants}
    gc.disable()
    try:
        for _ in range(rounds):
            for name, contest in contestants.items():
                begun = clock.perf_counter()
                contest()
                taken[name].append(clock.perf_counter() - begun)
    finally:
        gc.enable()
    return taken


def show(title: str, cases: int, taken: Rounds) -> None:
    """A table: each contestant's time per due date, and how many a second at its median."""
    print(f"{title} ({cases} cases)\n  {'':34}{'min µs':>10}{'median µs':>12}{'per second':>13}{'ratio':>9}")
    for name, seconds in taken.items():
        middle = statistics.median(seconds)
        print(
            f"  {name:34}{min(seconds) / cases * 1e6:10.2f}{middle / cases * 1e6:12.2f}"
            f"{cases / middle:13,.0f}{ratio(taken, name):9.1f}"
        )


def ratio(taken: Rounds, other: str) -> float:
    """How many times longer another one takes than ours (the first): the median over the rounds."""
    pairs = zip(taken[other], next(iter(taken.values())), strict=True)
    return statistics.median(theirs / ours for theirs, ours in pairs)


def agree(ours: Sequence[object], theirs: Sequence[object], questions: Sequence[object], who: str) -> None:
    """Stop with the first question on which the answers differ."""
    for question, our, their in zip(questions, ours, theirs, strict=True):
        if our != their:
            sys.exit(f"{who} disagrees on {question}: legalclock {our}, {who} {their}")
    print(f"agreed with {who} on {len(questions)} cases")


def business_hours() -> Callable[[datetime, int], datetime]:
    """businesstimedelta with the default sessions and the shipped days off."""
    # Untyped, and pytz (which it wants) has no types here either.
    package: Any = importlib.import_module("businesstimedelta")
    zone: Any = importlib.import_module("pytz").timezone(LOCAL.key)
    off = frozenset(row.date for row in calendar_change().days if row.kind == "off")
    rules = package.Rules(
        [
            package.WorkDayRule(time(7, 30), time(17), [0, 1, 2, 3, 4], tz=zone),
            package.LunchTimeRule(time(11, 30), time(13, 30), [0, 1, 2, 3, 4], tz=zone),
            package.HolidayRule(off, tz=zone),
        ]
    )

    def ends(received: datetime, hours: int) -> datetime:
        answer: datetime = received + package.BusinessTimeDelta(rules, hours=hours)
        return answer

    return ends


def hours(calendar: Calendar, dice: random.Random, cases: int, rounds: int) -> list[Check]:
    """Terms of 1 to 40 working hours, away from worked Saturdays, which businesstimedelta cannot know."""
    worked = [row.date for row in calendar_change().days if row.kind == "work"]
    asked: list[Question] = []
    for received in receipts(dice, cases * 2):
        near = any(abs((day - received.date()).days) < 30 for day in worked)
        if not near and len(asked) < cases:
            asked.append((received, dice.randint(1, 40)))
    ends = business_hours()
    ours = [due(calendar, at, term, "working_hour").due for at, term in asked]
    agree(ours, [ends(at, term) for at, term in asked], asked, "businesstimedelta")
    taken = taking_turns(
        {
            "legalclock": lambda: [due(calendar, at, term, "working_hour") for at, term in asked],
            "businesstimedelta": lambda: [ends(at, term) for at, term in asked],
        },
        rounds,
    )
    show("working hours", len(asked), taken)
    found = ratio(taken, "businesstimedelta")
    what = "working hours, against businesstimedelta"
    return [Check(what, f"{found:.1f} ×", f"{WANTED_HOURS:.0f} ×", found >= WANTED_HOURS)]


def loop_over_holidays() -> Callable[[date, int], date]:
    """The loop one writes by hand over the package `holidays`, with the two rows it does not know."""
    table = holidays.country_holidays("VN", years=YEARS)
    rows = calendar_change().days
    table.update({row.date: row.name_vi for row in rows if row.kind == "off" and row.date not in table})
    worked = {row.date for row in rows if row.kind == "work"}

    def due_day(day: date, term: int) -> date:
        while term or not ((day.weekday() < 5 and day not in table) or day in worked):
            day += ONE_DAY
            if (day.weekday() < 5 and day not in table) or day in worked:
                term -= 1
                if term <= 0:
                    break
        return day

    return due_day


def loop_over_a_set() -> Callable[[date, int], date]:
    """The same loop at its best: a set of the days that are worked."""
    rows = {row.date: row.kind for row in calendar_change().days}
    every = (date(YEARS[0], 1, 1) + timedelta(days=place) for place in range(366 * len(YEARS)))
    works = frozenset(day for day in every if rows.get(day, "work" if day.weekday() < 5 else "off") == "work")

    def due_day(day: date, term: int) -> date:
        while term or day not in works:
            day += ONE_DAY
            if day in works:
                term -= 1
                if term <= 0:
                    break
        return day

    return due_day


def days(calendar: Calendar, dice: random.Random, cases: int, rounds: int) -> list[Check]:
    """Terms of 0 to 60 working days, receipts in the morning, so that the loops need not look at the hour."""
    asked = [
        (received.replace(hour=9), dice.randint(0, 60))
        for received in receipts(dice, cases * 2)
        if calendar.is_working_day(received.date())
    ][:cases]
    by_package, by_set = loop_over_holidays(), loop_over_a_set()
    ours = [due(calendar, at, term, "working_day").due.date() for at, term in asked]
    agree(ours, [by_package(at.date(), term) for at, term in asked], asked, "a day loop over holidays")
    agree(ours, [by_set(at.date(), term) for at, term in asked], asked, "a day loop over a set")
    taken = taking_turns(
        {
            "legalclock": lambda: [due(calendar, at, term, "working_day") for at, term in asked],
            "a day loop over holidays": lambda: [by_package(at.date(), term) for at, term in asked],
            "a day loop over a set": lambda: [by_set(at.date(), term) for at, term in asked],
        },
        rounds,
    )
    show("0 to 60 working days", len(asked), taken)
    found = ratio(taken, "a day loop over holidays")
    what = "working days, against a day loop over holidays"
    return [Check(what, f"{found:.1f} ×", f"{WANTED_DAYS:.0f} ×", found >= WANTED_DAYS)]


def procedures(calendar: Calendar, dice: random.Random, cases: int, rounds: int) -> list[Check]:
    """The terms of the shipped procedures, on receipts of any hour: due dates a second on one core."""
    terms = [(one.term_value, one.term_unit.value, one.late_cutoff) for one in sample_procedures()]
    asked = [(received, *dice.choice(terms)) for received in receipts(dice, cases)]
    taken = taking_turns({"legalclock": lambda: [due(calendar, *question) for question in asked]}, rounds)
    show("terms of the shipped procedures", len(asked), taken)
    rate = len(asked) / min(taken["legalclock"])
    wanted = f"{WANTED_PER_SECOND:,} a second"
    return [Check("due dates of real terms", f"{rate:,.0f} a second", wanted, rate >= WANTED_PER_SECOND)]


def memory() -> list[Check]:
    """Bytes a calendar holds once every year of it has been asked about."""
    shipped_calendar()  # what is made once, whatever the number of calendars, is not the calendar's
    gc.collect()
    tracemalloc.start()
    calendar = shipped_calendar()
    for year in YEARS:
        for unit in ("working_day", "working_hour", "calendar_day", "month"):
            due(calendar, datetime(year, 3, 2, 9, tzinfo=LOCAL), 1, unit)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    measured = f"{held / 1024 / 1024:.2f} MiB"
    return [
        Check("memory of a loaded calendar", measured, f"below {WANTED_BYTES >> 20} MiB", held < WANTED_BYTES)
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Run all and say what was wanted and what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--cases", type=int, default=20_000, help="cases in a round (businesstimedelta: a tenth)"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(argv)
    dice = random.Random(options.seed)
    calendar = shipped_calendar()
    checks = [
        *hours(calendar, dice, max(1, options.cases // 10), options.rounds),
        *days(calendar, dice, options.cases, options.rounds),
        *procedures(calendar, dice, options.cases, options.rounds),
        *memory(),
    ]
    print(f"\n{'':50}{'measured':>20}{'wanted':>20}")
    for check in checks:
        print(f"{check.what:50}{check.measured:>20}{check.wanted:>20}  {'ok' if check.met else 'MISSED'}")
    return 0 if all(check.met for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
