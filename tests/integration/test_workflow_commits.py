"""On a real broker: what the group has committed is always durable, and it follows what is done."""

from __future__ import annotations

import asyncio
import signal
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts import commands
from contracts.codec import UndecodableError, decode_command, decode_outcome
from contracts.commands import Command
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, OUTCOMES
from services.workflow.adapters.log import Log
from services.workflow.adapters.topics import Topics
from services.workflow.settings import read_settings
from tests.brokers import KIND
from tests.fakes.workflow import command, life
from tests.integration.test_workflow_worker import Workers, law, publish
from tests.waiting import wait_until

PATIENCE = 60.0
PARTITIONS = range(DOSSIER_PARTITIONS)


@pytest.fixture
def workers(own_broker: str, tmp_path: Path) -> Iterator[Workers]:
    group = Workers(own_broker, tmp_path)
    yield group
    group.close()


class Watch:
    """Looks again and again whether every committed command has its answer."""

    def __init__(self, bootstrap: str) -> None:
        self.topics = Topics([bootstrap])
        self.looks = 0
        self.wrong: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="commits")

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE)

    def committed(self) -> dict[int, int]:
        return self.topics.committed(PARTITIONS)

    def ends(self) -> dict[int, int]:
        return {n: sum(1 for _ in self.topics.read(COMMANDS, n)) for n in PARTITIONS}

    def _watch(self) -> None:
        while not self._over.is_set():
            committed = self.committed()  # before the answers are read: they may only be ahead of it
            for number, offset in committed.items():
                answered = {
                    decode_outcome(raw.value).command_id for raw in self.topics.read(OUTCOMES, number)
                }
                for raw in self.topics.read(COMMANDS, number):
                    if raw.offset < offset and (asked := _id(raw.value)) and asked not in answered:
                        self.wrong.append(f"{number}/{raw.offset} of {offset} committed has no answer")
            self.looks += 1


def _id(value: bytes | None) -> str | None:
    try:
        record = decode_command(value)
    except UndecodableError:
        return None
    return record.id if isinstance(record, Command) else None


def test_commits_never_pass_what_is_durable_and_never_stay_behind(own_broker: str, workers: Workers) -> None:
    """A fresh group, rebalances in the middle of the work, a kill, and records read again."""
    now = datetime.now(UTC)
    names = [uuid.uuid4().hex for _ in range(6)]
    asked: list[Command] = [one for name in names for one in life(name, now)[:2]]
    more = [
        command(commands.ReceiveSupplement(), key=f"{turn}", dossier=name, at=now)
        for turn in range(90)
        for name in names
    ]
    with Watch(own_broker) as watch:
        first, _ = workers.start("workflow-0")
        asyncio.run(publish(own_broker, [law(), *asked, *more[:180]]))
        second, _ = workers.start("workflow-1")
        asyncio.run(publish(own_broker, more[180:360]))
        first.send_signal(signal.SIGKILL)
        asyncio.run(publish(own_broker, more[360:]))
        wait_until(lambda: watch.committed() == watch.ends(), PATIENCE, "everything to be committed")
        second.terminate()
        assert second.wait(30) == 0
    assert watch.wrong == []
    assert watch.looks > 3


def test_states_are_read_to_their_true_end(own_broker: str) -> None:
    """Also where the broker tells an end that lies before the last records, as one of ours does."""
    settings = read_settings({"MOTCUA_KAFKA": own_broker, "MOTCUA_BROKER": KIND.value})
    states = {f"{n:032x}": b"%d" % n for n in range(3000)}

    async def story() -> dict[str, bytes]:
        writer, reader = Log(settings), Log(settings)
        await writer.start()
        await reader.start()
        try:
            await writer.write_states(1, states)
            return {key: data async for key, data in reader.read_states(1)}
        finally:
            await reader.stop()
            await writer.stop()

    assert asyncio.run(story()) == states
