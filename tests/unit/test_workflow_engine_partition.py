"""One partition, record by record: keys, the log clock's answers, deadlines in lists, limits of poison."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from contracts import commands
from contracts.codec import encode
from contracts.commands import Deadline, DeadlinesReached, TimeAdvanced
from contracts.facts import (
    ApologyDeadlinePassed,
    ClockMoved,
    DueDateNear,
    DueDatePassed,
    Escalated,
    Fact,
)
from contracts.words import Clock, Step
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import Decoded, Incoming, Output, Poison
from services.workflow.engine.runner import PoisonLimit, Runner, TooMuchPoisonError
from tests.fakes.workflow import START, MemoryLog, command, law_record, life

LATER = START + timedelta(days=30)


class Bench:
    """A partition fed record by record."""

    def __init__(self, clock: Clock = Clock.LOG) -> None:
        self.partition = Partition(0, clock)
        self.offset = 0

    def feed(self, *records: commands.CommandRecord) -> Output:
        items: list[Decoded | Poison] = []
        for record in records:
            items.append(Decoded(Incoming(self.offset, None, encode(record)), record))
            self.offset += 1
        return self.partition.apply(items)

    def open_dossiers(self, count: int) -> list[list[commands.Command]]:
        self.feed(law_record())
        lives = [life(f"d{n}") for n in range(count)]
        for one in lives:
            self.feed(*one[:2])
        return lives


def clocks(output: Output) -> list[datetime]:
    return [record.to for record in output.facts if isinstance(record, ClockMoved)]


def test_a_record_under_another_key_than_its_dossier_is_poison() -> None:
    one = life()[0]
    partition = Partition(0, Clock.LOG)
    assert isinstance(partition.read(Incoming(0, one.dossier_id.encode(), encode(one))), Decoded)
    for key in (None, b"x", b"0" * 32):
        assert isinstance(partition.read(Incoming(0, key, encode(one))), Poison)


def test_the_clock_is_announced_only_when_every_deadline_before_it_has_fired() -> None:
    bench = Bench()
    bench.open_dossiers(3)
    assert clocks(bench.feed(TimeAdvanced(to=LATER))) == []
    due = bench.partition.due(LATER)
    assert due is not None
    first = DeadlinesReached(at=due.at, entries=due.entries[:-1])
    assert clocks(bench.feed(first)) == []
    rest = bench.partition.due(LATER)
    assert rest is not None
    assert rest.entries == due.entries[-1:]
    output = bench.feed(rest)
    assert clocks(output) == [LATER]
    assert [type(f.body) for f in output.facts if isinstance(f, Fact)] == [Escalated]


def test_all_timers_of_one_dossier_fire_in_one_list_in_the_order_of_their_times() -> None:
    bench = Bench()
    bench.open_dossiers(1)
    bench.feed(TimeAdvanced(to=LATER))
    due = bench.partition.due(LATER)
    assert due is not None
    output = bench.feed(due)
    bodies = [type(fact.body) for fact in output.facts if isinstance(fact, Fact)]
    assert bodies == [DueDateNear, DueDateNear, ApologyDeadlinePassed, DueDatePassed, Escalated]
    assert [fact.cause.n for fact in output.facts if isinstance(fact, Fact)] == list(range(5))
    assert clocks(output) == [LATER]
    assert not [fact for fact in bench.feed(due).facts if isinstance(fact, Fact)]


def test_a_deadline_at_the_clocks_very_time_does_not_hold_it_back() -> None:
    bench = Bench()
    bench.open_dossiers(1)
    earliest = bench.partition.deadlines.next_at()
    assert earliest is not None
    at_due = datetime.fromtimestamp(earliest, START.tzinfo)
    assert clocks(bench.feed(TimeAdvanced(to=at_due))) == [at_due]
    assert clocks(bench.feed(TimeAdvanced(to=at_due + timedelta(microseconds=1)))) == []


def test_a_command_may_settle_the_last_dossier_the_clock_waits_for() -> None:
    """One more dossier than a list holds is due; a command comes after the list, before the next one."""
    bench = Bench()
    lives = bench.open_dossiers(2)
    bench.feed(TimeAdvanced(to=LATER))
    due = bench.partition.due(LATER)
    assert due is not None
    last = due.entries[-1].dossier_id
    one = next(one for one in lives if one[0].dossier_id == last)
    others = tuple(entry for entry in due.entries if entry.dossier_id != last)
    late = command(commands.CompleteStep(Step.APPRAISE), key="late", dossier=f"d{lives.index(one)}", at=LATER)
    output = bench.feed(DeadlinesReached(at=LATER, entries=others), late)
    assert clocks(output) == [LATER]
    assert bench.partition.due(LATER) is None
    again = command(commands.CompleteStep(Step.APPROVE), key="next", dossier=f"d{lives.index(one)}", at=LATER)
    assert clocks(bench.feed(again)) == []


def test_an_entry_keeps_its_place_in_the_list_whatever_comes_of_the_others() -> None:
    bench = Bench(Clock.SYSTEM)
    lives = bench.open_dossiers(2)
    stale = Deadline(lives[0][0].dossier_id, "due", 99)
    unknown = Deadline("f" * 32, "due", 1)
    real = Deadline(lives[1][0].dossier_id, "due", 1)
    output = bench.feed(DeadlinesReached(at=LATER, entries=(stale, unknown, real, real)))
    assert [fact.cause.n for fact in output.facts] == [2]


class Quiet:
    """Counts time records; the rest is of no interest."""

    def __init__(self) -> None:
        self.appended = 0

    def recovered(self, partition: Partition, seconds: float) -> None: ...

    def batch(self, partition: Partition, records: int, output: Output, seconds: float) -> None: ...

    def deadlines(self, partition: Partition, record: DeadlinesReached, now: datetime) -> None:
        self.appended += 1

    def dropped(self, partition: Partition) -> None: ...


def runner(log: MemoryLog, observer: Quiet, limit: PoisonLimit) -> Runner:
    return Runner(
        Partition(0, Clock.SYSTEM),
        log,
        observer,
        lambda: LATER,
        batch_records=5,
        limit=limit,
        topic_id="commands-1",
        may_write=lambda: None,
    )


async def turns(work: Runner, log: MemoryLog) -> None:
    """Offer what is there now, and let the runner go on until it has nothing left of it."""
    task = asyncio.create_task(work.run())
    left = len(log.commands)

    def done() -> None:
        nonlocal left
        left -= 1

    for record in list(log.commands):
        await work.offer(record, done)
    for _ in range(1000):
        await asyncio.sleep(0)
        if task.done():
            task.result()
    assert left == 0
    task.cancel()
    await asyncio.wait([task])


def test_one_time_record_is_on_its_way_at_a_time() -> None:
    """Its own record is never offered back here, so no second one may be appended."""
    log, observer = MemoryLog(), Quiet()
    log.append(law_record())
    for n in range(20):
        for record in life(f"d{n}")[:2]:
            log.append(record)
    asyncio.run(turns(runner(log, observer, PoisonLimit(1000, 0.5)), log))
    assert observer.appended == 1


@pytest.mark.parametrize(("poison", "stops"), [(19, False), (20, True)])
def test_poison_stops_the_reader_from_the_set_share_and_a_least_number_on(poison: int, stops: bool) -> None:
    log, observer = MemoryLog(), Quiet()
    for _ in range(poison):
        log.append_raw(b"x", b"{")
    work = runner(log, observer, PoisonLimit(window=1000, share=0.1, least=20))
    if stops:
        with pytest.raises(TooMuchPoisonError, match="20 of the last 20 records"):
            asyncio.run(turns(work, log))
    else:
        asyncio.run(turns(work, log))
        assert len(log.letters) == poison


def test_a_small_share_of_poison_is_dead_lettered_for_ever() -> None:
    log, observer = MemoryLog(), Quiet()
    for n in range(400):
        log.append_raw(b"x", b"{") if n % 20 == 0 else log.append(life(f"d{n}")[0])
    asyncio.run(turns(runner(log, observer, PoisonLimit(window=1000, share=0.1, least=20)), log))
    assert len(log.letters) == 20


def test_under_the_log_clock_the_wall_says_nothing_and_time_never_goes_back() -> None:
    bench = Bench()
    bench.open_dossiers(1)
    assert bench.partition.due(LATER) is None
    bench.feed(TimeAdvanced(to=START))
    assert bench.partition.due(LATER) is None
    bench.feed(TimeAdvanced(to=LATER))
    assert clocks(bench.feed(TimeAdvanced(to=START))) == []
    assert bench.partition.head.time == LATER
    due = bench.partition.due(START)
    assert due is not None
    assert due.at == LATER


def test_under_the_system_clock_a_record_of_the_log_clock_moves_nothing() -> None:
    bench = Bench(Clock.SYSTEM)
    bench.open_dossiers(1)
    bench.feed(TimeAdvanced(to=LATER))
    assert bench.partition.due(START) is None
    due = bench.partition.due(LATER + timedelta(days=1))
    assert due is not None
    assert due.at == LATER + timedelta(days=1)
