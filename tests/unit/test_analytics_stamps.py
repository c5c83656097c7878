"""The register of a seal: folded from pieces in any order, and whole only without a gap."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import permutations

import pytest

from contracts.facts import DossierRegistered, StampApplied, StampRevoked
from services.analytics.domain.rows import FactRow, micros, to_number_row, to_row
from services.analytics.domain.stamps import StampRow, fold_stamp, gapless, stamp_of
from tests.fakes.analytics_facts import fact, number
from tests.fakes.analytics_lives import SEAL, START

# The evening of the last day of 2020 in UTC is New Year's morning in Vietnam.
NEW_YEAR = datetime(2020, 12, 31, 20, 0, tzinfo=UTC)
PIECES = (
    to_row(fact(StampApplied(SEAL), seq=6, at=NEW_YEAR), 0, 1),
    to_row(fact(StampRevoked(SEAL, 6, "wrong_document"), seq=9), 0, 2),
    to_number_row(number(4, stamp=6, year=2021), 3, 1),
)


@pytest.mark.parametrize("pieces", list(permutations(PIECES)))
def test_a_stamp_is_the_same_from_its_pieces_in_any_order(pieces: tuple[FactRow, ...]) -> None:
    entry = None
    for row in pieces:
        assert stamp_of(row) == (SEAL, f"{1:032x}", 6)
        entry = fold_stamp(entry, row)
    assert entry == StampRow(
        SEAL, f"{1:032x}", 6, "H52.18", 2021, 4, micros(NEW_YEAR), micros(START), micros(START), 3
    )
    assert entry.key == (SEAL, f"{1:032x}", 6)
    assert entry.complete


def test_other_facts_are_about_no_stamp() -> None:
    assert stamp_of(to_row(fact(DossierRegistered()), 0, 0)) is None


def test_a_stamp_without_a_number_stands_in_the_year_of_its_local_day() -> None:
    pending = fold_stamp(None, PIECES[0])
    assert (pending.year, pending.of_year, pending.complete) == (0, 2021, False)


def entries(*numbers: int) -> list[StampRow]:
    return [StampRow(SEAL, f"{place:032x}", 6, "H52.18", 2021, n, 1, 1) for place, n in enumerate(numbers)]


def test_a_register_is_whole_without_a_gap_a_double_or_a_stamp_that_waits() -> None:
    assert gapless([])
    assert gapless(entries(2, 1, 3))
    assert not gapless(entries(1, 3))
    assert not gapless(entries(2, 3))
    assert not gapless(entries(1, 2, 2))
    assert not gapless(entries(0, 1, 2))
    unseen = [*entries(1), entries(2)[0]._replace(applied_at=0)]
    assert not gapless(unseen), "a number whose stamp is not here"
