"""`motcua calendar`: the shipped calendar of a year, and which due dates an amendment would move."""

from __future__ import annotations

import argparse
import csv
import sys
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from legalclock.calendar import Calendar, Day, DayKind, YearNotCoveredError
from legalclock.sentences_vi import WEEKDAYS
from legalclock.sessions import DaySessions
from motcua.default_calendar import CALENDARS_KEPT, calendar_with, day
from motcua.due_rows import Row, Sheet, opened, reason
from motcua.failure import Failure

HELP: Final = "Show the shipped calendar, or try an amendment on dossiers."
_KINDS: Final = {DayKind.OFF: "nghỉ", DayKind.WORK: "làm"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--province", metavar="CODE", default="", help="a province code like H52")
    commands = parser.add_subparsers(required=True, metavar="show|what-if")
    show = commands.add_parser("show", help="the days off and days worked of a year, with their sources")
    show.add_argument("year", type=int)
    show.set_defaults(action=_show)
    what_if = commands.add_parser("what-if", help="which due dates move when days are off or worked")
    what_if.add_argument("--off", metavar="DATE", action="append", default=[], help="a day that is off")
    what_if.add_argument("--work", metavar="DATE", action="append", default=[], help="a day that is worked")
    what_if.add_argument(
        "--dossiers", metavar="FILE.csv", type=Path, required=True, help="as of `motcua due --batch`, and id"
    )
    what_if.set_defaults(action=_what_if)


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    try:
        return int(args.action(args))
    except (ValueError, YearNotCoveredError) as error:
        raise Failure(reason(error)) from error


def _show(args: argparse.Namespace) -> int:
    calendar = calendar_with("", args.province)
    table = calendar.table(args.year)
    for row in (row for row in calendar.days if row.date.year == args.year):
        weekday = WEEKDAYS[row.date.weekday()]
        print(f"{row.date}  {weekday:<8}  {_KINDS[row.kind]:<4}  {row.name}  [{row.source}]")
    week = calendar.week_on(date(args.year, 1, 1))
    for name, sessions in zip(WEEKDAYS, week, strict=True):
        print(f"{name:<8}  {_hours(sessions)}")
    print(f"{len(table.worked)} ngày làm việc, {table.minutes[-1] / 60:g} giờ làm việc")
    return 0


def _hours(sessions: DaySessions) -> str:
    return ", ".join(f"{span.start:%H:%M}-{span.end:%H:%M}" for span in sessions) or "nghỉ"


def _what_if(args: argparse.Namespace) -> int:
    """Print the due dates that move as CSV; 1 when a row could not be counted."""
    off = [Day(day(text), DayKind.OFF, province=args.province) for text in args.off]
    work = [Day(day(text), DayKind.WORK, province=args.province) for text in args.work]
    both = {row.date for row in off}.intersection(row.date for row in work)
    if both or not off + work:
        raise Failure(f"{min(both)} cannot be both off and worked" if both else "name a day: --off or --work")
    writer = csv.writer(sys.stdout)
    writer.writerow(["id", "before", "after"])
    tried = _Trial([*off, *work], args.province)
    rows = moved = wrong = 0
    with opened(args.dossiers) as file:
        for row in Sheet(file, {}, args.province):
            rows += 1
            name = row.fields.get("id") or f"line {row.line}"
            try:
                before, after = tried.both(row)
            except (ValueError, YearNotCoveredError) as error:
                wrong += 1
                sys.stderr.write(f"{name}: {reason(error)}\n")
                continue
            if before != after:
                moved += 1
                writer.writerow([name, before.isoformat(), after.isoformat()])
    sys.stderr.write(f"{rows} rows, {moved} due dates move, {wrong} could not be counted\n")
    return 1 if wrong else 0


class _Trial:
    """The calendars of a file's rows as they would be once `days` are law."""

    def __init__(self, days: list[Day], province: str) -> None:
        @lru_cache(maxsize=CALENDARS_KEPT)
        def amended(sessions: str) -> Calendar:
            return calendar_with(sessions, province).amended(days=days)

        amended("")  # an amendment that cannot be is refused before any row is read
        self._amended = amended

    def both(self, row: Row) -> tuple[datetime, datetime]:
        """The due time as it is and as it would be. Raises ValueError, YearNotCoveredError."""
        if row.question is None:
            raise ValueError(row.error)
        then = self._amended(row.fields.get("sessions", ""))
        return row.question.answer().due, row.question.answer(then).due
