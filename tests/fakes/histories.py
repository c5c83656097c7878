"""A small world to make histories in, and an oracle that judges them.

The oracle shares no code with the generator: it reads the lines as anyone would, asks ``legalclock`` alone,
and says what has become of every dossier by the end of the period.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from contracts.law import (
    AgencyPublished,
    CalendarAmended,
    CalendarDay,
    DayKind,
    LawChange,
    ProcedurePublished,
    SealRegistered,
)
from contracts.words import Channel, SealKind, TermUnit
from legalclock.calendar import Calendar, Day
from legalclock.calendar import DayKind as ClockDayKind
from legalclock.outcome import outcome
from legalclock.sessions import Session
from legalclock.terms import due, remaining, resumed

_TET: Final = [date(2020, 1, 23) + timedelta(days=place) for place in range(7)]
_OFF: Final = [
    date(2020, 1, 1),
    *_TET,
    date(2020, 4, 2),
    date(2020, 4, 30),
    date(2020, 5, 1),
    date(2020, 9, 2),
]
_OFF_LATER: Final = [date(2021, 1, 1), *(date(2021, 2, 10) + timedelta(days=place) for place in range(6))]

CALENDAR: Final = CalendarAmended(
    years=(2019, 2020, 2021, 2022),
    days=(
        *(
            CalendarDay(date=day, kind=DayKind.OFF, name_vi="nghỉ", source="test")
            for day in _OFF + _OFF_LATER
        ),
        CalendarDay(date=date(2020, 8, 22), kind=DayKind.WORK, name_vi="làm bù", source="test"),
    ),
    source="test",
)


def _procedure(number: int, term: int, cutoff: time | None, *channels: Channel) -> ProcedurePublished:
    return ProcedurePublished(
        code=f"1.{number:06d}",
        version=1,
        name_vi=f"Thủ tục thử {number}",
        field_vi="Thử nghiệm",
        level="province|commune",
        term_value=term,
        term_unit=TermUnit.WORKING_DAY,
        channels=channels or tuple(Channel),
        late_cutoff=cutoff,
    )


AGENCIES: Final = ("000.01.18.H52", "000.02.18.H52", "000.03.18.H52")
CATALOGUE: Final[tuple[LawChange, ...]] = (
    *(AgencyPublished(code=code, name_vi="Cơ quan thử") for code in AGENCIES),
    *(
        SealRegistered(code=f"{code}-1", agency=code, kind=SealKind.AGENCY, valid_from=date(2019, 1, 1))
        for code in AGENCIES
    ),
    _procedure(1, 0, time(15)),
    _procedure(2, 0, None, Channel.COUNTER),
    _procedure(3, 1, None),
    _procedure(4, 3, time(15)),
    _procedure(5, 5, None, Channel.COUNTER, Channel.ONLINE),
    _procedure(6, 15, None),
    _procedure(7, 30, None),
)

PROFILE: Final = """
name = "test-2020"
title_vi = "Nơi thử nghiệm"
source = "test"
period = { from = 2020-01-01, to = 2020-12-31 }
published = { finished = 4000, not_due = 130, not_solved = 90 }
[assumed]
early_of_finished = 0.6
refused_of_not_solved = 0.4
online = 0.2
postal = 0.1
supplement_of_finished = 0.5
waiting_days = 60
rated_of_returned = 0.4
scores = [1, 1, 2, 10, 40]
refuse_reasons = ["papers_missing"]
supplement_reasons = ["papers_missing", "form_incomplete"]
levels = ["commune"]
terms = { 0 = 4, 1 = 2, 3 = 2, 5 = 2, 15 = 1, 30 = 1 }
[receipts]
counter_weekday = [25, 20, 19, 18, 18, 6, 6]
counter_hour = [0, 0, 0, 0, 0, 0, 0, 14, 20, 19, 15, 9, 0, 10, 15, 13, 8, 0, 0, 0, 0, 0, 0, 0]
online_weekday = [1, 1, 1, 1, 1, 1, 1]
online_hour = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]
[[agencies]]
code = "000.01.18.H52"
weight = 5
[[agencies]]
code = "000.02.18.H52"
weight = 1
"""


@dataclass(frozen=True)
class Judged:
    """What the oracle found: dossiers by fate, by channel, and how many commands of each action."""

    fates: Counter[str]
    channels: Counter[str]
    actions: Counter[str]


def clock_calendar(change: CalendarAmended) -> Calendar:
    """The calendar a reader of the law record builds."""
    days = [Day(day.date, ClockDayKind(str(day.kind))) for day in change.days]
    calendar = Calendar().amended(days=days, years=change.years)
    if change.sessions is None:
        return calendar
    week = [[Session(span.start, span.end) for span in day] for day in change.sessions]
    return calendar.amended(sessions=week)


def judge(lines: list[bytes], catalogue: tuple[LawChange, ...], change: CalendarAmended) -> Judged:
    """Judge the commands (without the header) of a history whose period is over at its header's time."""
    header, *commands = [json.loads(line) for line in lines]
    end = datetime.fromisoformat(header["history"]["time_to"])
    procedures = {p.code: p for p in catalogue if isinstance(p, ProcedurePublished)}
    calendar = clock_calendar(change)
    dossiers: dict[str, list[dict[str, Any]]] = {}
    for command in commands:
        dossiers.setdefault(command.get("dossier_key") or command["key"], []).append(command)
    fates = Counter(
        _fate(life, procedures[life[0]["procedure"]], calendar, end) for life in dossiers.values()
    )
    channels = Counter(life[0]["channel"] for life in dossiers.values())
    return Judged(fates, channels, Counter(command["action"] for command in commands))


def _fate(
    life: list[dict[str, Any]], procedure: ProcedurePublished, calendar: Calendar, end: datetime
) -> str:
    unit = str(procedure.term_unit)
    status, done, due_at, left = "registered", 1, end, 0
    eyes: list[str] = []
    fate = "registered"
    before: datetime | None = None
    assert life[0]["action"] == "register"
    assert life[0]["channel"] in procedure.channels
    for command in life:
        at = datetime.fromisoformat(command["at"])
        assert before is None or at > before
        assert at <= end
        before = at
        action = command["action"]
        if action not in ("register", "rate"):
            sessions = calendar.sessions_on(at.date())
            assert any(span.start <= at.time() < span.end for span in sessions), command
        match action:
            case "register":
                pass
            case "refuse":
                assert status == "registered"
                status = fate = "refused"
            case "accept":
                assert status == "registered"
                assert command["agency"] == life[0]["agency"]
                status = "open"
                due_at = due(calendar, at, procedure.term_value, unit, procedure.late_cutoff).due
                fate = "not_due" if due_at > end else "overdue"
            case "request_supplement":
                assert status == "open"
                assert at < due_at
                status, left = "waiting", remaining(calendar, at, due_at, unit)
                fate = "waiting"
            case "receive_supplement":
                assert status == "waiting"
                status, due_at = "open", resumed(calendar, at, left, unit)
                fate = "not_due" if due_at > end else "overdue"
            case "appraise" | "approve" | "stamp":
                assert status == "open"
                assert ["", "appraise", "approve", "stamp"][done] == action
                done += 1
                eyes.append(command["actor"])
                assert len(set(eyes)) == done - 1, "whoever appraises, approves and seals are three people"
                if action == "stamp":
                    status, fate = "finished", str(outcome(at, due_at, unit))
            case "return":
                assert status == "finished"
                status = "returned"
            case "rate":
                assert status == "returned"
                assert command["score"] in range(1, 6)
                status = "rated"
            case other:
                raise AssertionError(f"unexpected action {other}")
    return fate
