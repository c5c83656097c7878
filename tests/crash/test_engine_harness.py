"""The harness would notice: engines and readers with one promise broken are found out in few schedules."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from contracts.commands import Command, DeadlinesReached, DrawNumber, TimeAdvanced
from contracts.facts import Cause, Fact, FactBody
from contracts.outcomes import ActionName, Result
from contracts.words import Clock
from legalclock.moments import local
from services.workflow.domain import seals
from services.workflow.domain.actions import action_of
from services.workflow.domain.seals import Register
from services.workflow.engine import drawing, partition, restoring, runner, verify
from services.workflow.engine.parking import Parking
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import Decoded, Incoming, Output, Poison
from services.workflow.engine.restoring import Restoring
from services.workflow.engine.runner import Runner
from services.workflow.engine.turns import Turns
from tests.crash.harness.history import END, Fragile, history
from tests.crash.harness.oracle import Kept, Reader, read_once
from tests.crash.harness.schedule import survive
from tests.crash.harness.stage import Stage, in_virtual_time
from tests.crash.harness.verdict import Verdict
from tests.crash.harness.worker import Worker
from tests.fakes.workflow import START, law_record, life

ENOUGH = 120
"""Schedules within which a broken promise must show."""


def found_out(kind: type[Runner] = Runner, read: Reader = read_once) -> str:
    """What the first schedule that notices says."""
    for seed in range(1, ENOUGH):
        try:
            verdict, _ = survive(seed, [Clock.SYSTEM, Clock.LOG][seed % 2], kind, read)
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        if verdict:
            return words(verdict)
    return ""


def words(verdict: Verdict) -> str:
    return f"lost {verdict.lost}, doubled {verdict.doubled}, different {verdict.different}"


def test_the_histories_hold_everything_that_can_happen_to_a_dossier() -> None:
    """Every action done, every fact told, seals of both years."""
    told: set[type] = set()
    done: set[ActionName | None] = set()
    stamped: set[tuple[str, int]] = set()
    for seed in range(150):
        decided = Partition(0, Clock.SYSTEM)
        entries = history(random.Random(seed), Clock.SYSTEM, 0)
        for offset, entry in enumerate([*entries, None]):
            message = decided.due(END) if entry is None else entry
            if isinstance(message, bytes | None):
                continue
            output = decided.apply([Decoded(Incoming(offset, None, None), message)])
            facts = [fact for fact in output.facts if isinstance(fact, Fact)]
            told |= {type(fact.body) for fact in facts}
            stamped |= {(draw.seal, local(draw.at).year) for draw in output.forwards}
            if isinstance(message, Command) and [one.result for one in output.outcomes] == [Result.ACCEPTED]:
                done.add(action_of(message.body))
    assert told == set(FactBody.__args__)
    assert done == set(ActionName)
    assert len(stamped) >= 8


class CommitsFirst(Runner):
    """Acknowledges a batch before its states are durable."""

    async def _process(self, batch: list[Any]) -> None:
        for queued in batch:
            queued.ack()
        await super()._process([runner._Queued(queued.item, lambda: None) for queued in batch])


class StatesFirst(Runner):
    """Writes the states before the facts that led to them."""

    async def _decide(self, items: list[Decoded | Poison]) -> Output:
        output = await super()._decide(items)
        await self._write_states(output.states)
        output.states = {}
        return output


class ForwardsLast(Runner):
    """Asks for numbers after the states were written, which say that all is done."""

    async def _forward(self, output: Output) -> None:
        self._output = output

    async def _write_states(self, states: dict[str, bytes]) -> None:
        await super()._write_states(states)
        output, self._output = getattr(self, "_output", Output()), Output()
        await super()._forward(output)


@pytest.mark.parametrize("kind", [CommitsFirst, StatesFirst, ForwardsLast])
def test_another_order_of_durability(kind: type[Runner]) -> None:
    assert found_out(kind)


def test_a_reader_without_a_watermark() -> None:
    def read_all(facts: Iterable[tuple[Cause, bytes]]) -> Kept:
        return {(cause.offset, cause.n, place): data for place, (cause, data) in enumerate(facts)}  # type: ignore[misc]  # places on purpose of another shape

    assert "lost" in found_out(read=read_all)


def test_a_recovery_that_believes_the_last_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restoring, "rank", lambda data: 0)
    assert found_out()


def test_a_recovery_that_leaves_an_old_record_behind_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Restoring, "repairs", lambda self: {})
    assert "different" in found_out()


def torn(records: int) -> Verdict:
    """A worker dies after so many records of a batch that holds law, time, a dossier and time again."""

    async def told() -> Verdict:
        stage = Stage(Clock.LOG, random.Random(1), Fragile())
        stage.world.batch = 10
        for entry in (law_record(), TimeAdvanced(to=START), life()[0], TimeAdvanced(to=END)):
            stage.feed(0, entry)
        worker = Worker(stage.world)
        worker.port.tear = records
        await stage.group.join(worker)
        await stage.until(lambda: not worker.alive or worker.acked[0] == 4)
        await stage.settle()
        return stage.judge()

    return in_virtual_time(told)


def test_law_and_time_are_batches_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their state says that everything before them is decided: in one batch with others it says too much."""
    assert not any(map(torn, range(12)))
    monkeypatch.setattr(runner, "concerns_partition", lambda message: False)
    assert any(map(torn, range(12)))


