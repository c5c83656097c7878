"""What crosses from a dossier to a seal: asked for before the states, drawn once, found after a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest

from contracts.codec import encode
from contracts.commands import Command, CommandRecord, DrawNumber, Parked, Unparked
from contracts.facts import Fact, NumberDrawn, StampApplied
from contracts.identity import seal_id
from contracts.words import Clock
from services.workflow.adapters.metrics import Metrics
from services.workflow.engine import drawing
from services.workflow.engine.lease import LeaseExpiredError
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import (
    CorruptStateError,
    Decoded,
    Incoming,
    Output,
    PartitionStuckError,
    Poison,
    decode_dossier,
)
from services.workflow.engine.restoring import Restoring
from services.workflow.engine.runner import PoisonLimit, Runner
from tests.crash.harness.worker import Unobserved
from tests.fakes.workflow import OTHER_SEAL, SEAL, START, CrashError, MemoryLog, key_of, law_record, life

STAMPED = life()[:5]
KEY = seal_id(SEAL)


class Bench:
    """A partition fed record by record, each at the next offset."""

    def __init__(self, *records: CommandRecord) -> None:
        self.partition = Partition(0, Clock.SYSTEM)
        self.offset = 0
        self.states: list[tuple[str, bytes]] = []
        self.output = self.feed(law_record(), *records)

    def feed(self, *records: CommandRecord) -> Output:
        items = []
        for record in records:
            item = self.partition.read(Incoming(self.offset, key_of(record), encode(record)))
            assert isinstance(item, Decoded)
            items.append(item)
            self.offset += 1
        output = self.partition.apply(items)
        self.states += output.states.items()
        return output


def drawn(output: Output) -> list[NumberDrawn]:
    return [fact for fact in output.facts if isinstance(fact, NumberDrawn)]


def a_draw() -> DrawNumber:
    [draw] = Bench(*STAMPED).output.forwards
    return draw


# ---- one partition ------------------------------------------------------------------------------


def test_a_stamp_is_forwarded_and_nothing_else() -> None:
    bench = Bench()
    outputs = [bench.feed(command) for command in life()]
    assert [len(output.forwards) for output in outputs] == [0, 0, 0, 0, 1, 0, 0]
    [draw], [stamp] = (
        outputs[4].forwards,
        [f for f in outputs[4].facts if isinstance(f, Fact) and isinstance(f.body, StampApplied)],
    )
    assert (draw.source, draw.stamp, draw.dossier_id) == (stamp.cause, stamp.seq, stamp.dossier_id)
    assert draw.seal_id == KEY


def test_a_draw_gives_a_number_and_no_answer() -> None:
    bench = Bench(*STAMPED)
    output = bench.feed(*bench.output.forwards)
    [number] = drawn(output)
    assert (number.number, number.year, number.cause.offset) == (1, 2025, bench.offset - 1)
    assert (output.outcomes, output.poison, output.forwards) == ([], [], [])
    assert list(output.states) == [KEY]


def test_a_draw_that_comes_again_is_dropped_and_changes_nothing() -> None:
    bench = Bench(*STAMPED, a_draw())
    before = bench.partition.registers.records()
    output = bench.feed(a_draw())
    assert (output.facts, output.states, output.skipped) == ([], {}, 1)
    assert bench.partition.registers.records() == before


def test_a_register_is_no_dossier() -> None:
    bench = Bench(*STAMPED, a_draw())
    assert len(bench.partition) == 1
    assert bench.partition.dossier(KEY) is None
    assert KEY not in bench.partition.dossiers


@pytest.mark.parametrize("key", [None, b"x", seal_id(OTHER_SEAL).encode()])
def test_a_draw_under_another_key_than_its_seals_is_poison(key: bytes | None) -> None:
    partition = Partition(0, Clock.SYSTEM)
    assert isinstance(partition.read(Incoming(0, KEY.encode(), encode(a_draw()))), Decoded)
    assert isinstance(partition.read(Incoming(0, key, encode(a_draw()))), Poison)


def test_a_draw_under_a_dossiers_key_is_poison_also_when_it_says_so() -> None:
    """A register must never stand where a dossier does."""
    dossier = STAMPED[0].dossier_id
    record = Incoming(0, dossier.encode(), encode(replace(a_draw(), seal_id=dossier)))
    assert isinstance(Partition(0, Clock.SYSTEM).read(record), Poison)


def test_a_draw_that_crashes_stops_the_partition_and_parks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(*STAMPED)

    def broken(*_: object) -> None:
        raise KeyError(SEAL)

    monkeypatch.setattr(drawing, "draw", broken)
    with pytest.raises(PartitionStuckError, match="key_error"):
        bench.feed(*bench.output.forwards)
    assert bench.partition.to_park() == []


def test_a_parked_seal_gives_its_numbers() -> None:
    """Nothing parks it; a record somebody made by hand stops no number either."""
    bench = Bench(*STAMPED)
    bench.partition.parking.park(Parked(dossier_id=KEY, offset=0, reason="by_hand"))
    assert len(drawn(bench.feed(*bench.output.forwards))) == 1
    assert drawn(bench.feed(Unparked(dossier_id=KEY))) == []


# ---- recovery -----------------------------------------------------------------------------------


def recovered(states: Iterable[tuple[str, bytes]]) -> tuple[Partition, dict[str, bytes]]:
    partition = Partition(0, Clock.SYSTEM)
    return partition, partition.restore(Restoring(states))


def test_a_register_is_found_again() -> None:
    bench = Bench(*STAMPED, a_draw())
    partition, repairs = recovered(bench.states)
    assert partition.registers.records() == bench.partition.registers.records()
    assert partition.last_offset == bench.offset - 1
    assert len(partition) == 1
    assert repairs == {}
    again = partition.apply([Decoded(Incoming(bench.offset - 1, KEY.encode(), b""), a_draw())])
    assert (again.facts, again.skipped) == ([], 1)


def test_the_state_that_was_applied_last_counts_wherever_it_stands() -> None:
    bench = Bench(*STAMPED, a_draw())
    zombies = bench.partition.registers.records()
    bench.feed(replace(a_draw(), source=replace(a_draw().source, offset=99)))
    partition, repairs = recovered([*bench.states, *zombies.items()])
    assert partition.registers.records() == bench.partition.registers.records()
    assert repairs == bench.partition.registers.records()


def test_a_register_in_the_place_of_a_dossier_or_a_table_is_refused() -> None:
    bench = Bench(*STAMPED, a_draw())
    [data] = bench.partition.registers.records().values()
    with pytest.raises(CorruptStateError):
        decode_dossier(data)
    with pytest.raises(CorruptStateError, match="a table's key"):
        recovered([("@partition", data)])


# ---- the order of durability --------------------------------------------------------------------


class Telling(MemoryLog):
    """Also notes the order in which things are written; may be held up while it forwards."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.free = asyncio.Event()
        self.free.set()

    async def write(self, partition: int, facts: Iterable[object], *rest: object) -> None:
        self.told.append("facts")
        await super().write(partition, facts, *rest)  # type: ignore[arg-type]  # passed on as it came

    async def forward(self, draws: Iterable[DrawNumber]) -> None:
        self.told.append("forwards")
        await self.free.wait()
        await super().forward(draws)

    async def write_states(self, partition: int, states: dict[str, bytes]) -> None:
        self.told.append("states")
        await super().write_states(partition, states)


