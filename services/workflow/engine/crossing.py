"""What the proof of one partition cannot see: every stamp of any has exactly one number of its seal.

Each partition's proof hands over what it decided again: the draws its stamps call for, the draws that stand
in its log, and the numbers given. Memory grows with the stamps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from contracts.commands import DrawNumber
from contracts.facts import Cause, NumberDrawn
from services.workflow.engine.records import Decoded, Output, Poison


class Teller(Protocol):
    """The report of a partition."""

    def tell(self, kind: str, text: str) -> None:
        """Count one difference of that kind."""


@dataclass(slots=True)
class _Stamp:
    called_for: DrawNumber | None = None
    stands: DrawNumber | None = None
    drawn_in: int = -1
    other: int = 0
    """Draws for it that are not as called for."""
    numbers: int = 0


class Crossing:
    """`committed` says how far each partition was committed, asked before anything else was read."""

    def __init__(self, committed: Mapping[int, int]) -> None:
        self._committed: Final = committed
        self._stamps: Final[dict[tuple[str, int], _Stamp]] = {}

    def take(self, number: int, item: Decoded | Poison, output: Output) -> None:
        """One record of partition `number`, and what follows from it."""
        for draw in output.forwards:
            self._of(draw).called_for = draw
        if isinstance(item, Decoded) and isinstance(item.message, DrawNumber):
            stamp = self._of(item.message)
            stamp.drawn_in = number
            stamp.other += stamp.stands not in (None, item.message)
            stamp.stands = item.message
        for fact in output.facts:
            if isinstance(fact, NumberDrawn):
                self._of(fact).numbers += 1

    def _of(self, what: DrawNumber | NumberDrawn) -> _Stamp:
        return self._stamps.setdefault((what.dossier_id, what.stamp), _Stamp())

    def judge(self, reports: Mapping[int, Teller]) -> None:
        """Tell, in the reports of all partitions, what does not fit together."""
        for (dossier_id, seq), stamp in self._stamps.items():
            name = f"stamp {dossier_id}/{seq}"
            called_for, stands = stamp.called_for, stamp.stands
            if called_for is None:
                if stands is not None:
                    kind = self._kind("doubled", stands.source)
                    reports[stamp.drawn_in].tell(
                        kind, f"the draw for {name}: nothing in the log calls for it"
                    )
                continue
            report = reports[called_for.source.partition]
            if stands is None:
                report.tell(self._kind("missing", called_for.source), f"the draw for {name}")
            elif stands != called_for or stamp.other:
                report.tell("different", f"the draw for {name}: not as called for")
            elif stamp.numbers != 1:
                kind = "doubled" if stamp.numbers else "missing"
                report.tell(kind, f"the number of {name}: it has {stamp.numbers}")

    def _kind(self, kind: str, source: Cause) -> str:
        """What is not committed may be on its way."""
        committed = self._committed.get(source.partition)
        return "pending" if committed is not None and source.offset >= committed else kind
