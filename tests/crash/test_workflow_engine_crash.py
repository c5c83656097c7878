"""Workers die at every named point, in the middle of writes, and come back from the dead; nothing is lost,
nothing counts twice, and deciding the log again gives the same bytes."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable, Sized
from pathlib import Path

import pytest

from contracts.codec import decode_command
from contracts.commands import Cause, Command, DrawNumber, Parked, TimeAdvanced
from contracts.words import Clock
from services.workflow import engine
from services.workflow.engine.lease import LeaseExpiredError
from services.workflow.engine.records import TopicRecreatedError
from tests.crash.harness.cluster import Topics
from tests.crash.harness.history import END, Fragile, history
from tests.crash.harness.schedule import survive
from tests.crash.harness.stage import Stage, in_virtual_time
from tests.crash.harness.verdict import Verdict
from tests.crash.harness.virtual import VirtualLoop
from tests.crash.harness.worker import POINTS, Worker
from tests.crash.run import main
from tests.fakes.workflow import CrashError, law_record, life

ORDER = tuple(point for point in POINTS if "crash" not in point and "park" not in point)
CRASHING = tuple(point for point in POINTS if point not in ORDER)


def test_every_point_named_in_the_engine_is_one_where_workers_die() -> None:
    """And the other way round: none is left over that nobody passes any more."""
    folder = Path(engine.__file__).parent
    named = {name for path in folder.glob("*.py") for name in re.findall(r'_at\("(.+?)"\)', path.read_text())}
    assert named == set(POINTS) - {"revoked", "assigned"}


def play(
    clock: Clock, story: Callable[[Stage], Awaitable[Verdict | None]], code: Fragile | None = None
) -> Verdict:
    """Tell a story on a stage; its verdict, or the one at its end."""

    async def told() -> Verdict:
        stage = Stage(clock, random.Random(7), code or Fragile())
        verdict = await story(stage)
        return verdict if verdict is not None else stage.judge()

    return in_virtual_time(told)


def fill(stage: Stage, seed: int = 7) -> None:
    """A whole history, and time passing over all of it."""
    for entry in history(random.Random(seed), stage.clock, 0):
        stage.feed(0, entry)
    if stage.clock is Clock.LOG:
        stage.feed(0, TimeAdvanced(to=END))
    stage.over = True


def dies(point: str) -> Callable[[Worker], None]:
    """The worker's end at a point."""

    def hook(worker: Worker) -> None:
        raise CrashError(point)

    return hook


def written(topics: Topics) -> int:
    """How many records there are."""
    rows: list[Sized] = [topics.commands, topics.facts, topics.outcomes, topics.states]
    return sum(map(len, rows))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 501, 1001, 1501])
