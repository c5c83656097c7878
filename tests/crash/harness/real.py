"""The same question to real processes: a workflow killed or frozen at work, the whole log decided again.

One schedule is a burst of commands through the door, and one accident drawn from the seed while they are
decided: SIGKILL of the workflow; or a second workflow beside it, and SIGSTOP of the first for longer than
a session, SIGCONT when the other one has taken everything over. Then all that was asked must be answered, and
the product's own proof must find nothing missing, doubled or different.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import ge
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.codec import decode_command, decode_outcome
from contracts.commands import Command
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, OUTCOMES
from contracts.words import Clock, Role
from deploy.local.leash import leashed
from deploy.local.ports import HOST, free_ports
from deploy.local.stack import LocalStack
from motcua.catalogue import sample_agencies, sample_procedures
from motcua.client import Client
from motcua.replaying.door import Door
from services.workflow.adapters.topics import PartitionTopics, Topics
from services.workflow.engine.verify import Report, verify
from tests.crash.harness.oracle import Verdict
from tests.waiting import wait_until

DOSSIERS: Final = 40
STEPS: Final = ("register", "accept", "appraise", "approve", "stamp", "return", "rate")
PATIENCE: Final = 120.0


def real(seed: int, schedules: int) -> Verdict:
    """Half of the schedules under each clock, each half on one stack whose log grows."""
    total = Verdict()
    shares = {Clock.SYSTEM: (schedules + 1) // 2, Clock.LOG: schedules // 2}
    for clock, share in shares.items():
        if not share:
            continue
        with (
            tempfile.TemporaryDirectory() as folder,
            LocalStack(Path(folder) / "stack", clock=clock.value) as stack,
        ):
            ground = _Ground(stack, clock, random.Random(f"{seed}/{clock}"), Path(folder))
            for number in range(share):
                what, verdict = ground.schedule(number)
                sys.stderr.write(f"{clock} {number}: {what}: {'WRONG' if verdict else 'clean'}\n")
                sys.stderr.writelines(f"  {line}\n" for line in verdict.said[:10])
                total.add(verdict)
    return total


class _Ground:
    """A stack, the door to it, and who is hurt next."""

    def __init__(self, stack: LocalStack, clock: Clock, chance: random.Random, folder: Path) -> None:
        self._stack, self._clock, self._chance, self._folder = stack, clock, chance, folder
        self._topics = Topics([stack.state().urls["broker"]])
        self._procedure = sample_procedures()[0]
        self._agency = sample_agencies()[0].code
        self._day = datetime.now(UTC).replace(microsecond=0) - timedelta(days=60)

    def schedule(self, number: int) -> tuple[str, Verdict]:
        """One schedule: what happened in it, in words, and its verdict. What nobody expected is told."""
        try:
            return self._play(number), self._judge()
        except Exception:
            for log in (self._stack.home.logs / "workflow.log", self._folder / "second.log"):
                if log.exists():
                    sys.stderr.write(f"--- {log.name}\n{log.read_text(errors='replace')[-4000:]}\n")
            raise

    def _play(self, number: int) -> str:
        self._day += timedelta(days=1)
        accident = self._chance.choice([self._kill, self._kill, self._freeze])
        with Client(self._stack.intake_url, self._stack.keys[Role.IMPORTER.value]) as client:
            door = Door(client, patience=PATIENCE)
            sending = threading.Thread(target=self._send, args=(door, number))
            with self._second() if accident == self._freeze else contextlib.nullcontext() as second:
                sending.start()
                what = accident(second)
                sending.join()
                self._stack.wait_ready("workflow")
                self._wait_for_all()
            assert not door.sent.refused, door.sent.refused[:3]
        return what

    def _judge(self) -> Verdict:
        """The whole log decided again, and everything asked answered."""
        verdict = Verdict()
        for number in range(DOSSIER_PARTITIONS):
            report = self._prove(number)
            verdict.add(Verdict(report.missing, report.doubled, report.different, list(report.samples)))
            commands = (decode_command(raw.value) for raw in self._topics.read(COMMANDS, number))
            asked = {message.id for message in commands if isinstance(message, Command)}
            answers = (decode_outcome(raw.value) for raw in self._topics.read(OUTCOMES, number))
            for command_id in asked - {answer.command_id for answer in answers}:
                verdict.lost += 1
                verdict.said.append(f"command {command_id} of partition {number} was never answered")
        return verdict

    # ---- commands -------------------------------------------------------------------------------

    def _send(self, door: Door, number: int) -> None:
        lines = [
            self._line(f"{number}-{n}", step, place)
            for place, step in enumerate(STEPS)
            for n in range(DOSSIERS)
        ]
        for start in range(0, len(lines), DOSSIERS):
            door.send(lines[start : start + DOSSIERS])
        if self._clock is Clock.LOG:
            door.post("/v1/time", {"to": (self._day + timedelta(hours=20)).isoformat()})

    def _line(self, dossier: str, step: str, place: int) -> bytes:
        line: dict[str, Any] = {"key": dossier if step == "register" else f"{dossier}/{step}", "action": step}
        if step == "register":
            channel = self._procedure.channels[0]
            line |= {"procedure": self._procedure.code, "agency": self._agency, "channel": channel}
        else:
            line["dossier_key"] = dossier
        if step == "accept":
            line["agency"] = self._agency
        if step == "rate":
            line["score"] = 5
        if self._clock is Clock.LOG:
            line["at"] = (self._day + timedelta(hours=place)).isoformat()
        return msgspec.json.encode(line)

    # ---- accidents ------------------------------------------------------------------------------

    def _kill(self, second: str | None) -> str:
        delay = self._chance.random() * 1.5
        time.sleep(delay)  # not for something to happen, but for it to be in the middle of happening
        pid = self._stack.kill("workflow")
        self._stack.wait_ready("workflow", other_than=pid)
        return f"killed after {delay:.2f} s"

    def _freeze(self, second: str | None) -> str:
        assert second is not None
        delay = self._chance.random() * 1.5
        time.sleep(delay)  # as above
        pid = self._stack.kill("workflow", signal.SIGSTOP)
        try:
            wait_until(
                lambda: len(_ready(second).get("assigned", ())) == DOSSIER_PARTITIONS,
                PATIENCE,
                "the second workflow to take over",
            )
        finally:
            os.kill(pid, signal.SIGCONT)
        return f"frozen after {delay:.2f} s"

    @contextlib.contextmanager
    def _second(self) -> Iterator[str]:
        """Another workflow, with a share of the partitions; its address."""
        [port] = free_ports(1)
        settings = {
            "MOTCUA_KAFKA": self._stack.state().urls["broker"],
            "MOTCUA_BROKER": "tansu",
            "MOTCUA_HTTP": f"{HOST}:{port}",
            "MOTCUA_CLOCK": self._clock.value,
            "MOTCUA_INSTANCE": "workflow-1",
        }
        with (self._folder / "second.log").open("ab") as log:
            process = subprocess.Popen(
                leashed([sys.executable, "-m", "services.workflow"], signal.SIGKILL),
                env=os.environ | settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        url = f"http://{HOST}:{port}"
        try:
            wait_until(lambda: _ready(url).get("assigned"), PATIENCE, "the second workflow's partitions")
            yield url
        finally:
            process.terminate()
            process.wait(30)

    # ---- the proof ------------------------------------------------------------------------------

    def _wait_for_all(self) -> None:
        """Until everything in the log is committed; deciding it may append to it."""
        ends: list[int] = []
        while ends != (ends := self._ends()):
            reached = functools.partial(self._reached, ends)
            wait_until(reached, PATIENCE, f"the log to be worked off to {ends}", every=0.3)

    def _reached(self, ends: list[int]) -> bool:
        return all(map(ge, self._topics.committed(range(DOSSIER_PARTITIONS)).values(), ends))

    def _ends(self) -> list[int]:
        return [
            max((raw.offset + 1 for raw in self._topics.read(COMMANDS, n)), default=0)
            for n in range(DOSSIER_PARTITIONS)
        ]

    def _prove(self, number: int) -> Report:
        return verify(number, self._clock, PartitionTopics(self._topics, number))


def _ready(url: str) -> dict[str, Any]:
    """The body of a workflow's readiness; empty while nobody answers."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5) as response:
            body: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        body = json.load(error)
    except OSError:
        return {}
    return body
