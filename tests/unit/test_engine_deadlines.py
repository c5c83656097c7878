"""The index of deadlines, whose turn it is to have some on their way, and the states at a start."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from contracts.commands import Deadline
from contracts.words import Clock
from services.workflow.domain.dossier import DUE_TIMER, Timer
from services.workflow.engine.deadlines import DeadlineIndex
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import (
    PARTITION_KEY,
    CorruptStateError,
    StoredPartition,
    encode_stored,
)
from services.workflow.engine.restoring import Restoring
from services.workflow.engine.turns import Turns
from tests.fakes.workflow import START

LATER = START + timedelta(days=1)


class Timers:
    """Dossiers as far as the index asks for them, and the index."""

    def __init__(self) -> None:
        self.standing: dict[str, tuple[Timer, ...]] = {}
        self.index = DeadlineIndex(lambda dossier_id: self.standing.get(dossier_id, ()))

    def let(self, dossier_id: str, at: datetime, version: int = 1, name: str = DUE_TIMER) -> None:
        """Let a timer stand instead of the one of that name before."""
        others = tuple(t for t in self.standing.get(dossier_id, ()) if t.name != name)
        self.standing[dossier_id] = (*others, Timer(name, at, version))
        self.index.add(dossier_id, at)

    def passed(self, limit: int = 500) -> list[str]:
        return [entry.dossier_id for entry in self.index.passed(LATER, limit)]


def test_the_earliest_come_first_and_keep_standing_until_they_are_gone() -> None:
    timers = Timers()
    for hours, name in ((3, "c"), (1, "a"), (2, "b"), (30, "d")):
        timers.let(name, START + timedelta(hours=hours))
    assert timers.passed(2) == ["a", "b"]
    assert timers.passed(2) == ["a", "b"]
    del timers.standing["a"]
    assert timers.passed() == ["b", "c"]
    assert timers.index.next_at() == (START + timedelta(hours=2)).timestamp()


def test_a_herd_goes_list_by_list() -> None:
    timers = Timers()
    names = {f"{n}" for n in range(25)}
    for name in names:
        timers.let(name, START)
    fired: list[str] = []
    while entries := timers.passed(10):
        assert len(entries) == min(10, 25 - len(fired))
        fired += entries
        for name in entries:
            del timers.standing[name]
    assert sorted(fired) == sorted(names)
    assert len(timers.index) == 0


def test_what_was_moved_or_moved_there_and_back_is_due_once() -> None:
    timers = Timers()
    timers.let("moved", START)
    timers.let("moved", START + timedelta(days=9), 2)
    timers.let("back", START)
    timers.let("back", START + timedelta(hours=1), 2)
    timers.let("back", START, 3)
    assert timers.index.passed(LATER, 10) == (Deadline("back", DUE_TIMER, 3),)
    assert timers.index.next_at() == START.timestamp()


def test_two_timers_of_a_dossier_at_the_same_time_are_both_due() -> None:
    timers = Timers()
    timers.let("a", START)
    timers.let("a", START, name="other")
    timers.let("b", START)
    assert sorted(entry.timer for entry in timers.index.passed(LATER, 10)) == [DUE_TIMER, DUE_TIMER, "other"]
    assert len(timers.index.passed(LATER, 2)) <= 2, "never more than asked for"


def test_nothing_is_due_at_its_very_time() -> None:
    timers = Timers()
    timers.let("a", LATER)
    assert timers.passed() == []
    assert timers.index.next_at() == LATER.timestamp()


def test_partitions_take_turns_in_the_order_they_asked() -> None:
    turns = Turns(1)
    woken: list[str] = []
    first, second, third = ((lambda name=name: woken.append(name)) for name in ("first", "second", "third"))
    assert turns.take(first)
    assert not turns.take(second)
    assert not turns.take(third)
    assert not turns.take(first), "it has had its turn, the others wait"
    turns.leave(first)
    assert woken == ["second"]
    assert not turns.take(third), "somebody else was woken for it"
    assert turns.awaited_by(second)
    assert turns.take(second)
    assert not turns.awaited_by(second)


def test_who_waits_for_a_turn_no_more_holds_up_nobody() -> None:
    turns = Turns(1)
    woken: list[str] = []
    first, second, third = ((lambda name=name: woken.append(name)) for name in ("first", "second", "third"))
    assert turns.take(first)
    assert not turns.take(second)
    assert not turns.take(third)
    turns.leave(first)
    turns.leave(second)
    assert woken == ["second", "third"]
    assert turns.take(third)
    turns.leave(second)
    assert woken == ["second", "third"], "it had neither: nothing changes"


def test_a_tables_key_holds_no_dossier_and_a_dossiers_key_no_table() -> None:
    table = encode_stored(StoredPartition(applied=3))
    dossier = b'{"table":"dossier","applied":3,"dossier":{"id":"d"}}'
    for key, data in (("d", table), (PARTITION_KEY, dossier), ("d", b"{"), (PARTITION_KEY, b"\xff")):
        with pytest.raises(CorruptStateError):
            Partition(0, Clock.SYSTEM).restore(Restoring([(key, data)]))