def test_a_register_that_draws_for_whatever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(register: Register | None, *rest: Any) -> Any:
        return seals.draw(register and replace(register, marks=()), *rest)

    monkeypatch.setattr(drawing, "draw", draw)
    assert "doubled" in found_out()


def test_a_register_that_knows_one_mark_for_all_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Offsets of several partitions say nothing of each other."""

    def draw(register: Register | None, record: DrawNumber, cause: Cause) -> Any:
        return seals.draw(register, replace(record, source=replace(record.source, partition=0)), cause)

    monkeypatch.setattr(drawing, "draw", draw)
    assert found_out()


def test_a_stamp_nobody_asks_a_number_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "draws", lambda facts: ())
    assert "lost" in found_out()


def test_a_record_decided_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that forgets how far it is."""
    put = Partition._put

    def forgetful(self: Partition, offset: int, *rest: Any) -> None:
        put(self, offset - 1, *rest)

    monkeypatch.setattr(Partition, "_put", forgetful)
    assert found_out()


@pytest.fixture
def full_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """One deadline fills a list, so that all take turns."""
    monkeypatch.setattr(DeadlinesReached, "LIMIT", 1)


@pytest.mark.usefixtures("full_lists")
def test_turns_hold_up_nothing() -> None:
    assert not found_out()


@pytest.mark.usefixtures("full_lists")
def test_a_turn_nobody_gives_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Turns, "leave", lambda self, wake: None)
    assert "not worked off" in found_out()


@pytest.mark.usefixtures("full_lists")
def test_a_turn_nobody_is_woken_for(monkeypatch: pytest.MonkeyPatch) -> None:
    leave = Turns.leave

    def silent(self: Turns, wake: Any) -> None:
        self._waiting, waiting = deque(), self._waiting  # type: ignore[misc]  # broken on purpose
        leave(self, wake)
        self._waiting = waiting  # type: ignore[misc]  # as above

    monkeypatch.setattr(Turns, "leave", silent)
    assert "not worked off" in found_out()


def test_crashes_that_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parking, "count", lambda self, crash: {})
    assert "not worked off" in found_out()


def test_parking_nobody_can_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that parks, and forgets to say so in the log."""
    park = Runner._park

    async def mute(self: Runner, record: Any) -> None:
        monkeypatch.setattr(self._log, "append_record", _nothing)
        await park(self, record)

    async def _nothing(partition: int, record: object) -> int:
        return -1

    monkeypatch.setattr(Runner, "_park", mute)
    assert found_out()


def test_the_products_own_proof_notices_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "evolve", lambda before, fact: before)
    assert found_out()
