"""The working calendar of Việt Nam that a new stack starts with: 2018 to 2027, as one law record.

Days off come from the package ``holidays``, corrected by the rows below where a decision was read that it
does not know. This is seed data: services get their calendar from the log and never from the package, so
another version of it changes no decision. A province enacts what differs as an amendment; enacting the
seed once more would put the days it names, and the default sessions, back.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from importlib.metadata import version
from typing import Final

import holidays
from holidays.constants import PUBLIC

from contracts.law import CalendarAmended, CalendarDay, DayKind, Session
from legalclock.sessions import DEFAULT_WEEK

YEARS: Final = tuple(range(2018, 2028))

_LABOUR_CODE: Final = "Bộ luật Lao động 2019, Điều 112"
_IN_LIEU: Final = "Bộ luật Lao động 2019, Điều 111 khoản 3"
_YEARLY: Final = "thông báo nghỉ lễ, Tết hằng năm"
_UNREAD: Final = "chưa đọc được văn bản"
_NEW_YEAR_SWAP: Final = "Văn bản 12729/VPCP-KGVX ngày 25/12/2025"

ADDED: Final = (
    CalendarDay(
        date=date(2026, 1, 2),
        kind=DayKind.OFF,
        name_vi="Ngày nghỉ (thay cho ngày 10/01/2026)",
        source=_NEW_YEAR_SWAP,
    ),
    CalendarDay(
        date=date(2026, 1, 10),
        kind=DayKind.WORK,
        name_vi="Làm bù (thay cho ngày 02/01/2026)",
        source=_NEW_YEAR_SWAP,
    ),
)
"""Decided, and unknown to the package."""

REMOVED: Final = frozenset({date(2025, 2, 1)})
"""Named by the package, but in no notice: Tết of 2025 was 27 to 31 January. It is a Saturday anyway."""

UNCONFIRMED: Final = frozenset(
    {*(date(2027, 2, day) for day in range(4, 11)), date(2027, 9, 3), date(2026, 11, 24), date(2027, 11, 24)}
)
"""The package's own reckoning; the notice is not out or was not read. Amend when it is."""


def calendar_change() -> CalendarAmended:
    """The default calendar: years 2018-2027, every exceptional day with its source, the default sessions."""
    rows = {day.date: day for day in (*_from_package(), *ADDED)}
    return CalendarAmended(
        years=YEARS,
        days=tuple(rows[day] for day in sorted(rows) if day not in REMOVED),
        source=f"lịch nghỉ mặc định 2018-2027: gói holidays {version('holidays')} và các dòng sửa kèm nguồn",
        sessions=tuple(tuple(Session(span.start, span.end) for span in weekday) for weekday in DEFAULT_WEEK),
    )


def _from_package() -> Iterator[CalendarDay]:
    table = holidays.country_holidays("VN", years=YEARS, language="vi", categories=PUBLIC)
    for day, name in table.items():
        yield CalendarDay(date=day, kind=DayKind.OFF, name_vi=name, source=_source(day, name))
    for day in table.weekend_workdays:
        if day.year in YEARS:
            yield CalendarDay(date=day, kind=DayKind.WORK, name_vi="Làm bù (hoán đổi)", source=_YEARLY)


def _source(day: date, name: str) -> str:
    if "nghỉ bù" in name:
        ground = _IN_LIEU
    elif "thay cho" in name:
        ground = _YEARLY
    elif "Tết" in name and (day.month, day.day) != (1, 1):
        ground = f"{_LABOUR_CODE}; {_YEARLY}"
    else:
        ground = _LABOUR_CODE
    return f"{ground}; {_UNREAD}" if day in UNCONFIRMED else ground
