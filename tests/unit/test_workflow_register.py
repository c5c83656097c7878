"""The register of a seal: what a stamp asks for, and which number it is given."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.commands import Cause, DrawNumber
from contracts.facts import Fact, Holder, StampApplied
from contracts.identity import derived_id, seal_id
from contracts.words import SealKind
from services.workflow.domain.decide import decide
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.law import Law
from services.workflow.domain.seals import Register, YearBook, draw, draws
from tests.fakes.workflow import AGENCY, OTHER_AGENCY, SEAL, law_record, life, officer, seal
from tests.fakes.workflow_desk import LAW, enact

NEW_YEAR = datetime(2025, 12, 31, 17, tzinfo=UTC)
"""Midnight in Việt Nam, 31 December still in UTC."""


def stamped() -> tuple[Fact, ...]:
    """What follows from the stamp of an ordinary life, from place 40 on."""
    law = Law().amended(law_record())
    dossier: Dossier | None = None
    for offset, command in enumerate(life()[:5], start=36):
        decision = decide(dossier, law, command, Cause(3, offset, 0))
        dossier = decision.dossier
    return decision.facts


def record(offset: int, n: int = 0, *, partition: int = 0, at: datetime = NEW_YEAR) -> DrawNumber:
    """A draw for the stamp at that place."""
    name = f"{partition}/{offset}/{n}"
    return DrawNumber(
        id=derived_id(name, "draw"),
        seal_id=seal_id(SEAL),
        seal=SEAL,
        agency=AGENCY,
        source=Cause(partition, offset, n),
        at=at,
        dossier_id=derived_id(name, "dossier"),
        stamp=7,
    )


def test_a_stamp_asks_for_one_number_and_other_facts_for_none() -> None:
    facts = stamped()
    place, stamp = next((n, fact) for n, fact in enumerate(facts) if isinstance(fact.body, StampApplied))
    assert draws(facts) == (
        DrawNumber(
            id=derived_id(f"3/40/{place}", "draw"),
            seal_id=seal_id(SEAL),
            seal=SEAL,
            agency=AGENCY,
            source=Cause(3, 40, place),
            at=stamp.at,
            dossier_id=stamp.dossier_id,
            stamp=stamp.seq,
        ),
    )
    assert draws(fact for fact in facts if fact is not stamp) == ()


def test_the_number_is_asked_for_the_agency_that_puts_the_stamp() -> None:
    [stamp] = [fact for fact in stamped() if isinstance(fact.body, StampApplied)]
    [elsewhere] = draws([replace(stamp, holder=Holder(OTHER_AGENCY))])
    assert (stamp.agency, elsewhere.agency) == (AGENCY, OTHER_AGENCY)
    [nobody] = draws([replace(stamp, holder=None)])
    assert nobody.agency == AGENCY


def test_the_first_number() -> None:
    asked = record(5, 1, partition=2)
    drawn = draw(None, asked, Cause(6, 9, 0))
    assert drawn
    number, register = drawn
    assert (number.seal_id, number.seal, number.agency) == (asked.seal_id, SEAL, AGENCY)
    assert (number.dossier_id, number.stamp, number.at) == (asked.dossier_id, 7, NEW_YEAR)
    assert (number.seq, number.year, number.number) == (1, 2026, 1)
    assert number.cause == Cause(6, 9, 0)
    assert register == Register(1, (YearBook(2026, 1),), (Cause(2, 5, 1),))


def test_a_year_is_that_of_the_local_day_and_each_counts_for_itself() -> None:
    old = replace(record(2), at=datetime(2025, 12, 31, 16, 59, 59, tzinfo=UTC))
    register: Register | None = None
    given = []
    for asked in (record(1), old, record(3), replace(old, source=Cause(0, 4, 0))):
        drawn = draw(register, asked, Cause(1, asked.source.offset, 0))
        assert drawn
        number, register = drawn
        given.append((number.seq, number.year, number.number))
    assert given == [(1, 2026, 1), (2, 2025, 1), (3, 2026, 2), (4, 2025, 2)]
    assert register == Register(4, (YearBook(2025, 2), YearBook(2026, 2)), (Cause(0, 4, 0),))


def test_what_was_drawn_for_is_not_drawn_for_again() -> None:
    register = Register(2, (YearBook(2026, 2),), (Cause(0, 5, 1), Cause(1, 3, 0)))
    here = Cause(1, 50, 0)
    for repeat in (record(5, 1), record(5, 0), record(4, 9), record(3, partition=1)):
        assert draw(register, repeat, here) is None
    for fresh in (record(5, 2), record(6), record(4, partition=1), record(0, partition=2)):
        assert draw(register, fresh, here)


def test_marks_stand_in_the_order_of_their_partitions() -> None:
    register: Register | None = None
    for asked in (record(5, partition=4), record(5, partition=1), record(8, partition=4)):
        drawn = draw(register, asked, Cause(0, 0, 0))
        assert drawn
        register = drawn[1]
    assert register
    assert register.marks == (Cause(1, 5, 0), Cause(4, 8, 0))


@pytest.mark.parametrize(
    "other",
    [{"agency": OTHER_AGENCY}, {"kind": SealKind.SECOND}, {"kind": SealKind.COPY}, {"electronic": True}],
)
def test_a_seal_stays_the_seal_it_is(other: dict[str, Any]) -> None:
    """Its numbers go by its code: made another seal, it would take its register along."""
    kept = replace(seal(), keeper=officer("stamp"), valid_to=date(2030, 12, 31))
    law = enact(LAW, kept)
    assert (law.seals[SEAL], law.rejected) == (kept, ())  # a new keeper and validity are no other seal
    moved = enact(law, replace(kept, **other), replace(seal("H52.18-E"), electronic=True))
    assert moved.seals[SEAL] == kept
    assert moved.rejected == (f"{law.version + 1}: {SEAL} is registered as another seal",)
    assert "H52.18-E" in moved.seals  # the rest of the record stands