def test_random_schedules_lose_double_and_change_nothing(
    seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--seed", str(seed), "--schedules", "500"])
    out, err = capsys.readouterr()
    assert (out, err) == ("schedules 500, lost 0, doubled 0, different 0\n", "")
    assert code == 0


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("point", ORDER)
def test_a_crash_at_each_named_point(clock: Clock, point: str) -> None:
    """Each point is really reached, and dying there once changes nothing."""

    async def story(stage: Stage) -> None:
        stage.world.hooks[point] = dies(point)
        fill(stage)
        await stage.join()
        await stage.settle()
        await stage.group.rebalance()
        await stage.settle()
        assert point not in stage.world.hooks

    assert not play(clock, story)


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("point", CRASHING)
def test_a_crash_on_the_way_to_parking_a_dossier(clock: Clock, point: str) -> None:
    broken = [entry for entry in history(random.Random(7), clock, 0) if isinstance(entry, Command)][4]

    async def story(stage: Stage) -> None:
        stage.world.hooks[point] = dies(point)
        fill(stage)
        await stage.settle()
        assert point not in stage.world.hooks
        messages = [decode_command(r.value) for r in stage.cluster.partitions[0].commands if r.key != b"x"]
        parked = [message for message in messages if isinstance(message, Parked)]
        assert {(one.dossier_id, one.reason) for one in parked} == {(broken.dossier_id, "key_error")}

    assert not play(clock, story, Fragile(commands={broken.id}))


def test_a_refusal_before_the_law_stands() -> None:
    """A refusal decided before a law must stand after a crash, although the law is in force by then."""
    before = life("before")[0]

    async def story(stage: Stage) -> None:
        stage.feed(0, before)
        stage.feed(0, law_record())
        await stage.settle()
        stage.cluster.partitions[0].committed = 0  # the broker never learnt of any of it
        stage.group.members[0].acked.clear()
        await stage.group.rebalance()
        await stage.settle()
        assert stage.cluster.partitions[0].facts == []
        [answer] = stage.cluster.partitions[0].outcomes
        assert b"unknown_procedure" in answer

    assert not play(Clock.SYSTEM, story)


@pytest.mark.parametrize("point", ["decided", "facts acked", "forwards acked", "deadlines due"])
def test_a_worker_that_lost_its_session_writes_nothing_any_more(point: str) -> None:
    """Stopped for longer than a session before facts, states or a record of time, and gone on."""

    async def story(stage: Stage) -> None:
        topics = stage.cluster.partitions[0]
        before: list[int] = []

        def stopped(worker: Worker) -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            before.append(written(topics))
            loop.skip(60.0)

        stage.world.hooks[point] = stopped
        stage.feed(0, law_record())  # a batch of its own, which changes states
        fill(stage)
        first = await stage.join()
        await stage.until(lambda: not first.alive)
        assert [written(topics)] == before
        with pytest.raises(LeaseExpiredError):
            first.lease.check()
        await stage.settle()

    assert not play(Clock.SYSTEM, story)


@pytest.mark.parametrize("point", ["decided", "facts acked", "deadlines due"])
def test_what_a_zombie_writes_after_its_successor_loses(point: str) -> None:
    """Frozen after the look at its lease, before the write; its successor writes; then it goes on."""

    async def story(stage: Stage) -> None:
        stage.world.hooks[point] = Worker.freeze
        fill(stage)
        zombie = await stage.join()
        await stage.until(lambda: zombie.frozen)
        await stage.join()
        await stage.settle()
        topics = stage.cluster.partitions[0]
        before = written(topics)
        zombie.thaw()
        await stage.settle()
        await stage.group.rebalance()
        await stage.settle()
        assert written(topics) > before, "it wrote nothing: this proves nothing"

    assert not play(Clock.SYSTEM, story)


def test_a_zombie_forwards_draws_after_its_successor() -> None:
    """It has told a stamp; its successor asks for the number, and for those of later stamps; then it does."""

    async def story(stage: Stage) -> None:
        topics = stage.cluster.partitions[0]

        def freeze(worker: Worker) -> None:
            stamped = any(b"StampApplied" in data for _, data in topics.facts)
            if stamped:
                worker.freeze()
            else:
                stage.world.hooks["facts acked"] = freeze

        stage.world.hooks["facts acked"] = freeze
        fill(stage)
        zombie = await stage.join()
        await stage.until(lambda: zombie.frozen)
        assert drawn(topics) == []
        await stage.join()
        await stage.settle()
        sources = drawn(topics)
        assert len(sources) == len(set(sources)) > 1
        zombie.thaw()
        await stage.until(lambda: len(drawn(topics)) > len(sources))
        assert set(drawn(topics)) == set(sources)
        await stage.settle()

    assert not play(Clock.SYSTEM, story)


def drawn(topics: Topics) -> list[Cause]:
    """For which stamps numbers were asked, repeats and all."""
    messages = (decode_command(r.value) for r in topics.commands if r.key not in (b"x", None))
    return [message.source for message in messages if isinstance(message, DrawNumber)]


def test_states_of_another_topic_are_refused() -> None:
    """A commands topic created again begins at offset 0: nothing of it may be skipped as applied."""

    async def story(stage: Stage) -> Verdict:
        fill(stage)
        await stage.settle()
        stage.world.topic_id = "commands-2"
        await stage.group.rebalance()
        await stage.until(lambda: not stage.group.members)
        [failure] = stage.world.failures
        assert isinstance(failure, TopicRecreatedError)
        assert "commands-2" in str(failure)
        return Verdict()

    assert not play(Clock.SYSTEM, story)


def test_the_same_seed_is_the_same_schedule() -> None:
    (first, points), (second, again) = (survive(11, Clock.SYSTEM) for _ in range(2))
    assert (first, points) == (second, again)
    assert points["decided"] > 10
