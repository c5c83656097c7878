"""What only a restart shows: releases that no dossier's state tells of, states that are gone, law unread."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from contracts.codec import encode
from contracts.commands import CommandRecord, LawChanged, Parked, TimeAdvanced, Unparked
from contracts.facts import ClockMoved
from contracts.law import CalendarAmended, CalendarDay, DayKind, EngineVersion
from contracts.words import Clock
from services.workflow.domain.engines import ENGINES, Engine
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import (
    CorruptStateError,
    Decoded,
    Incoming,
    PartitionStuckError,
    StatesLostError,
)
from services.workflow.engine.restoring import Restoring
from services.workflow.engine.runner import PoisonLimit, Runner
from tests.crash.harness.worker import Unobserved
from tests.fakes.workflow import START, MemoryLog, law_record, life

MONTH = START + timedelta(days=30)
States = list[tuple[str, bytes]]


def feed(
    partition: Partition, log: list[CommandRecord], offsets: Iterable[int], states: States
) -> list[object]:
    """Decide these records, keep the states; the facts."""
    facts: list[object] = []
    for offset in offsets:
        record = log[offset]
        output = partition.apply([Decoded(Incoming(offset, None, encode(record)), record)])
        states.extend(output.states.items())
        facts += output.facts
    return facts


def restarted(states: States, clock: Clock) -> Partition:
    partition = Partition(0, clock)
    partition.restore(Restoring(states))
    return partition


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("reread", [7, 8, 9], ids=["release read again", "law read again", "all committed"])
def test_a_released_dossier_is_still_due_after_a_restart(clock: Clock, reread: int) -> None:
    mine, other = life("d1"), life("d2", at=START + timedelta(days=7))
    dossier = mine[0].dossier_id
    parked = Parked(dossier_id=dossier, offset=4, reason="boom")
    last = TimeAdvanced(to=START + timedelta(hours=1)) if clock is Clock.LOG else law_record(2)
    log: list[CommandRecord] = [law_record(), mine[0], mine[1], other[0], mine[2], parked, other[1]]
    log += [Unparked(dossier_id=dossier), last]
    states: States = []
    first = Partition(0, clock)
    states += first.check_topic("t").items()
    feed(first, log, range(4), states)
    states += first.parking.park(parked).items()
    feed(first, log, range(4, 9), states)
    second = restarted(states, clock)
    for offset in range(reread, 9):
        second.deadlines.next_at()  # the runner looks between records
        feed(second, log, [offset], states)
    if clock is Clock.LOG:
        log.append(TimeAdvanced(to=MONTH))
        assert not [fact for fact in feed(second, log, [9], states) if isinstance(fact, ClockMoved)]
    reached = second.due(MONTH)
    assert reached
    assert dossier in {entry.dossier_id for entry in reached.entries}
    assert second.parking.standing(second.last_offset) == 0


def test_a_release_alone_is_known_after_a_restart() -> None:
    mine = life("d1")
    dossier = mine[0].dossier_id
    parked = Parked(dossier_id=dossier, offset=3, reason="boom")
    log: list[CommandRecord] = [law_record(), mine[0], mine[1], mine[2], parked, Unparked(dossier_id=dossier)]
    states: States = []
    first = Partition(0, Clock.SYSTEM)
    feed(first, log, range(3), states)
    states += first.parking.park(parked).items()
    feed(first, log, range(3, 6), states)
    assert restarted(states, Clock.SYSTEM).due(MONTH)


def test_another_engine_finds_the_same_to_re_date_with_and_without_a_restart() -> None:
    newest = ENGINES[max(ENGINES)]
    engines = {1: Engine(newest.decide, newest.fire, lambda dossier, law, at, cause: None), 2: newest}
    day = CalendarDay(date=date(2025, 3, 5), kind=DayKind.OFF, name_vi="nghỉ", source="thử")
    mine = life("d1")
    log: list[CommandRecord] = [law_record(), mine[0], mine[1]]
    log.append(LawChanged(version=2, changes=(CalendarAmended(years=(), days=(day,), source="thử"),)))
    log += [LawChanged(version=3, changes=(EngineVersion(version=2),)), mine[2]]
    facts = []
    for restart in (False, True):
        states: States = []
        partition = Partition(0, Clock.SYSTEM, engines)
        found = feed(partition, log, range(5), states)
        if restart:
            partition = Partition(0, Clock.SYSTEM, engines)
            partition.restore(Restoring(states))
        facts.append(found + feed(partition, log, [5], states))
    assert facts[0] == facts[1]


def test_law_that_cannot_be_read_is_not_passed_over() -> None:
    partition = Partition(0, Clock.SYSTEM)
    with pytest.raises(PartitionStuckError, match="law at offset 3"):
        partition.read(
            Incoming(3, None, b'{"record":"law","version":4,"changes":[{"type":"SealLawOf2031"}]}')
        )
    partition.read(Incoming(4, None, b'{"record":"command"}'))  # poison, and nothing worse
    partition.read(Incoming(5, None, None))


def test_states_that_are_gone_are_not_taken_for_a_first_start() -> None:
    async def scenario(offset: int) -> None:
        runner = Runner(
            Partition(0, Clock.SYSTEM),
            MemoryLog(),
            Unobserved(),
            lambda: START,
            batch_records=10,
            limit=PoisonLimit(window=10, share=1.0),
            topic_id="c1",
            may_write=lambda: None,
        )
        decided = asyncio.Event()
        record = law_record()
        await runner.offer(Incoming(offset, None, encode(record)), decided.set)
        running = asyncio.create_task(runner.run())
        either = [running, asyncio.create_task(decided.wait())]
        done, rest = await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        for one in rest:
            one.cancel()
        await asyncio.gather(*done)

    asyncio.run(scenario(0))
    with pytest.raises(StatesLostError, match="offset 7"):
        asyncio.run(scenario(7))


def test_a_tombstone_among_the_states_is_no_state() -> None:
    states: list[tuple[str, bytes]] = [("d1", b'{"applied":1}'), ("d1", None)]  # type: ignore[list-item]  # the fault
    with pytest.raises(CorruptStateError):
        Restoring(states)
