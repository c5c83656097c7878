"""The proof finds what is wrong, and nothing when nothing is."""

from __future__ import annotations

import random

import pytest

from contracts.codec import encode
from contracts.facts import Cause
from services.analytics.domain.batch import Record, translate
from services.analytics.domain.comparison import Findings, PartitionProof, stray
from services.analytics.domain.dossier import DossierRow
from services.analytics.domain.rows import NUMBER_DRAWN, FactRow
from services.analytics.domain.stamps import StampKey, StampRow, fold_stamp, stamp_of
from tests.fakes.analytics import MemoryFacts, folded
from tests.fakes.analytics_facts import fill, number


def a_log() -> list[Record]:
    facts = MemoryFacts([0])
    fill(facts, 10, random.Random(5))
    return facts.records[0]


def tables(records: list[Record]) -> tuple[list[FactRow], dict[str, DossierRow]]:
    rows = translate(records, {}).rows
    return rows, folded(rows)


def rows_of(records: list[Record]) -> list[FactRow]:
    return translate(records, {}).rows


def stamps_of(rows: list[FactRow]) -> dict[StampKey, StampRow]:
    stamps: dict[StampKey, StampRow] = {}
    for row in rows:
        key = stamp_of(row)
        if key is not None:
            stamps[key] = fold_stamp(stamps.get(key), row)
    return stamps


def prove(
    records: list[Record],
    rows: list[FactRow],
    states: dict[str, DossierRow],
    stamps: dict[StampKey, StampRow] | None = None,
) -> Findings:
    proof = PartitionProof(0)
    for start in range(0, len(records), 7):
        part = [row for row in rows if start <= row.log_offset < start + 7]
        proof.compare_stretch(records[start : start + 7], part)
    proof.compare_dossiers(states)
    proof.compare_stamps(stamps_of(rows_of(records)) if stamps is None else stamps)
    proof.compare_clock(translate(records, {}).clocks.get(0))
    return proof.findings


def test_equal_is_clean() -> None:
    records = a_log()
    rows, states = tables(records)
    found = prove(records, rows, states)
    assert found.clean
    assert (found.facts, found.dossiers) == (len(rows), len(states)) != (0, 0)


def test_each_kind_of_difference_is_counted_as_what_it_is() -> None:
    records = a_log()
    rows, states = tables(records)
    assert prove(records, rows[:-1], states).missing == 1
    assert prove(records, [*rows, rows[3]], states).duplicated == 1
    assert prove(records, [rows[0]._replace(score=3), *rows[1:]], states).mismatched == 1
    silent = ({r.offset for r in records} - {row.log_offset for row in rows}).pop()
    stray = rows[0]._replace(log_offset=silent)
    assert prove(records, [*rows, stray], states).duplicated == 1
    first = next(iter(states))
    assert prove(records, rows, {k: v for k, v in states.items() if k != first}).missing == 1
    wrong = {**states, first: states[first]._replace(facts=states[first].facts + 1)}
    assert prove(records, rows, wrong).mismatched == 1
    assert prove(records, rows, {**states, "nobody": states[first]}).duplicated == 1


def test_the_numbers_of_registers_are_compared_like_every_row() -> None:
    records = a_log()
    rows, states = tables(records)
    drawn = next(row for row in rows if row.type == NUMBER_DRAWN)
    others = [row for row in rows if row != drawn]
    assert prove(records, others, states).missing == 1
    assert prove(records, [*rows, drawn], states).duplicated == 1
    assert prove(records, [*others, drawn._replace(number=99)], states).mismatched == 1


def test_each_stamp_of_the_roll_up_is_compared() -> None:
    records = a_log()
    rows, states = tables(records)
    stamps = stamps_of(rows)
    key = next(iter(stamps))
    assert prove(records, rows, states, stamps).clean
    assert prove(records, rows, states, {k: v for k, v in stamps.items() if k != key}).missing == 1
    assert prove(records, rows, states, {**stamps, ("X", "y", 1): stamps[key]}).duplicated == 1
    doubled = {**stamps, key: stamps[key]._replace(facts=stamps[key].facts + 1)}
    assert prove(records, rows, states, doubled).mismatched == 1


@pytest.mark.parametrize(
    ("drawn", "wrong"),
    [
        ([(1, 2020, 1), (2, 2020, 2), (3, 2021, 1), (4, 2021, 2)], 0),
        ([(1, 2020, 1), (2, 2021, 1), (3, 2020, 2)], 0),
        ([(1, 2020, 1), (2, 2020, 3)], 1),
        ([(1, 2020, 1), (2, 2020, 1)], 1),
        ([(1, 2020, 2)], 1),
        ([(1, 2020, 1), (3, 2020, 2)], 1),
    ],
)
def test_a_register_draws_from_one_each_year_without_a_gap(
    drawn: list[tuple[int, int, int]], wrong: int
) -> None:
    records = [
        Record(0, at, b"seal", encode(number(n, seq=seq, year=year, dossier=at, cause=Cause(0, at, 0))), 0)
        for at, (seq, year, n) in enumerate(drawn)
    ]
    found = prove(records, rows_of(records), {})
    assert (found.gaps, found.mismatched) == (wrong, 0)


def test_a_gap_in_the_facts_of_a_dossier_is_the_logs_and_told_apart() -> None:
    records = a_log()
    rows, _ = tables(records)
    gone = next(row for row in rows if row.seq == 2)
    holed = [r for r in records if r.offset != gone.log_offset]
    left, states = tables(holed)
    found = prove_whole(holed, left, states)
    assert found.gaps > 0
    assert found.clean, "the tables say what the log does"


def prove_whole(records: list[Record], rows: list[FactRow], states: dict[str, DossierRow]) -> Findings:
    proof = PartitionProof(0)
    proof.compare_stretch(records, rows)
    proof.compare_dossiers(states)
    proof.compare_stamps(stamps_of(rows))
    return proof.findings


def prove_clock(records: list[Record], found: int | None) -> Findings:
    proof = PartitionProof(0)
    for start in range(0, len(records), 7):
        proof.compare_stretch(records[start : start + 7], translate(records[start : start + 7], {}).rows)
    before = (proof.findings.missing, proof.findings.duplicated, proof.findings.mismatched)
    proof.compare_clock(found)
    after = (proof.findings.missing, proof.findings.duplicated, proof.findings.mismatched)
    missing, duplicated, mismatched = (new - old for new, old in zip(after, before, strict=True))
    return Findings(0, missing=missing, duplicated=duplicated, mismatched=mismatched)


def test_the_clock_is_the_last_of_the_log_and_compared() -> None:
    records = a_log()
    wanted = translate(records, {}).clocks[0]
    assert prove_clock(records, wanted).clean
    assert prove_clock(records, None) == Findings(0, missing=1)
    assert prove_clock(records, wanted + 1) == Findings(0, mismatched=1)
    assert prove_clock([], None).clean
    assert prove_clock([], wanted) == Findings(0, duplicated=1)


def test_whatever_stands_for_a_partition_the_log_does_not_have_is_too_much() -> None:
    assert stray(99, 3, 2, 1, 4) == Findings(99, duplicated=10)