class Work:
    """A runner over a log in memory that reads whatever is appended."""

    def __init__(self, log: Telling, at: Callable[[str], None] = lambda point: None) -> None:
        self.log, self.lost = log, False
        self.runner = Runner(
            Partition(0, Clock.SYSTEM),
            log,
            Unobserved(),
            lambda: START,
            batch_records=50,
            limit=PoisonLimit(window=1000, share=1.0),
            topic_id="commands-1",
            may_write=self.may_write,
            at=at,
        )

    def may_write(self) -> None:
        if self.lost:
            raise LeaseExpiredError("the session is over")

    async def until(self, done: Callable[[], bool]) -> None:
        """Work from what is committed until `done`. Raises what ends the runner."""
        task = asyncio.create_task(self.runner.run())
        position = self.log.committed
        for _ in range(1000):
            if done() or task.done():
                break
            while position < len(self.log.commands):
                await self.runner.offer(self.log.commands[position], self.ack)
                position += 1
            await asyncio.sleep(0)
        if task.done():
            task.result()
        assert done()
        task.cancel()
        await asyncio.wait([task])

    def ack(self) -> None:
        self.log.committed += 1

    @property
    def quiet(self) -> bool:
        return self.log.committed == len(self.log.commands)


def a_log(*commands: Command) -> Telling:
    log = Telling()
    log.append(law_record())
    for one in commands:
        log.append(one)
    return log


