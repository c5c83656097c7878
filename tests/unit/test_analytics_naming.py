"""What the law tells readers: the last word enacted stands, and trouble on the way is overcome."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from contracts.codec import encode
from contracts.law import (
    AgencyPublished,
    CalendarAmended,
    CalendarDay,
    DayKind,
    EngineVersion,
    LawEnacted,
    LawForwarded,
    SealRegistered,
)
from contracts.words import SealKind
from services.analytics.domain.lawbook import LawBook
from services.analytics.errors import LogTruncatedError, RetryLaterError
from services.analytics.naming import LawLog, Naming
from tests.waiting import wait_until


def entry(**names: str) -> LawEnacted:
    published = tuple(AgencyPublished(code=code, name_vi=name) for code, name in names.items())
    return LawEnacted(author="admin", changes=(EngineVersion(version=1), *published))


def test_the_last_name_stands() -> None:
    book = LawBook()
    book.apply(entry(H52="Sở Y tế", H53="Sở Nội vụ"))
    book.apply(LawForwarded(through=1))
    book.apply(entry(H52="Sở Y tế và Dân số"))
    assert [book.name(code) for code in ("H52", "H53", "H54")] == ["Sở Y tế và Dân số", "Sở Nội vụ", None]


def test_the_law_says_whose_a_seal_is() -> None:
    book = LawBook()
    assert book.agency_of("H52.18-D1") is None
    for agency in ("H52.18", "H52.17"):  # registered as another agency's, it stays what it was
        seal = SealRegistered(
            code="H52.18-D1", agency=agency, kind=SealKind.AGENCY, valid_from=date(2020, 1, 1)
        )
        book.apply(LawEnacted(author="admin", changes=(seal,)))
    assert book.agency_of("H52.18-D1") == "H52.18"


FRIDAY = datetime(2020, 2, 14, 1, tzinfo=UTC)  # 08:00 local
MONDAY = datetime(2020, 2, 17, 1, tzinfo=UTC)


def test_working_time_is_by_the_calendar_of_the_province() -> None:
    book = LawBook()
    assert book.working_minutes("H52.18", FRIDAY, MONDAY) is None, "no calendar yet"
    book.apply(LawEnacted(author="admin", changes=(CalendarAmended(years=(2020,), days=(), source="a"),)))
    whole = book.working_minutes("H52.18", FRIDAY, MONDAY)
    assert whole == 450
    assert book.working_minutes("nobody's", FRIDAY, MONDAY) == whole
    assert book.working_minutes("H52.18", FRIDAY, datetime(2021, 2, 1, tzinfo=UTC)) is None, "no such year"
    off = CalendarDay(date=date(2020, 2, 14), kind=DayKind.OFF, name_vi="Nghỉ", source="b")
    here = CalendarAmended(years=(), days=(off,), source="b", province="H52")
    book.apply(LawEnacted(author="admin", changes=(here,)))
    assert book.working_minutes("H52.18", FRIDAY, MONDAY) == 30, "Monday's half hour before eight"
    assert book.working_minutes("H44.18", FRIDAY, MONDAY) == whole


def test_a_calendar_that_cannot_be_is_left_out() -> None:
    book = LawBook()
    book.apply(LawEnacted(author="admin", changes=(CalendarAmended(years=(2020,), days=(), source="a"),)))
    never = tuple(() for _ in range(7))
    book.apply(
        LawEnacted(
            author="admin",
            changes=(CalendarAmended(years=(2020,), days=(), source="b", sessions=never),),
        )
    )
    assert book.working_minutes("H52.18", FRIDAY, MONDAY) == 450


class Log:
    """Gives its batches one by one, then nothing; raises what stands among them."""

    def __init__(self, *batches: list[bytes | None] | Exception) -> None:
        self._batches = list(batches)
        self.closed = threading.Event()

    def poll(self) -> list[bytes | None]:
        if not self._batches:
            return []
        batch = self._batches.pop(0)
        if isinstance(batch, Exception):
            raise batch
        return batch

    def close(self) -> None:
        self.closed.set()


@contextmanager
def following(*logs: Log | Exception) -> Iterator[Naming]:
    """A thread that opens each of `logs` in turn."""
    left = list(logs)

    def open_log() -> LawLog:
        log = left.pop(0)
        if isinstance(log, Exception):
            raise log
        return log

    naming = Naming(open_log, pause=0.001)
    naming.start()
    try:
        yield naming
    finally:
        naming.stop(10)


def test_it_follows_the_law_and_closes_what_it_opened() -> None:
    log = Log([encode(entry(H52="Sở Y tế"))], [], [encode(entry(H52="Sở Nội vụ"))])
    with following(log) as naming:
        wait_until(lambda: naming.book.name("H52") == "Sở Nội vụ", 10, "the second name")
    assert log.closed.is_set()


def test_an_entry_that_is_none_is_passed_over() -> None:
    with following(Log([b"{}", None, b"\xff", encode(entry(H52="Sở Y tế"))])) as naming:
        wait_until(lambda: naming.book.name("H52"), 10, "the name after the garbage")


def test_trouble_begins_again_from_the_beginning() -> None:
    first = Log([encode(entry(H52="Sở Y tế"))], LogTruncatedError("gone"))
    second = Log(RetryLaterError("away"))
    third = Log([encode(entry(H53="Sở Nội vụ"))])
    with following(RetryLaterError("away"), first, second, third) as naming:
        wait_until(lambda: naming.book.name("H53"), 10, "the name after the trouble")
        assert naming.book.name("H52") == "Sở Y tế"
    assert first.closed.is_set()
    assert second.closed.is_set()
