"""Laws of a seal's register, whatever comes from how many partitions, and however often.

What a register is sent from one partition is a row that only grows, sent again from somewhere on after each
crash; the rows of the partitions mix at random.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.commands import Cause, DrawNumber
from contracts.facts import NumberDrawn
from contracts.identity import derived_id, seal_id
from services.workflow.domain.seals import Register, draw
from tests.fakes.workflow import AGENCY, SEAL

NEW_YEAR = datetime(2025, 12, 31, 17, tzinfo=UTC)

STAMPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(-3, 3)), max_size=40)
"""Partition, offsets since its last stamp (0: of the same record), hours after the turn of the year."""

SENT = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(1, 6)), max_size=60)
"""Of which partition how many are sent next, beginning how many before the first that was never sent."""


def rows(stamps: list[tuple[int, int, int]]) -> dict[int, list[DrawNumber]]:
    """The draws of each partition in their order."""
    made: dict[int, list[DrawNumber]] = {partition: [] for partition in range(4)}
    for partition, ahead, hours in stamps:
        row = made[partition]
        before = row[-1].source if row else Cause(partition, 0, -1)
        n = before.n + 1 if ahead == 0 else 0
        source = Cause(partition, before.offset + ahead, n)
        name = f"{source.partition}/{source.offset}/{source.n}"
        row.append(
            DrawNumber(
                id=derived_id(name, "draw"),
                seal_id=seal_id(SEAL),
                seal=SEAL,
                agency=AGENCY,
                source=source,
                at=NEW_YEAR + timedelta(hours=hours),
                dossier_id=derived_id(name, "dossier"),
                stamp=1,
            )
        )
    return made


def arriving(made: dict[int, list[DrawNumber]], sent: list[tuple[int, int, int]]) -> list[DrawNumber]:
    """What the register is sent: pieces of the rows, some of it again, and at last all to their ends."""
    reached = dict.fromkeys(made, 0)
    arrived: list[DrawNumber] = []
    for partition, back, count in [*sent, *((partition, 2, 99) for partition in made)]:
        start = max(0, reached[partition] - back)
        piece = made[partition][start : start + count]
        reached[partition] = max(reached[partition], start + len(piece))
        arrived += piece
    return arrived


@given(STAMPS, SENT)
def test_each_stamp_has_one_number_and_each_year_all_of_them(
    stamps: list[tuple[int, int, int]], sent: list[tuple[int, int, int]]
) -> None:
    made = rows(stamps)
    register: Register | None = None
    numbers: list[NumberDrawn] = []
    for offset, record in enumerate(arriving(made, sent)):
        drawn = draw(register, record, Cause(5, offset, 0))
        assert drawn == draw(register, record, Cause(5, offset, 0))
        if drawn:
            numbers.append(drawn[0])
            register = drawn[1]
    asked = [record.dossier_id for row in made.values() for record in row]
    assert sorted(number.dossier_id for number in numbers) == sorted(asked)
    assert [number.seq for number in numbers] == list(range(1, len(asked) + 1))
    years: dict[int, list[int]] = defaultdict(list)
    for number in numbers:
        assert number.year == (number.at + timedelta(hours=7)).year
        years[number.year].append(number.number)
    assert all(given == list(range(1, len(given) + 1)) for given in years.values())
