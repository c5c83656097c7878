"""What was found, held against what the log calls for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.crash.sink.oracle import Columns, Place, Wanted


@dataclass
class Verdict:
    """What went wrong; all zero and nothing said is the only good one."""

    missing: int = 0
    doubled: int = 0
    mismatched: int = 0
    said: list[str] = field(default_factory=list)

    def add(self, other: Verdict) -> None:
        """Sum up."""
        self.missing += other.missing
        self.doubled += other.doubled
        self.mismatched += other.mismatched
        self.said += other.said

    def lacks(self, *what: object) -> None:
        """Something is not there."""
        self.missing += 1
        self.said.append("missing: " + " ".join(map(str, what))[:400])

    def repeats(self, *what: object) -> None:
        """Something is there that nothing in the log calls for, or once too often."""
        self.doubled += 1
        self.said.append("doubled: " + " ".join(map(str, what))[:400])

    def differs(self, *what: object) -> None:
        """Something is there, and wrong."""
        self.mismatched += 1
        self.said.append("mismatched: " + " ".join(map(str, what))[:400])

    def __bool__(self) -> bool:
        return bool(self.missing or self.doubled or self.mismatched)


@dataclass
class Found:
    """What stands in the tables: rows as they come, merged entries by key, letters by origin.

    A set of letters: one may be written twice, by a sink and by its successor that finishes the same batch.
    Whoever reads them knows each by its origin.
    """

    raw: list[Columns]
    rollups: Mapping[str, Mapping[Any, Columns]]
    letters: set[Place]


def judge(wanted: Wanted, found: Found) -> Verdict:
    """Rows, every roll-up, dead letters."""
    verdict = judge_raw(wanted.raw, found.raw)
    for name in wanted.rollups.keys() | found.rollups.keys():
        _judge_rollup(verdict, name, wanted.rollups.get(name, {}), found.rollups.get(name, {}))
    for place in wanted.poison - found.letters:
        verdict.lacks("the dead letter of", place)
    for place in found.letters - wanted.poison:
        verdict.repeats("a dead letter of", place, "which is none")
    return verdict


def judge_raw(wanted: Mapping[Place, Columns], rows: Iterable[Columns]) -> Verdict:
    """The raw rows alone."""
    verdict, counted = Verdict(), Counter[Place]()
    for row in rows:
        place = (row["log_partition"], row["log_offset"])
        counted[place] += 1
        if place not in wanted or counted[place] > 1:
            verdict.repeats("row", place, row["type"])
        else:
            _compare(verdict, f"row {place}", wanted[place], row)
    for place in wanted.keys() - counted.keys():
        verdict.lacks("row", place, wanted[place]["type"])
    return verdict


def _judge_rollup(
    verdict: Verdict, name: str, wanted: Mapping[Any, Columns], found: Mapping[Any, Columns]
) -> None:
    for key, entry in wanted.items():
        if key not in found:
            verdict.lacks(name, key)
        elif (over := found[key].get("facts", 0) - entry.get("facts", 0)) > 0:
            verdict.repeats(name, key, f"{over} facts too many")
        elif over < 0:
            verdict.lacks(name, key, f"{-over} facts")
        else:
            _compare(verdict, f"{name} {key}", entry, found[key])
    for key in found.keys() - wanted.keys():
        verdict.repeats(name, key)


def _compare(verdict: Verdict, what: str, wanted: Columns, found: Columns) -> None:
    wrong = {name: (found.get(name), value) for name, value in wanted.items() if found.get(name) != value}
    if wrong:
        verdict.differs(what, "found and wanted:", wrong)
