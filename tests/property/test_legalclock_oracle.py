"""The legal clock against a slow second implementation, on many cases aimed at the edges.

MOTCUA_ORACLE_CASES says how many random cases (default 20 000); `make oracle` runs a million of them and all
procedures of MOTCUA_DATA.
"""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from legalclock.working_time import add_working_minutes, working_minutes
from motcua.__main__ import main
from motcua.seed_calendar import YEARS
from tests.oracles.clock_cases import LONGEST, Case, calendars, cases
from tests.oracles.compare import (
    BATCH,
    NOT_COVERED,
    VIETNAM,
    compare_batch,
    compare_procedure,
    oracle_says,
    shipped,
    shown,
    usable_procedures,
)
from tests.oracles.legal_clock import SlowClock

CASES: Final = int(os.environ.get("MOTCUA_ORACLE_CASES", "20000"))
EVERY_NTH_PROCEDURE: Final = 15
RECEIPTS: Final = 20
ONE_MINUTE: Final = timedelta(minutes=1)

GOLDEN: Final = [
    (date(2025, 4, 25), 1, "working_day", date(2025, 4, 26)),
    (date(2025, 4, 28), 5, "working_day", date(2025, 5, 8)),
    (date(2024, 4, 26), 3, "working_day", date(2024, 5, 4)),
    (date(2026, 8, 21), 3, "working_day", date(2026, 8, 25)),
    (date(2026, 8, 28), 5, "working_day", date(2026, 9, 9)),
    (date(2026, 2, 13), 5, "working_day", date(2026, 2, 27)),
    (date(2026, 4, 24), 1, "working_day", date(2026, 4, 28)),
    (date(2026, 11, 23), 1, "working_day", date(2026, 11, 25)),
    (date(2025, 4, 17), 15, "calendar_day", date(2025, 5, 5)),
    (date(2025, 8, 17), 15, "calendar_day", date(2025, 9, 3)),
    (date(2025, 4, 11), 15, "calendar_day", date(2025, 4, 26)),
]


@pytest.mark.parametrize("batch", range(-(-CASES // BATCH)))
def test_both_clocks_agree(batch: int) -> None:
    tally = compare_batch(batch, min(BATCH, CASES - batch * BATCH))
    assert tally.cases
    assert not tally.differences, "\n".join(map(shown, tally.differences[:1]))


def test_a_case_is_asked_again_with_the_command_it_prints(capsys: pytest.CaptureFixture[str]) -> None:
    rows = calendars()
    kinds: set[str] = set()
    for case in cases("command", 400, rows):
        answer = oracle_says(case)
        if (
            answer == [NOT_COVERED]
            or case.calendar.startswith("made_up")
            or case.calendar + case.unit in kinds
        ):
            continue
        kinds.add(case.calendar + case.unit)
        assert main([*case.command()[1:], "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        received_at, due_at = (_local(said[name]) for name in ("received_at", "due"))
        assert [received_at, due_at] == answer[:2], shown((case, answer, [received_at, due_at]))
    assert len(kinds) > 30


def test_both_clocks_agree_on_real_procedures() -> None:
    folder = os.environ.get("MOTCUA_DATA")
    if not folder:
        pytest.skip("MOTCUA_DATA does not name a folder of real data")
    procedures = usable_procedures(Path(folder))[::EVERY_NTH_PROCEDURE]
    assert len(procedures) > 100
    for procedure in procedures:
        tally = compare_procedure(procedure, RECEIPTS)
        assert tally.cases == RECEIPTS
        assert not tally.differences, "\n".join(map(shown, tally.differences[:1]))


def test_working_time_between_and_backwards_agrees() -> None:
    calendar, slow = shipped()
    dice = random.Random("working time")
    for _ in range(2000):
        start = _some_minute(dice)
        end, minutes = start + timedelta(minutes=dice.randrange(40_000)), dice.randint(1, 3000)
        aware = start.replace(tzinfo=VIETNAM)
        between = working_minutes(calendar, aware, end.replace(tzinfo=VIETNAM))
        assert between == slow.minutes_between(start, end), (start, end)
        back = add_working_minutes(calendar, aware, -minutes)
        assert back == slow.earlier(start, minutes).replace(tzinfo=VIETNAM), (start, minutes)


# --- the oracle itself


@pytest.mark.parametrize(("receipt", "term", "unit", "wanted"), GOLDEN)
def test_the_oracle_knows_the_golden_dates(receipt: date, term: int, unit: str, wanted: date) -> None:
    _, slow = shipped()
    assert slow.due(_at(receipt, 9), term, unit) == _at(wanted, 17)


def test_the_list_of_minutes_says_what_a_walk_minute_by_minute_says() -> None:
    _, slow = shipped()
    dice = random.Random("walk")
    for _ in range(150):
        start, wanted = _some_minute(dice), dice.randint(1, 1500)
        minute, left, walked = start, wanted, 0
        while left:
            left -= _is_worked(slow, minute)
            minute += ONE_MINUTE
            walked += 1
        assert slow.later(start, wanted) == minute
        assert slow.minutes_between(start, start + walked * ONE_MINUTE) == wanted
        assert slow.earlier(minute, wanted) == slow.counted_from(start)


def test_the_cases_reach_everything_they_are_meant_to() -> None:
    seen: Counter[str] = Counter()
    rows = calendars()
    exceptional = rows["default"].days
    for case in cases("reach", 20_000, rows):
        seen.update(_traits(case))
        if case.received.date() in exceptional:
            seen[f"exceptional {case.received.year}"] += 1
        if exceptional.get(case.received.date()) == "work":
            seen["worked weekend"] += 1
    wanted = {*LONGEST, *rows, "PAUSE", "RESTART", "CONTINUE", "working_hours", "term 0 with a cut-off"}
    wanted |= {f"exceptional {year}" for year in YEARS} | {
        "several pauses",
        "23:59",
        "a minute before",
        "seconds",
    }
    wanted |= {NOT_COVERED, "overdue", "worked weekend", "a minute after", "on an edge"}
    assert {trait for trait in wanted if seen[trait] < 20} == set()


def _traits(case: Case) -> list[str]:
    minute = case.received.hour * 60 + case.received.minute
    found = [case.unit, case.calendar, case.mode]
    found += [case.policy] if case.pauses else []
    found += ["several pauses"] if len(case.pauses) > 1 else []
    found += ["term 0 with a cut-off"] if case.cutoff and not case.term else []
    found += ["23:59"] if minute == 1439 else []
    found += ["seconds"] if case.received.second else []
    found += ["a minute before"] if minute in (449, 689, 809, 1019) else []
    found += ["a minute after"] if minute in (451, 691, 811, 1021) else []
    found += ["on an edge"] if minute in (450, 690, 810, 1020) and not case.received.second else []
    answer = oracle_says(case)
    found += [NOT_COVERED] if answer == [NOT_COVERED] else []
    return found + (["overdue"] if answer[-1].startswith("Quá") else [])


def _local(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(VIETNAM).replace(tzinfo=None).isoformat()


def _is_worked(slow: SlowClock, minute: datetime) -> bool:
    clock = minute.hour * 60 + minute.minute
    return any(start <= clock < end for start, end in slow.sessions_of(minute.date()))


def _some_minute(dice: random.Random) -> datetime:
    return _at(date(2019, 1, 1), 0) + timedelta(minutes=dice.randrange(7 * 365 * 1440))


def _at(day: date, hour: int) -> datetime:
    return datetime(day.year, day.month, day.day, hour)  # noqa: DTZ001 the oracle counts on naive local time
