"""Calendar records in the services: at the door only news is news, and each province has its own calendar."""

from __future__ import annotations

from datetime import date, time

import pytest

from contracts.commands import LawChanged
from contracts.law import CalendarAmended, CalendarDay, DayKind, LawEnacted, Session
from services.intake.domain.lawbook import LawBook
from services.workflow.domain.law import Law

DAY = CalendarDay(date=date(2025, 6, 4), kind=DayKind.OFF, name_vi="Lễ hội", source="tỉnh")
WEEK = ((Session(time(7), time(12)),),) * 5 + ((), ())
OTHER = ((Session(time(8), time(12)),),) * 5 + ((), ())
COUNTRY = CalendarAmended(years=(2025,), days=(DAY,), source="x", sessions=WEEK)
PROVINCE = CalendarAmended(years=(), days=(DAY,), source="x", sessions=OTHER, province="H52")
SUMMER = CalendarAmended(
    years=(), days=(), source="x", sessions=OTHER, valid_from=date(2025, 5, 1), valid_to=date(2025, 9, 1)
)
COUNTER = CalendarAmended(years=(), days=(), source="x", counter=OTHER)


@pytest.mark.parametrize("change", [PROVINCE, SUMMER, COUNTER])
def test_what_differs_in_scope_alone_is_news_at_the_door_once(change: CalendarAmended) -> None:
    book = LawBook()
    assert book.news([COUNTRY, COUNTRY]) == [COUNTRY]
    book.apply(LawEnacted(author="admin", changes=(COUNTRY,)))
    assert book.news([COUNTRY]) == []
    assert book.news([change, change]) == [change]


def test_a_dossier_is_counted_by_the_calendar_of_its_agencys_province() -> None:
    law = Law().amended(LawChanged(version=1, changes=(COUNTRY,)))
    changes = (
        CalendarAmended(
            years=(),
            days=(CalendarDay(date=date(2025, 6, 5), kind=DayKind.OFF, name_vi="Lễ hội", source="tỉnh"),),
            source="x",
            province="H52",
        ),
    )
    law = law.amended(LawChanged(version=2, changes=changes))
    worked = {}
    for agency in ("000.01.18.H52", "H52.18", "H49.18", "KHÔNG"):
        calendar = law.calendar_for(agency)
        assert calendar is not None
        assert not calendar.is_working_day(date(2025, 6, 4))
        worked[agency] = calendar.is_working_day(date(2025, 6, 5))
    assert worked == {"000.01.18.H52": False, "H52.18": False, "H49.18": True, "KHÔNG": True}
    assert Law().calendar_for("H52.18") is None
