"""What Faust's own bookkeeping of commits gets wrong, and what the patches make of it, on its own methods."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from faust.transport.consumer import Consumer
from faust.types import TP
from intervaltree import IntervalTree  # type: ignore[import-untyped]  # Faust keeps its books in it

from services.workflow.adapters.patches import patch_commit_offset, patch_failed_commit

TOPIC = TP("dossier.commands.v1", 3)


@pytest.fixture(autouse=True)
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patches, for one test; whoever else has a worker in this process keeps what it had."""
    monkeypatch.setattr(Consumer, "_new_offset", Consumer._new_offset)
    monkeypatch.setattr(Consumer, "_commit_offsets", Consumer._commit_offsets)
    patch_commit_offset()
    patch_failed_commit()


class Books:
    """A consumer's books without a broker. `answers` is what the broker says to commits, in turn."""

    def __init__(self, *answers: bool) -> None:
        self._acked: dict[TP, list[int]] = defaultdict(list)
        self._acked_index: dict[TP, set[int]] = defaultdict(set)
        self._gap: dict[TP, IntervalTree] = defaultdict(IntervalTree)
        self._committed_offset: dict[TP, int | None] = defaultdict(lambda: None)
        self.assigned = {TOPIC}
        self.in_transaction = False
        self.taken: list[int] = []
        self.log = SimpleNamespace(dev=lambda *_: None, info=lambda *_: None)
        self.app = SimpleNamespace(
            producer=SimpleNamespace(flush=self._nothing),
            tables=SimpleNamespace(on_commit=lambda offsets: None),
            monitor=SimpleNamespace(on_tp_commit=lambda offsets: None),
        )
        self._answers = list(answers)

    def ack(self, *offsets: int) -> None:
        self._acked[TOPIC] += offsets
        self._acked_index[TOPIC].update(offsets)

    def assignment(self) -> set[TP]:
        return self.assigned

    async def _commit(self, offsets: dict[TP, int]) -> bool:
        answer = self._answers.pop(0)
        self.taken += offsets.values() if answer else ()
        return answer

    async def _nothing(self) -> None: ...

    def round(self) -> int | None:
        """One round of committing; the offset that was offered to the broker, if any."""
        books: Any = self
        offset = Consumer._new_offset(books, TOPIC)
        if offset is None or not Consumer._should_commit(books, TOPIC, offset):
            return None
        asyncio.run(Consumer._commit_offsets(books, {TOPIC: offset}))
        return offset


def test_records_read_twice_are_committed_in_one_round_and_not_one_a_round() -> None:
    books = Books(True)
    books._committed_offset[TOPIC] = 100
    books.ack(*sorted([*range(100, 144), *range(100, 144)]))
    assert books.round() == 144
    assert books.round() is None


def test_a_record_missing_from_the_books_does_not_hold_up_what_was_acknowledged_after_it() -> None:
    """Acknowledged in order: the one before it is durable, whatever the books have lost in a rebalance."""
    books = Books(True, True)
    books._committed_offset[TOPIC] = 31
    books._gap[TOPIC].addi(40, 60)
    books.ack(34, 35)
    assert books.round() == 36
    books.ack(36, 37)
    assert books.round() == 38


def test_nothing_new_is_nothing_to_commit() -> None:
    assert Books().round() is None


def test_a_commit_the_broker_did_not_take_is_offered_again() -> None:
    books = Books(False, True)
    books.ack(0, 1, 2)
    assert books.round() == 3
    assert books._committed_offset[TOPIC] is None
    assert books.round() == 3
    assert books.taken == [3]
    assert books._committed_offset[TOPIC] == 3


def test_a_commit_that_came_too_late_for_the_assignment_is_dropped() -> None:
    books = Books()
    books.assigned = set()
    books.ack(0, 1, 2)
    assert books.round() == 3
    assert books.round() is None
    assert books._committed_offset[TOPIC] is None


def test_patching_twice_does_not_stack() -> None:
    first = Consumer._commit_offsets
    patch_failed_commit()
    assert Consumer._commit_offsets.original is first.original  # type: ignore[attr-defined]  # set by the patch
