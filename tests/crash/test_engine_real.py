"""Real processes: killed and frozen at work; crashed by a defect, parked, mended, released."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.codec import decode_fact, decode_outcome
from contracts.facts import Fact, StepCompleted
from contracts.topics import COMMANDS_DLQ, DOSSIER_PARTITIONS, FACTS, OUTCOMES
from deploy.local.leash import leashed
from deploy.local.ports import HOST, free_ports
from motcua.__main__ import main
from services.workflow.adapters.topics import Topics
from tests.brokers import KIND, running_broker
from tests.crash.run import main as crash
from tests.fakes.workflow import life
from tests.integration.test_workflow_worker import get_json, law, publish
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

PATIENCE = 90.0
DEFECT = """
import sys
from services.workflow.__main__ import main
from services.workflow.domain.decide import decide, fire
from services.workflow.domain.engines import Engine
from services.workflow.domain.redate import redate
from services.workflow.engine.partition import Partition

def broken(dossier, law, command, cause):
    if command.id == sys.argv[1]:
        raise KeyError("a defect")
    return decide(dossier, law, command, cause)

made = Partition.__init__
Partition.__init__ = lambda self, number, clock: made(self, number, clock, {1: Engine(broken, fire, redate)})
main()
"""


class Workers:
    """Workflow processes of one test on one broker, each ended by its own pid."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self._bootstrap, self._folder = bootstrap, folder
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, name: str = "workflow-0", *defect: str) -> tuple[subprocess.Popen[bytes], str]:
        """A worker, with a defect when there are words of one; its process and address."""
        [port] = free_ports(1)
        settings = {
            "MOTCUA_KAFKA": self._bootstrap,
            "MOTCUA_BROKER": KIND.value,
            "MOTCUA_HTTP": f"{HOST}:{port}",
            "MOTCUA_INSTANCE": name,
        }
        command = [sys.executable, *(("-c", DEFECT, *defect) if defect else ("-m", "services.workflow"))]
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                leashed(command, signal.SIGKILL), env=os.environ | settings, stdout=log, stderr=log
            )
        self._started.append(process)
        return process, f"http://{HOST}:{port}"

    def logs(self) -> str:
        """What they said last."""
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in self._folder.glob("*.log"))

    def close(self) -> None:
        """Kill what still runs."""
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait(10)


@pytest.fixture
def broker_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with running_broker(tmp_path) as bootstrap:
        monkeypatch.setenv("MOTCUA_KAFKA", bootstrap)
        yield bootstrap


@pytest.fixture
def workers(broker_of_its_own: str, tmp_path: Path) -> Iterator[Workers]:
    group = Workers(broker_of_its_own, tmp_path)
    yield group
    group.close()


def assigned(url: str) -> int:
    """How many partitions a worker has and has recovered."""
    body = get_json(f"{url}/readyz") or {}
    return len(body.get("assigned", ())) if body.get("ready") else 0


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    """What a command prints; it must end with that code."""
    capsys.readouterr()
    assert main(words) == code, capsys.readouterr()
    return capsys.readouterr().out


def test_killed_and_frozen_at_work(capsys: pytest.CaptureFixture[str]) -> None:
    code = crash(["--seed", "1", "--schedules", "0", "--real", "10", "--broker", KIND.value])
    out, err = capsys.readouterr()
    assert out == "schedules 10, lost 0, doubled 0, different 0\n", err
    assert code == 0


def test_a_worker_frozen_while_idle_starts_anew(workers: Workers) -> None:
    """It has nothing to write that would make it look at its lease; it must not linger either."""
    first, url = workers.start()
    wait_until(lambda: assigned(url) == DOSSIER_PARTITIONS, PATIENCE, "the first worker")
    _, other = workers.start("workflow-1")
    wait_until(lambda: assigned(other) and assigned(url) < DOSSIER_PARTITIONS, PATIENCE, "the second worker")
    first.send_signal(signal.SIGSTOP)
    wait_until(lambda: assigned(other) == DOSSIER_PARTITIONS, PATIENCE, "the second one to have everything")
    first.send_signal(signal.SIGCONT)
    assert first.wait(PATIENCE) == 70, workers.logs()
    assert "no heartbeat for" in workers.logs()


def test_a_command_that_crashes_the_worker_parks_its_dossier(
    broker_of_its_own: str, workers: Workers, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC)
    one, other = life("one", now), life("other", now)
    dossier, victim = one[0].dossier_id, one[2]
    topics = Topics([broker_of_its_own])
    asyncio.run(publish(broker_of_its_own, [law(), *one[:4], *other[:4]]))
    for _ in range(3):
        process, _ = workers.start("workflow-0", victim.id)
        assert process.wait(PATIENCE) == 70, workers.logs()
    process, url = workers.start("workflow-0", victim.id)
    wait_until(lambda: answered(topics) == {c.id for c in one[:4] + other[:4]}, PATIENCE, "every answer")
    body = get_json(f"{url}/readyz")
    assert body
    assert body["parked"] == 1
    metrics = urllib.request.urlopen(f"{url}/metrics", timeout=10).read().decode()
    assert 'motcua_workflow_parked_dossiers{partition="' in metrics
    process.terminate()
    assert process.wait(PATIENCE) == 0

    told(capsys, "engine", "verify")
    assert [row["dossier_id"] for row in listed(capsys, "engine", "parked")] == [dossier]
    [letter] = listed(capsys, "dlq", "list")
    assert (letter["reason"], letter["letter"].split("/")[0]) == ("parked: key_error", COMMANDS_DLQ)
    told(capsys, "dlq", "replay", letter["letter"], "--yes", code=1)

    _, url = workers.start()
    told(capsys, "engine", "unpark", dossier)
    wait_until(lambda: not listed(capsys, "engine", "parked"), PATIENCE, "the dossier to be released")
    told(capsys, "dlq", "replay", letter["letter"], "--yes")
    wait_until(lambda: "appraise" in steps(topics, dossier), PATIENCE, "the step to be completed after all")
    wait_until(lambda: quiet(capsys), PATIENCE, "nothing pending")
    told(capsys, "engine", "verify")


def answered(topics: Topics) -> set[str]:
    """The commands that have an answer."""
    rows = [raw for number in range(DOSSIER_PARTITIONS) for raw in topics.read(OUTCOMES, number)]
    return {decode_outcome(raw.value).command_id for raw in rows}


def steps(topics: Topics, dossier: str) -> list[str]:
    """The steps of a dossier that were completed."""
    rows = [raw for number in range(DOSSIER_PARTITIONS) for raw in topics.read(FACTS, number)]
    facts = [decode_fact(raw.value) for raw in rows]
    mine = [fact.body for fact in facts if isinstance(fact, Fact) and fact.dossier_id == dossier]
    return [str(body.step) for body in mine if isinstance(body, StepCompleted)]


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    """What a command lists."""
    rows: list[dict[str, Any]] = json.loads(told(capsys, *words, "--json"))
    return rows


def quiet(capsys: pytest.CaptureFixture[str]) -> bool:
    """Whether everything that follows from the log is kept by now."""
    proof: dict[str, Any] = json.loads(told(capsys, "engine", "verify", "--json"))
    return bool(proof["pending"] == 0)
