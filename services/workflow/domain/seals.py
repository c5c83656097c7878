"""The register of a seal: who asks it for a number, and which one it gives. Pure.

Numbers are a seal's own, from 1 each year, without a gap, in the order in which its aggregate is asked; the
year is that of the stamp's local day. A void stamp keeps its number, as a line struck out in a book does.

No part of an engine: what is given for a fact must never change, or a release that changes it becomes an
engine version of its own (``docs/decisions/0006-engine-versions.md``).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from contracts.commands import DrawNumber
from contracts.facts import Cause, Fact, NumberDrawn, StampApplied
from contracts.identity import derived_id, seal_id
from legalclock.moments import local


class YearBook(Struct, frozen=True, array_like=True):
    """The last number given in a year."""

    year: int
    last: int


class Register(Struct, frozen=True, array_like=True):
    """What a seal has given: how many numbers in all, the last one of each year, and for which stamps.

    `marks` holds one place for each partition stamps came from, the highest (offset, n) drawn for. That
    tells a repeat from a new stamp, since the draws that follow from one partition come in the order of
    their sources: whoever owns it begins where all before it is durable, decides in that order, and sends
    nothing before what it sent earlier is acknowledged. So whatever comes at or below a mark came before.
    """

    seq: int = 0
    years: tuple[YearBook, ...] = ()
    marks: tuple[Cause, ...] = ()


def draws(facts: Iterable[Fact]) -> tuple[DrawNumber, ...]:
    """What the seals are asked for because of these facts, in their order; the same facts ask the same."""
    return tuple(_draw(fact, fact.body) for fact in facts if isinstance(fact.body, StampApplied))


def _draw(fact: Fact, stamp: StampApplied) -> DrawNumber:
    source = fact.cause
    return DrawNumber(
        id=derived_id(f"{source.partition}/{source.offset}/{source.n}", "draw"),
        seal_id=seal_id(stamp.seal),
        seal=stamp.seal,
        # The step in hand is still the stamp, and its holder's agency is the seal's.
        agency=fact.holder.agency if fact.holder else fact.agency,
        source=source,
        at=fact.at,
        dossier_id=fact.dossier_id,
        stamp=fact.seq,
    )


def draw(register: Register | None, record: DrawNumber, cause: Cause) -> tuple[NumberDrawn, Register] | None:
    """The next number, and the register after it; None for a stamp that has its number."""
    before, source = register or Register(), record.source
    mark = next((mark for mark in before.marks if mark.partition == source.partition), None)
    if mark and (source.offset, source.n) <= (mark.offset, mark.n):
        return None
    year = local(record.at).year
    number = 1 + next((book.last for book in before.years if book.year == year), 0)
    drawn = NumberDrawn(
        seal_id=record.seal_id,
        seq=before.seq + 1,
        cause=cause,
        at=record.at,
        seal=record.seal,
        agency=record.agency,
        year=year,
        number=number,
        dossier_id=record.dossier_id,
        stamp=record.stamp,
    )
    books = (*(book for book in before.years if book.year != year), YearBook(year, number))
    marks = (*(one for one in before.marks if one is not mark), source)
    after = Register(
        seq=drawn.seq,
        years=tuple(sorted(books, key=lambda book: book.year)),
        marks=tuple(sorted(marks, key=lambda one: one.partition)),
    )
    return drawn, after
