"""Dossiers that stand still, because deciding a record of theirs crashed again and again.

A dossier is parked from the record that crashed (not from the ``Parked`` record, which comes later) to the
``Unparked`` record. Deciding the log again therefore needs every ``Parked`` record beforehand; a worker at
work knows them from its own crash counts and from the state topic. What is refused meanwhile is not
remembered: the same command may be sent again once the dossier is released.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from contracts.commands import Parked
from services.workflow.engine.records import (
    PARKING_KEY,
    DecisionCrashedError,
    Span,
    StoredCrash,
    StoredParking,
    decode_stored,
    encode_stored,
    rank,
)

CRASHES_ALLOWED: Final = 3
"""After that many at one record its dossier is parked."""


class Parking:
    """The parked dossiers of one partition, those that were, and those that may have to be."""

    def __init__(self) -> None:
        self._spans: dict[str, tuple[Span, ...]] = {}
        self._crashes: dict[str, StoredCrash] = {}

    def restore(self, stored: StoredParking | StoredCrash) -> None:
        """Take over a table of the state topic."""
        if isinstance(stored, StoredParking):
            self._spans[stored.dossier_id] = stored.spans
        else:
            self._crashes[stored.key] = stored

    def tables(self) -> dict[str, tuple[Span, ...]]:
        """Every parked dossier, past or present, and when it stood still."""
        return dict(self._spans)

    def at(self, dossier_id: str, offset: int) -> Span | None:
        """The span that covers the record at `offset`; None when the dossier is not parked there."""
        for span in self._spans.get(dossier_id, ()):
            if span.since <= offset and (span.until is None or offset < span.until):
                return span
        return None

    def standing(self, offset: int) -> int:
        """How many dossiers stand still at `offset`."""
        return sum(self.at(dossier_id, offset) is not None for dossier_id in self._spans)

    def last_release(self) -> int:
        """The offset of the last record that released a dossier; -1 without any."""
        ends = (span.until for spans in self._spans.values() for span in spans)
        return max((end for end in ends if end is not None), default=-1)

    # ---- crashes --------------------------------------------------------------------------------

    def count(self, crash: DecisionCrashedError) -> dict[str, bytes]:
        """The state record of one more crash at that place."""
        first = StoredCrash(crash.dossier_id, crash.offset, 1, crash.reason)
        before = self._crashes.get(first.key)
        counted = replace(first, count=before.count + 1) if before else first
        self._crashes[counted.key] = counted
        return {counted.key: encode_stored(counted)}

    def pending(self) -> list[Parked]:
        """What crashed too often and is not parked for it yet."""
        return [
            Parked(dossier_id=crash.dossier_id, offset=crash.offset, reason=crash.reason)
            for crash in sorted(self._crashes.values(), key=lambda crash: (crash.offset, crash.dossier_id))
            if crash.count >= CRASHES_ALLOWED and not self._begins(crash.dossier_id, crash.offset)
        ]

    # ---- spans ----------------------------------------------------------------------------------

    def park(self, record: Parked) -> dict[str, bytes]:
        """Let a dossier stand still from the record named on; the state record of it.

        Nothing changes when it does so since just there, or did.
        """
        spans = self._spans.get(record.dossier_id, ())
        if not self._begins(record.dossier_id, record.offset):
            opened = (*spans, Span(record.offset, None, record.reason))
            self._spans[record.dossier_id] = tuple(sorted(opened, key=lambda span: span.since))
        return self._kept(record.dossier_id)

    def release(self, dossier_id: str, offset: int) -> dict[str, bytes]:
        """Let it go on after the record at `offset`; the state record, none when it was never parked."""
        spans = self._spans.get(dossier_id)
        if spans is None:
            return {}
        self._spans[dossier_id] = tuple(
            replace(span, until=offset) if span.until is None and span.since < offset else span
            for span in spans
        )
        return self._kept(dossier_id)

    def _begins(self, dossier_id: str, offset: int) -> bool:
        return any(span.since == offset for span in self._spans.get(dossier_id, ()))

    def _kept(self, dossier_id: str) -> dict[str, bytes]:
        stored = StoredParking(dossier_id, self._spans[dossier_id])
        return {f"{PARKING_KEY}{dossier_id}": encode_stored(stored)}


def parked_in(states: Iterable[tuple[str, bytes]]) -> dict[str, Span]:
    """The dossiers that stand still by the records of a state topic, each with the span it is in."""
    best: dict[str, bytes] = {}
    for key, data in states:
        if key.startswith(PARKING_KEY) and (key not in best or rank(data) >= rank(best[key])):
            best[key] = data
    found: dict[str, Span] = {}
    for stored in map(decode_stored, best.values()):
        if isinstance(stored, StoredParking):
            for span in stored.spans:
                if span.until is None:
                    found[stored.dossier_id] = span
    return found
