"""The worker dies at every named point of the order of durability, and in the middle of writes; nothing
is lost, nothing counts twice, and deciding the log again gives the same bytes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from contracts import commands
from contracts.codec import encode
from contracts.commands import Command, CommandBody, TimeAdvanced
from contracts.facts import ClockMoved, Fact, FactRecord
from contracts.words import Channel, Clock, Step
from services.workflow.engine.lease import Lease, LeaseExpiredError
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import (
    Decoded,
    Output,
    Poison,
    TopicRecreatedError,
    concerns_partition,
)
from services.workflow.engine.runner import PoisonLimit, Runner
from tests.fakes.workflow import (
    AGENCY,
    HOURLY,
    PROCEDURE,
    START,
    CrashError,
    MemoryLog,
    command,
    law_record,
    life,
)

WALL = START + timedelta(days=40)
POINTS = (
    "recovered",
    "decided",
    "facts acked",
    "states acked",
    "offsets acked",
    "deadlines due",
    "deadlines appended",
)


class Unobserved:
    """No metrics."""

    def recovered(self, partition: Partition, seconds: float) -> None: ...

    def batch(self, partition: Partition, records: int, output: Output, seconds: float) -> None: ...

    def deadlines(self, partition: Partition, record: commands.DeadlinesReached, now: datetime) -> None: ...


async def run(
    log: MemoryLog,
    clock: Clock,
    at: Callable[[str], None],
    batch: int,
    lag: Callable[[], bool],
    *,
    topic_id: str = "commands-1",
    may_write: Callable[[], None] = lambda: None,
) -> Partition:
    """One worker's life: recover, then work off the log until nothing is left to do or a crash ends it.

    `lag` says whether the broker learns of an acknowledgement before the worker dies.
    """
    partition = Partition(0, clock)
    acked = log.committed
    lagging = False

    def ack(offset: int) -> Callable[[], None]:
        def done() -> None:
            nonlocal acked, lagging
            assert offset == acked, "acknowledged out of order"
            acked = offset + 1
            lagging = lagging or lag()
            if not lagging:
                log.committed = acked

        return done

    runner = Runner(
        partition,
        log,
        Unobserved(),
        lambda: WALL,
        batch_records=batch,
        limit=PoisonLimit(window=1000, share=1.0),
        topic_id=topic_id,
        may_write=may_write,
        at=at,
    )
    task = asyncio.create_task(runner.run())
    offered = acked
    for _ in range(100_000):
        while offered < len(log.commands) and not task.done():
            record = log.commands[offered]
            await runner.offer(record, ack(offered))
            offered += 1
        await asyncio.sleep(0)
        if task.done():
            task.result()
        if acked == len(log.commands) == offered and runner.ready and partition.due(WALL) is None:
            task.cancel()
            await asyncio.wait([task])
            log.committed = acked
            return partition
    raise AssertionError(f"still at {acked} of {len(log.commands)} records")


def decided_at_once(log: MemoryLog, clock: Clock) -> tuple[list[FactRecord], Partition]:
    """The oracle: the whole log decided in one go, without a crash, record by record."""
    partition = Partition(0, clock)
    facts: list[FactRecord] = []
    for record in log.commands:
        facts.extend(partition.apply([partition.read(record)]).facts)
    return facts, partition


def read_once(facts: list[FactRecord]) -> list[FactRecord]:
    """What a reader keeps: repeats dropped by the highest cause applied."""
    kept: list[FactRecord] = []
    mark = (-1, -1)
    for fact in facts:
        place = (fact.cause.offset, fact.cause.n)
        if place > mark:
            mark = place
            kept.append(fact)
    return kept


def history(seed: int, clock: Clock) -> MemoryLog:
    """A log of several dossiers interleaved, with law, time, poison, repeats and illegal commands."""
    chance = random.Random(seed)
    log = MemoryLog()
    if chance.random() < 0.5:
        log.append(life("early")[0])  # before any law: refused, and never a dossier
    log.append(law_record())
    lives = [
        life(f"d{n}", START + timedelta(hours=n), procedure=chance.choice([PROCEDURE, HOURLY]))
        for n in range(chance.randint(2, 6))
    ]
    for n, one in enumerate(lives):
        if chance.random() < 0.5:
            cut = chance.randint(1, len(one))
            one[cut:] = [_wild(chance, f"d{n}", k) for k in range(chance.randint(0, 6))]
    version = 1
    while any(lives):
        kind = chance.random()
        if kind < 0.04:
            log.append_raw(b"x", chance.choice([None, b"{", b'{"record":"command"}']))
        elif kind < 0.08:
            version += chance.choice([0, 1])
            log.append(law_record(version))
        elif kind < 0.14 and clock is Clock.LOG:
            log.append(TimeAdvanced(to=START + timedelta(days=chance.randint(0, 20))))
        else:
            one = chance.choice([one for one in lives if one])
            log.append(one[0])
            if chance.random() < 0.9:
                one.pop(0)
    if clock is Clock.LOG:
        log.append(TimeAdvanced(to=WALL))
    return log


def _wild(chance: random.Random, dossier: str, n: int) -> Command:
    bodies: list[CommandBody] = [
        commands.RequestSupplement("missing_document"),
        commands.ReceiveSupplement(),
        commands.CompleteStep(chance.choice(list(Step))),
        commands.RefuseDossier("not_competent"),
        commands.WithdrawDossier(),
        commands.RateDossier(chance.randint(1, 5)),
        commands.AcceptDossier(f"{AGENCY}-250304-0002"),
        commands.RegisterDossier(PROCEDURE, AGENCY, Channel.ONLINE),
    ]
    at = START + timedelta(hours=chance.randint(0, 400))
    return command(chance.choice(bodies), key=f"wild-{chance.randint(0, n)}", dossier=dossier, at=at)


async def survive(seed: int, clock: Clock, crashes: int) -> None:
    """One schedule: run, die `crashes` times at random places, run to the end, compare with the oracle."""
    chance = random.Random(seed)
    log = history(seed, clock)
    for _ in range(crashes):
        point, countdown = chance.choice(POINTS), chance.randint(1, 6)
        log.tear = chance.randint(0, 40) if chance.random() < 0.5 else None

        def at(reached: str, point: str = point) -> None:
            nonlocal countdown
            countdown -= reached == point
            if countdown == 0:
                countdown = -1
                raise CrashError(point)

        try:
            await run(log, clock, at, chance.randint(1, 20), lambda: chance.random() < 0.3)
        except CrashError:
            continue
    log.tear = None
    partition = await run(log, clock, lambda point: None, 50, lambda: False)
    expected, oracle = decided_at_once(log, clock)
    kept = read_once(log.facts)
    assert [encode(fact) for fact in kept] == [encode(fact) for fact in expected]
    numbered = [(f.dossier_id, f.seq) for f in kept if isinstance(f, Fact)]
    assert len(numbered) == len(set(numbered))
    names = {f.dossier_id for f in kept if isinstance(f, Fact)}
    assert {name: partition.dossier(name) for name in names} == {name: oracle.dossier(name) for name in names}
    answered = {outcome.command_id for outcome in log.outcomes}
    asked = {m.id for r in log.commands if isinstance(m := _message(oracle, log, r.offset), Command)}
    assert answered == asked
    rebuilt = Partition(0, clock)
    rebuilt.restore(chance.sample(log.states, len(log.states)))
    assert {name: rebuilt.dossier(name) for name in names} == {name: oracle.dossier(name) for name in names}
    assert rebuilt.law == oracle.law
    assert rebuilt.head.time == oracle.head.time
    if clock is Clock.LOG:
        moved = [fact.to for fact in kept if isinstance(fact, ClockMoved)]
        assert moved
        assert moved[-1] == WALL


def _message(partition: Partition, log: MemoryLog, offset: int) -> object:
    item = partition.read(log.commands[offset])
    return None if isinstance(item, Poison) else item.message


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("block", range(10))
def test_random_crashes_lose_and_double_nothing(clock: Clock, block: int) -> None:
    for seed in range(block * 20, block * 20 + 20):
        try:
            asyncio.run(survive(seed, clock, crashes=4))
        except Exception as error:
            raise AssertionError(f"schedule of seed {seed} under the {clock} clock") from error


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("point", POINTS)
def test_a_crash_at_each_named_point(clock: Clock, point: str) -> None:
    """Each point is really reached, and dying there once changes nothing."""
    log = history(7, clock)
    seen = 0

    def at(reached: str) -> None:
        nonlocal seen
        if reached == point:
            seen += 1
            if seen == 1:
                raise CrashError(point)

    async def schedule() -> None:
        with pytest.raises(CrashError):
            await run(log, clock, at, 5, lambda: True)
        await run(log, clock, at, 5, lambda: False)

    asyncio.run(schedule())
    assert seen >= 1
    expected, _ = decided_at_once(log, clock)
    assert [encode(f) for f in read_once(log.facts)] == [encode(f) for f in expected]


def test_law_is_a_batch_of_its_own() -> None:
    """A refusal decided before a law must stand after a crash, although the law is in force by then."""
    log = MemoryLog()
    before = life("before")[0]
    log.append(before)
    log.append(law_record())
    partition = Partition(0, Clock.SYSTEM)
    items = [partition.read(record) for record in log.commands]
    assert [concerns_partition(i.message) for i in items if isinstance(i, Decoded)] == [False, True]

    async def schedule() -> None:
        await run(log, Clock.SYSTEM, lambda point: None, 50, lambda: False)
        log.committed = 0  # the broker never learnt of any of it
        await run(log, Clock.SYSTEM, lambda point: None, 50, lambda: False)

    asyncio.run(schedule())
    assert log.facts == []
    assert [(o.command_id, o.refusal and o.refusal.reason) for o in log.outcomes] == [
        (before.id, "unknown_procedure")
    ]


def test_a_worker_that_lost_its_session_writes_nothing_of_what_it_decided() -> None:
    """Stopped between deciding and writing for longer than a session, and gone on."""
    log = history(3, Clock.SYSTEM)
    now = 0.0
    lease = Lease(6.0, lambda: now)

    def frozen(point: str) -> None:
        nonlocal now
        now += 60.0 if point == "decided" else 0.0

    async def schedule() -> None:
        with pytest.raises(LeaseExpiredError):
            await run(log, Clock.SYSTEM, frozen, 5, lambda: True, may_write=lease.check)
        assert (log.facts, log.outcomes, log.committed) == ([], [], 0)
        await run(log, Clock.SYSTEM, lambda point: None, 5, lambda: False)

    asyncio.run(schedule())
    expected, _ = decided_at_once(log, Clock.SYSTEM)
    assert [encode(f) for f in read_once(log.facts)] == [encode(f) for f in expected]


def test_states_of_another_topic_are_refused() -> None:
    """A commands topic created again begins at offset 0: nothing of it may be skipped as applied."""
    log = history(3, Clock.SYSTEM)

    async def schedule() -> None:
        await run(log, Clock.SYSTEM, lambda point: None, 5, lambda: False)
        log.committed = 0
        with pytest.raises(TopicRecreatedError, match="commands-2"):
            await run(log, Clock.SYSTEM, lambda point: None, 5, lambda: False, topic_id="commands-2")

    asyncio.run(schedule())