def numbers(log: MemoryLog) -> list[NumberDrawn]:
    return [fact for fact in log.facts if isinstance(fact, NumberDrawn)]


def draws_in(log: MemoryLog) -> list[CommandRecord]:
    return [one for one in map(log.message, range(len(log.commands))) if isinstance(one, DrawNumber)]


def test_facts_then_forwards_then_states() -> None:
    async def story() -> list[str]:
        log = a_log(*STAMPED)
        log.free.clear()
        work = Work(log)
        await work.until(lambda: "forwards" in log.told)
        assert log.committed == 1, "more than the law is done"
        assert not [key for key, _ in log.states if not key.startswith("@")]
        log.free.set()
        log.told.clear()
        await Work(log).until(lambda: len(numbers(log)) == 1 and log.committed == len(log.commands))
        return log.told

    assert asyncio.run(story()) == ["facts", "forwards", "states", "facts", "states"]


def test_nothing_is_forwarded_where_nothing_is_stamped() -> None:
    async def story() -> list[str]:
        log = a_log(*STAMPED[:4])
        work = Work(log)
        await work.until(lambda: work.quiet)
        return log.told

    assert "forwards" not in asyncio.run(story())


@pytest.mark.parametrize("point", ["facts acked", "forwards acked"])
def test_a_crash_after_the_draw_is_acked_asks_again_and_draws_once(point: str) -> None:
    async def story() -> Telling:
        log = a_log(*STAMPED)

        def dies(here: str) -> None:
            if here == point and log.committed == 1:
                raise CrashError(point)

        work = Work(log, dies)
        with pytest.raises(CrashError):
            await work.until(lambda: False)
        assert len(draws_in(log)) == (point == "forwards acked")
        again = Work(log)
        await again.until(lambda: again.quiet)
        return log

    log = asyncio.run(story())
    repeated = 2 if point == "forwards acked" else 1
    assert draws_in(log) == [a_draw()] * repeated
    assert [(one.number, one.stamp) for one in numbers(log)] == [(1, a_draw().stamp)]
    assert recovered(log.states)[0].registers.kept[KEY].register.seq == 1


def test_who_lost_the_session_while_the_facts_were_written_forwards_nothing() -> None:
    async def story() -> None:
        log = a_log(*STAMPED)
        work = Work(log)

        def frozen(here: str) -> None:
            work.lost = here == "facts acked" and log.committed == 1

        work.runner._at = frozen
        with pytest.raises(LeaseExpiredError):
            await work.until(lambda: False)
        assert draws_in(log) == []
        assert not [key for key, _ in log.states if not key.startswith("@")]

    asyncio.run(story())


def test_draws_of_a_zombie_come_late_and_are_dropped() -> None:
    """Its successor has sent them, and those of later stamps, by then."""
    more = [command for n in range(2, 5) for command in life(f"d{n}")[:5]]

    async def story() -> Telling:
        log = a_log(*STAMPED, *more)
        work = Work(log)
        await work.until(lambda: work.quiet)
        for late in draws_in(log):
            log.append(late)
        after = Work(log)
        await after.until(lambda: after.quiet)
        return log

    log = asyncio.run(story())
    assert [one.number for one in numbers(log)] == [1, 2, 3, 4]
    assert len(draws_in(log)) == 8


def test_forwarded_draws_are_counted() -> None:
    registry = CollectorRegistry()
    bench = Bench()
    Metrics(registry).batch(bench.partition, 5, bench.feed(*STAMPED), 0.1)
    assert "motcua_workflow_draws_forwarded_total 1.0" in generate_latest(registry).decode()
