"""What of Faust loses data is not used: its tables, its producer, its acknowledgements, its errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from faust.types.enums import ProcessingGuarantee

from services.workflow.adapters import worker as workers
from services.workflow.adapters.worker import Worker, WrongFaustError
from services.workflow.engine.lease import Lease
from services.workflow.engine.runner import OutOfOrderError
from services.workflow.settings import Settings, read_settings


class Made:
    """A worker that was made and not started; errors that end its process are kept."""

    def __init__(self) -> None:
        self.ended: list[BaseException] = []
        self.settings: Settings = read_settings({"MOTCUA_KAFKA": "127.0.0.1:1"})
        self.worker = Worker(self.settings, self._no_runner, Lease(6.0, lambda: 0.0), self.ended.append)

    def _no_runner(self, number: int) -> Any:
        raise AssertionError("nothing is assigned here")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    for patch in ("fetch_wait", "heartbeat", "hand_over", "commit_offset", "failed_commit"):
        monkeypatch.setattr(workers, f"patch_{patch}", lambda *_: None)
    return Made()


class Stream:
    """A stream of the agent's: whether it acknowledges by itself, and its records."""

    def __init__(self, *offsets: int) -> None:
        self.acknowledges = True
        self._offsets = offsets

    def noack(self) -> Stream:
        self.acknowledges = False
        return self

    async def events(self) -> AsyncIterator[Any]:
        for offset in self._offsets:
            message = SimpleNamespace(
                partition=0, offset=offset, key=b"", value=b"", ack=lambda consumer: None
            )
            yield SimpleNamespace(message=message)


class Failing:
    """A runner that takes one record."""

    def __init__(self) -> None:
        self.taken: list[int] = []

    async def offer(self, record: Any, ack: Any) -> None:
        if self.taken:
            raise OutOfOrderError("a defect")
        self.taken.append(record.offset)


def test_no_table_no_transaction_no_topic_of_its_own(made: Made) -> None:
    app = made.worker.app
    app.finalize()
    assert not app.tables.data
    assert app.conf.processing_guarantee is ProcessingGuarantee.AT_LEAST_ONCE
    assert app.conf.table_standby_replicas == 0
    assert not app.conf.topic_allow_declare
    assert app.conf.topic_disable_leader
    assert not app.conf.producer_threaded
    assert not app.conf.web_enabled
    [agent] = app.agents.values()
    assert agent.concurrency == 1


def test_no_folder_is_left_where_it_runs(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def story() -> None:
        await made.worker.app.on_first_start()

    asyncio.run(story())
    assert list(tmp_path.iterdir()) == []


def test_what_goes_wrong_in_the_agent_ends_the_process_and_acknowledges_nothing(made: Made) -> None:
    stream, runner = Stream(4, 5), Failing()
    made.worker.runners[0] = runner  # type: ignore[assignment]  # only its offer is of interest
    with pytest.raises(OutOfOrderError):
        asyncio.run(made.worker._read(stream))
    assert [type(error) for error in made.ended] == [OutOfOrderError]
    assert runner.taken == [4]
    assert not stream.acknowledges


def test_a_runner_that_fails_ends_the_process(made: Made) -> None:
    async def story() -> None:
        async def broken() -> None:
            raise ValueError("a defect")

        task = asyncio.create_task(broken())
        task.add_done_callback(made.worker._ended)
        await asyncio.wait([task])
        await asyncio.sleep(0)

    asyncio.run(story())
    assert [type(error) for error in made.ended] == [ValueError]


def test_another_release_of_faust_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faust, "__version__", "0.15.4")
    with pytest.raises(WrongFaustError, match=r"expected faust-streaming 0\.15\.3, got 0\.15\.4"):
        Made()
