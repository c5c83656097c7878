"""The proof finds what is wrong, and nothing when nothing is."""

from __future__ import annotations

import random

from services.analytics.domain.batch import Record, translate
from services.analytics.domain.comparison import Findings, PartitionProof, stray
from services.analytics.domain.dossier import DossierRow, fold
from services.analytics.domain.rows import FactRow
from tests.fakes.analytics import MemoryFacts
from tests.fakes.analytics_facts import fill


def a_log() -> list[Record]:
    facts = MemoryFacts([0])
    fill(facts, 10, random.Random(5))
    return facts.records[0]


def tables(records: list[Record]) -> tuple[list[FactRow], dict[str, DossierRow]]:
    rows = translate(records, {}).rows
    states: dict[str, DossierRow] = {}
    for row in rows:
        states[row.dossier_id] = fold(states.get(row.dossier_id), row)
    return rows, states


def prove(records: list[Record], rows: list[FactRow], states: dict[str, DossierRow]) -> Findings:
    proof = PartitionProof(0)
    for start in range(0, len(records), 7):
        part = [row for row in rows if start <= row.log_offset < start + 7]
        proof.compare_stretch(records[start : start + 7], part)
    proof.compare_dossiers(states)
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


def test_a_gap_in_the_facts_of_a_dossier_is_a_mismatch() -> None:
    records = a_log()
    rows, _ = tables(records)
    gone = next(row for row in rows if row.seq == 2)
    holed = [r for r in records if r.offset != gone.log_offset]
    left, states = tables(holed)
    assert prove_whole(holed, left, states).mismatched > 0


def prove_whole(records: list[Record], rows: list[FactRow], states: dict[str, DossierRow]) -> Findings:
    proof = PartitionProof(0)
    proof.compare_stretch(records, rows)
    proof.compare_dossiers(states)
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
    assert stray(99, 3, 2, 1) == Findings(99, duplicated=6)
