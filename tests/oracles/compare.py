"""Both clocks on the same cases: `python -m tests.oracles.compare --cases 1000000 --processes 2`.

Prints the first difference as a command line and as data, and last `cases n, differences m`; the exit status
is 1 when they differ. With MOTCUA_DATA set, every usable procedure of its procedures.csv is tried as well, on
200 receipts each.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Final

from contracts.law import ProcedurePublished
from legalclock.calendar import Calendar, Day, DayKind, YearNotCoveredError
from legalclock.dossier_clock import PauseCause, Term, read, started
from legalclock.left import left, left_text
from legalclock.moves import pause, resume
from legalclock.rulesets import OnSupplement
from legalclock.sessions import Session
from legalclock.terms import due, remaining, resumed
from legalclock.units import DueMode, TermUnit
from motcua.procedure_rows import read_procedures
from motcua.seed_calendar import YEARS
from tests.oracles.clock_cases import CalendarRows, Case, calendars, cases, procedure_cases
from tests.oracles.legal_clock import NotCoveredError, SlowClock

VIETNAM: Final = timezone(timedelta(hours=7))
SEED: Final = "legal clock"
BATCH: Final = 20_000
RECEIPTS: Final = 200
PROCEDURES_FILE: Final = "procedures.csv"
NOT_COVERED: Final = "year not covered"


@dataclass
class Tally:
    """How many were compared; the differences as found: case, the oracle's answers, those of legalclock."""

    cases: int = 0
    differences: list[tuple[Case, list[str], list[str]]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        self.cases += other.cases
        self.differences += other.differences


@cache
def _rows() -> dict[str, CalendarRows]:
    return calendars()


@cache
def _slow(name: str) -> SlowClock:
    row = _rows()[name]
    return SlowClock(row.days, row.week, YEARS)


@cache
def _calendar(name: str) -> Calendar:
    row = _rows()[name]
    return Calendar().amended(
        years=YEARS,
        days=[Day(day, DayKind(kind)) for day, kind in row.days.items()],
        sessions=[[Session(_time(start), _time(end)) for start, end in sessions] for sessions in row.week],
    )


def shipped() -> tuple[Calendar, SlowClock]:
    """The shipped calendar, to both."""
    return _calendar("default"), _slow("default")


def _time(minute: int) -> time:
    return time(minute // 60, minute % 60)


def oracle_says(case: Case) -> list[str]:
    """Receipt as counted, first due date, last one (twice), remaining time; or that a year is not covered."""
    slow = _slow(case.calendar)
    term = (case.term, case.unit, case.mode, case.cutoff)
    try:
        counted = case.received if case.unit == "clock_hour" else slow.counted_from(case.received)
        first = slow.first_due(case.received, *term)
        last = slow.due(case.received, *term, case.pauses, case.policy)
        times = [counted.isoformat(), first.isoformat(), last.isoformat(), last.isoformat()]
        return times if case.unit == "clock_hour" else [*times, slow.remaining_text(case.asked_at, last)]
    except NotCoveredError:
        return [NOT_COVERED]


def legalclock_says(case: Case) -> list[str]:
    """The same from the package under test, whose two ways to go on after a pause must give one answer."""
    calendar = _calendar(case.calendar)
    try:
        counted = due(calendar, _aware(case.received), case.term, case.unit, case.cutoff, mode=case.mode)
        last = _by_history(calendar, case)
        by_steps = _step_by_step(calendar, case, counted.due) if case.policy == "PAUSE" else last
        times = [_local(counted.received_at), _local(counted.due), _local(last), _local(by_steps)]
        if case.unit == "clock_hour":
            return times
        return [*times, left_text(left(calendar, _aware(case.asked_at), last, case.unit), "vi")]
    except YearNotCoveredError:
        return [NOT_COVERED]


def _by_history(calendar: Calendar, case: Case) -> datetime:
    term = Term(
        case.term, TermUnit(case.unit), DueMode(case.mode), case.cutoff, OnSupplement(case.policy.lower())
    )
    clock = started(calendar, _aware(case.received), term)
    for begun, over in case.pauses:
        clock = pause(calendar, clock, _aware(begun), PauseCause.SUPPLEMENT)
        clock = resume(calendar, clock, _aware(over))
    return read(calendar, clock).due_current


def _step_by_step(calendar: Calendar, case: Case, due_at: datetime) -> datetime:
    """PAUSE without the history: what is left when it begins goes on when it is over."""
    for begun, over in case.pauses:
        minutes = remaining(calendar, _aware(begun), due_at, case.unit)
        if minutes > 0:
            due_at = resumed(calendar, _aware(over), minutes, case.unit, case.mode)
    return due_at


def _aware(naive: datetime) -> datetime:
    return naive.replace(tzinfo=VIETNAM)


def _local(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).replace(tzinfo=None).isoformat()


def compare(questions: Iterable[Case]) -> Tally:
    """Ask both clocks every question."""
    tally = Tally()
    for case in questions:
        tally.cases += 1
        expected, got = oracle_says(case), legalclock_says(case)
        if expected != got:
            tally.differences.append((case, expected, got))
    return tally


def compare_batch(batch: int, count: int = BATCH) -> Tally:
    """The first `count` cases of a numbered batch; the same ones on every machine."""
    return compare(cases(f"{SEED} {batch}", count, _rows()))


def usable_procedures(folder: Path) -> list[ProcedurePublished]:
    """The procedures of the folder's catalogue whose term is known."""
    return read_procedures(folder / PROCEDURES_FILE).changes


def compare_procedure(procedure: ProcedurePublished, receipts: int = RECEIPTS) -> Tally:
    """One procedure's term and cut-off on so many receipts."""
    term, unit, cutoff = procedure.term_value, str(procedure.term_unit), procedure.late_cutoff
    return compare(procedure_cases(procedure.code, term, unit, cutoff, receipts, _rows()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def shown(difference: tuple[Case, list[str], list[str]]) -> str:
    """A difference for a person: how to ask again, the case as data, both answers."""
    case, expected, got = difference
    return f"{shlex.join([*case.command(), '--explain'])}\n{case}\nexpected {expected}\ngot      {got}"


def main(argv: Sequence[str] | None = None) -> int:
    """Compare `--cases` random cases, and the procedures of MOTCUA_DATA, over `--processes`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args(argv)
    folder = os.environ.get("MOTCUA_DATA")
    procedures = usable_procedures(Path(folder)) if folder else []
    full, rest = divmod(options.cases, BATCH)
    counts = [BATCH] * full + [rest] * (rest > 0)
    tally = Tally()
    with ProcessPoolExecutor(options.processes) as pool:
        for part in pool.map(compare_batch, range(len(counts)), counts):
            tally.add(part)
        _say(f"random cases {tally.cases}, differences {len(tally.differences)}")
        for part in pool.map(compare_procedure, procedures, chunksize=50):
            tally.add(part)
    said = f"{len(procedures)} on {RECEIPTS} receipts each" if folder else "not tried, MOTCUA_DATA is not set"
    _say(f"procedures {said}")
    if tally.differences:
        _say(f"the first difference:\n{shown(tally.differences[0])}")
    _say(f"cases {tally.cases}, differences {len(tally.differences)}")
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
