"""The numbers of seals, judged by what readers keep of the facts and by nothing of the engine's.

Of each seal and local year they must be 1, 2, 3 … without a gap, and every stamp must have one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import timedelta

from contracts.codec import decode_fact
from contracts.facts import Fact, NumberDrawn, StampApplied
from tests.crash.harness.verdict import Verdict

Stamp = tuple[str, int, str, int]
"""Dossier, number of the fact, seal, local year."""


def judge_numbers(kept: Iterable[bytes]) -> Verdict:
    """`kept`: the facts of all partitions, without repeats, those of a partition in their order."""
    stamps: Counter[Stamp] = Counter()
    numbered: Counter[Stamp] = Counter()
    books: dict[tuple[str, int], list[int]] = defaultdict(list)
    for record in map(decode_fact, kept):
        local = timedelta(hours=7)
        if isinstance(record, Fact) and isinstance(record.body, StampApplied):
            year = (record.at + local).year
            stamps[record.dossier_id, record.seq, record.body.seal, year] += 1
        elif isinstance(record, NumberDrawn):
            numbered[record.dossier_id, record.stamp, record.seal, record.year] += 1
            books[record.seal, record.year].append(record.number)
    verdict = Verdict()
    for stamp in (stamps - numbered).elements():
        verdict.lost += 1
        verdict.said.append(f"a stamp without a number: {stamp}")
    for stamp in (numbered - stamps).elements():
        verdict.doubled += 1
        verdict.said.append(f"a number too many: {stamp}")
    for book, numbers in books.items():
        if numbers != list(range(1, len(numbers) + 1)):
            verdict.differs("the numbers of", book, "are", numbers)
    return verdict
