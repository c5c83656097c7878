"""The state machines of intake's domain: serials, law book, recents, gate."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.access import Client
from contracts.law import (
    AgencyPublished,
    CalendarAmended,
    CalendarDay,
    DayKind,
    EngineVersion,
    LawChange,
    LawEnacted,
    LawForwarded,
    Session,
)
from contracts.outcomes import ActionName
from contracts.words import Clock, Role
from services.intake.domain.admission import Gate, Limits
from services.intake.domain.catalogue import Catalogue
from services.intake.domain.commands import Prepared, SerialKey, prepare
from services.intake.domain.lawbook import LawBook, LawCorruptError, entries
from services.intake.domain.recents import Recents
from services.intake.domain.refusals import Refused
from services.intake.domain.requests import Ask
from services.intake.domain.serials import SerialClaim, SerialLedger
from tests.fakes.intake_desk import AGENCY, LAW_AT_START, NOW, PROVINCE_KEY, procedure

KEY = SerialKey(AGENCY, date(2026, 3, 5))


def _claim(block: int, claimant: str = "me") -> SerialClaim:
    return SerialClaim(agency=KEY.agency, day=KEY.day, block=block, claimant=claimant)


def test_the_next_block_is_claimed_ahead_of_need() -> None:
    ledger = SerialLedger("me")
    ledger.want(KEY, 17)
    [first] = ledger.plan(KEY)
    ledger.apply(first)
    assert len(ledger.take(KEY, 16)) == 16
    assert ledger.plan(KEY) == []  # four are left, and one of them is wanted
    assert len(ledger.take(KEY, 1)) == 1
    [ahead] = ledger.plan(KEY)
    assert (ahead.block, ledger.plan(KEY)) == (1, [])  # once is enough


def test_a_block_is_claimed_read_back_and_given_out() -> None:
    ledger = SerialLedger("me")
    ledger.want(KEY, 25)
    claims = ledger.plan(KEY)
    assert [claim.block for claim in claims] == [0, 1]
    assert ledger.plan(KEY) == []
    assert [ledger.apply(claim) for claim in claims] == [True, True]
    assert ledger.take(KEY, 25) == list(range(1, 26))
    ledger.want(KEY, 15)
    assert ledger.plan(KEY) == []
    assert ledger.take(KEY, 15) == list(range(26, 41))


def test_the_first_claim_wins_and_the_loser_goes_on() -> None:
    ledger = SerialLedger("me")
    ledger.want(KEY, 1)
    [mine] = ledger.plan(KEY)
    assert ledger.apply(_claim(0, "other"))
    assert not ledger.apply(mine)
    assert ledger.take(KEY, 1) == []
    [again] = ledger.plan(KEY)
    assert again.block == 1
    assert ledger.apply(again)
    assert ledger.take(KEY, 1) == [21]


def test_a_claim_that_was_not_acked_counts_if_it_came_through_after_all() -> None:
    ledger = SerialLedger("me")
    ledger.want(KEY, 1)
    [claim] = ledger.plan(KEY)
    ledger.dropped(claim)
    [again] = ledger.plan(KEY)
    assert again == claim
    assert ledger.apply(claim)
    assert not ledger.apply(again)
    assert ledger.take(KEY, 40) == list(range(1, 21))


def test_numbers_given_back_come_first_in_their_order() -> None:
    ledger = SerialLedger("me")
    ledger.want(KEY, 3)
    for claim in ledger.plan(KEY):
        ledger.apply(claim)
    taken = ledger.take(KEY, 3)
    ledger.give_back(KEY, taken)
    ledger.want(KEY, 3)
    assert ledger.take(KEY, 3) == taken


def test_the_day_ends_at_9999_and_never_wraps() -> None:
    ledger = SerialLedger("me")
    for block in range(499):
        ledger.apply(_claim(block, "other"))
    ledger.want(KEY, 30)
    [last] = ledger.plan(KEY)
    assert last.serials == range(9_981, 10_000)
    assert ledger.plan(KEY) == []
    ledger.apply(last)
    assert ledger.take(KEY, 30) == list(range(9_981, 10_000))
    with pytest.raises(Refused, match="serial_exhausted"):
        ledger.plan(KEY)
    # Another day is another count.
    tomorrow = SerialKey(AGENCY, date(2026, 3, 6))
    ledger.want(tomorrow, 1)
    assert ledger.plan(tomorrow)[0].block == 0


OFF = CalendarDay(date=date(2026, 1, 1), kind=DayKind.OFF, name_vi="Tết", source="x")
WEEK = ((Session(time(7, 30), time(11, 30)),),) * 5 + ((), ())
CALENDAR = CalendarAmended(years=(2026,), days=(OFF,), source="x", sessions=WEEK)


def _book(*changes: LawChange) -> LawBook:
    book = LawBook()
    if changes:
        book.apply(LawEnacted(author="a", changes=changes))
        book.apply(LawForwarded(through=1))
    return book


def test_law_is_in_force_once_it_is_forwarded() -> None:
    book = LawBook()
    book.apply(LawEnacted(author="a", changes=(procedure(),)))
    book.apply(LawEnacted(author="a", changes=(procedure(version=2),)))
    assert book.in_force.procedures == {}
    assert [version for version, _ in book.waiting()] == [1, 2]
    book.apply(LawForwarded(through=1))
    assert [p.version for p in book.in_force.procedures.values()] == [1]
    assert [version for version, _ in book.waiting()] == [2]
    book.apply(LawForwarded(through=2))
    book.apply(LawForwarded(through=1))
    assert [p.version for p in book.in_force.procedures.values()] == [2]
    assert (book.enacted, book.forwarded) == (2, 2)


def test_a_law_forwarded_before_it_was_enacted_is_corrupt() -> None:
    with pytest.raises(LawCorruptError):
        LawBook().apply(LawForwarded(through=1))


@pytest.mark.parametrize(
    "change", [*LAW_AT_START, CALENDAR, EngineVersion(version=1)], ids=lambda c: type(c).__name__
)
def test_what_stands_is_no_news(change: LawChange) -> None:
    assert LawBook().news([change, change]) == [change]
    assert _book(change).news([change]) == []


@pytest.mark.parametrize(
    "change",
    [
        CalendarAmended(years=(2027,), days=(), source="x"),
        CalendarAmended(
            years=(), days=(CalendarDay(date=OFF.date, kind=DayKind.WORK, name_vi="", source=""),), source="x"
        ),
        CalendarAmended(years=(), days=(), source="x", sessions=(WEEK[0], *((),) * 6)),
        EngineVersion(version=2),
        AgencyPublished(code=AGENCY, name_vi="Tên mới"),
        procedure(version=2),
    ],
    ids=range(6),
)
def test_what_differs_is_news(change: LawChange) -> None:
    book = _book(*LAW_AT_START, CALENDAR, EngineVersion(version=1))
    assert book.news([change]) == [change]


def test_a_part_of_the_calendar_that_stands_is_no_news() -> None:
    part = CalendarAmended(years=(2026,), days=(OFF,), source="elsewhere")
    assert _book(CALENDAR).news([part]) == []


def test_a_version_means_one_thing() -> None:
    with pytest.raises(Refused, match="version_not_newer"):
        _book(procedure()).news([procedure(name="Khác")])
    with pytest.raises(Refused, match="version_not_newer") as refused:
        LawBook().news([procedure(), procedure(name="Khác")])
    assert refused.value.field == "changes[1].version"


def test_the_first_content_of_a_version_stays_what_it_means() -> None:
    first, second = procedure(version=2), procedure(version=2, name="Khác")
    book = _book(procedure())
    assert book.apply(LawEnacted(author="a", changes=(first,))) == 0
    assert book.apply(LawEnacted(author="b", changes=(second, *LAW_AT_START[1:2]))) == 1
    assert book.why_void(first, "changes[0]") is None
    refused = book.why_void(second, "changes[0]")
    assert refused is not None
    assert (refused.reason, refused.field) == ("version_not_newer", "changes[0].version")
    book.apply(LawForwarded(through=3))
    assert book.in_force.procedures == {first.code: first}
    assert set(book.in_force.agencies) == {AGENCY}  # the rest of the entry stands
    assert book.apply(LawEnacted(author="c", changes=(first,))) == 0  # said again, it is no other content


def test_of_versions_enacted_crosswise_the_higher_one_is_in_force() -> None:
    two, three = procedure(version=2), procedure(version=3)
    book = LawBook()
    for change in (three, two):
        book.apply(LawEnacted(author="a", changes=(change,)))
    assert book.news([three]) == []
    book.apply(LawForwarded(through=2))
    assert book.in_force.procedures == {three.code: three}
    with pytest.raises(Refused, match="version_not_newer"):
        book.news([procedure(version=3, name="Khác")])


OVERLAP = (Session(time(7), time(12)), Session(time(11), time(17)))
ALL_2026 = tuple(
    CalendarDay(date=date(2026, 1, 1) + timedelta(days=n), kind=DayKind.OFF, name_vi="", source="x")
    for n in range(365)
)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"sessions": (OVERLAP, *WEEK[1:])}, "changes[1].sessions"),
        ({"sessions": ((), *WEEK[1:])}, "changes[1].sessions"),
        ({"counter": (OVERLAP, *WEEK[1:])}, "changes[1].counter"),
        ({"days": (OFF, replace(OFF, sessions=WEEK[0]))}, "changes[1].days[1]"),
        ({"days": (replace(OFF, kind=DayKind.WORK, sessions=()),)}, "changes[1].days[0]"),
        (
            {"sessions": WEEK, "valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 1)},
            "changes[1].valid_to",
        ),
        ({"days": ALL_2026}, "changes[1]"),
    ],
    ids=range(7),
)
def test_an_amendment_that_makes_no_calendar_is_refused_and_void(wrong: dict[str, Any], field: str) -> None:
    change = CalendarAmended(**{"years": (2026,), "days": (), "source": "x", **wrong})
    book = _book(procedure())
    with pytest.raises(Refused, match="bad_shape") as refused:
        book.news([CALENDAR, change])
    assert refused.value.field == field
    assert book.apply(LawEnacted(author="a", changes=(change,))) == 1
    assert book.news([CALENDAR]) == [CALENDAR]


def test_an_agency_that_could_never_number_a_dossier_is_refused() -> None:
    with pytest.raises(Refused, match="bad_shape"):
        LawBook().news([AgencyPublished(code="ABCDEF", name_vi="x")])


def test_entries_fit_their_records() -> None:
    many = [procedure(f"3.{n:06d}") for n in range(401)]
    assert [len(entry.changes) for entry in entries("a", many)] == [200, 200, 1]
    fat = [AgencyPublished(code=f"H{n}", name_vi="x", source="y" * 200_000) for n in range(10, 15)]
    assert [len(entry.changes) for entry in entries("a", fat)] == [2, 2, 1]
    assert entries("a", []) == []
    with pytest.raises(Refused, match="bad_shape"):
        entries("a", [AgencyPublished(code="H10", name_vi="x", source="y" * 600_000)])


def _prepared(key: str, action: ActionName = ActionName.WITHDRAW) -> Prepared:
    catalogue = Catalogue()
    catalogue.apply(AgencyPublished(code=AGENCY, name_vi="x"))
    agency = AGENCY if action is ActionName.ACCEPT else None
    return prepare(
        Ask(key=key, action=action, dossier_id="0" * 32, agency=agency),
        Client(name="c", role=Role.ADMIN),
        catalogue,
        now=NOW,
        clock=Clock.SYSTEM,
        province_key=PROVINCE_KEY,
    )


def test_recents_know_repetitions_and_reused_keys() -> None:
    recents = Recents()
    one = _prepared("k")
    assert not recents.check(one)
    assert not recents.check(one)  # under way, but not acked
    recents.acked(one.command_id)
    assert recents.check(one)
    recents.unsent(one.command_id)
    assert recents.check(one)  # what is acked once stands
    with pytest.raises(Refused, match="idempotency_key_reused"):
        recents.check(_prepared("k", ActionName.STAMP))


def test_recents_forget_what_was_not_sent_and_what_is_old() -> None:
    recents = Recents(size=2)
    recents.check(_prepared("k"))
    recents.unsent(_prepared("k").command_id)
    assert not recents.check(_prepared("k", ActionName.STAMP))
    for key in ("l", "m"):
        recents.check(_prepared(key))
    assert not recents.check(_prepared("k"))
    recents.acked("f" * 32)
    recents.unsent("f" * 32)


def test_recents_give_an_acceptance_the_number_it_had() -> None:
    recents = Recents()
    one = _prepared("k", ActionName.ACCEPT)
    recents.given(one, 7)
    assert recents.serial(one) is None
    recents.check(one)
    recents.given(one, 7)
    assert recents.serial(one) == 7
    tomorrow = SerialKey(AGENCY, date(2026, 3, 6))
    moved = Prepared(**{f: getattr(one, f) for f in one.__struct_fields__} | {"serial_key": tomorrow})
    assert recents.serial(moved) is None


def _open(limits: Limits) -> Gate:
    gate = Gate(limits)
    gate.open = True
    return gate


def test_the_gate_counts_records_and_bytes() -> None:
    gate = _open(Limits(records=2, bytes=100))
    assert gate.admit(60, 0.0) is None
    assert gate.admit(60, 0.0) == "too_much_in_flight"
    gate.leave(60)
    for _ in range(2):
        assert gate.has_room(10)
        gate.sent(10, 0.0)
    assert not gate.has_room(10)
    assert gate.admit(1, 0.0) == "too_many_in_flight"
    gate.acked(10, 0.0)
    assert gate.has_room(90)
    assert not gate.has_room(91)
    assert gate.admit(1, 0.0) is None


def test_a_silent_broker_closes_the_gate_and_its_ack_opens_it() -> None:
    gate = _open(Limits(ack_silence=5.0))
    gate.sent(1, 100.0)
    gate.sent(1, 104.0)
    assert gate.admit(1, 105.0) is None
    assert gate.admit(1, 105.1) == "broker_slow"
    gate.acked(1, 105.2)
    assert gate.admit(1, 106.0) is None
    gate.acked(1, 106.0)
    assert gate.admit(1, 1000.0) is None


def test_after_a_failure_one_request_at_a_time_tries_again() -> None:
    gate = _open(Limits(probe_interval=1.0))
    gate.sent(1, 0.0)
    gate.failed(1, 10.0)
    assert gate.admit(1, 10.5) == "broker_failing"
    assert gate.admit(1, 11.0) is None
    assert gate.admit(1, 11.5) == "broker_failing"
    gate.sent(1, 11.5)
    gate.acked(1, 11.6)
    assert gate.admit(1, 11.6) is None


def test_in_doubt_one_thing_at_a_time_tries_the_broker() -> None:
    gate = _open(Limits(probe_interval=1.0))
    gate.sent(1, 0.0)
    gate.failed(1, 10.0)
    gate.sent(1, 11.0)  # a probe of our own
    assert gate.admit(1, 12.5) == "broker_failing"
    gate.acked(1, 12.6)
    assert gate.admit(1, 12.6) is None


def test_the_gate_says_why_nothing_should_come() -> None:
    gate = Gate(Limits(ack_silence=5.0, records=1))
    assert gate.why_not(0.0) == "not_ready"
    gate.open = True
    assert gate.why_not(0.0) is None
    gate.sent(1, 0.0)
    assert gate.why_not(5.0) is None  # a full buffer passes
    assert gate.why_not(5.1) == "broker_slow"
    gate.failed(1, 6.0)
    assert gate.why_not(1000.0) == "broker_failing"
    gate.sent(1, 1000.0)
    gate.acked(1, 1000.1)
    assert gate.why_not(1000.1) is None


def test_a_gate_that_is_not_open_takes_nothing() -> None:
    assert Gate(Limits()).admit(1, 0.0) == "not_ready"
