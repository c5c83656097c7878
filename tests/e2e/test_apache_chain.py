"""The whole chain on three servers of Apache Kafka, one of which dies while a history is handed in."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.topics import COMMANDS, TOPICS
from contracts.words import Role
from deploy.local.stack import LocalStack
from motcua.__main__ import main
from motcua.client import Client, ClientError
from motcua.simulate import load_profile
from motcua.simulation.counts import Fate, count
from tests.brokers import needs_apache
from tests.waiting import wait_until

pytestmark = [needs_apache, pytest.mark.slow, pytest.mark.timeout(600)]

PROFILE: Final = "yen-chau-2020"
SCALE: Final = "0.005"
PATIENCE: Final = 120.0


async def described(bootstrap: str, *topics: str) -> list[dict[str, Any]]:
    """What the cluster knows of each partition of the topics: partition, leader, replicas, isr."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return [one for row in await admin.describe_topics(list(topics)) for one in row["partitions"]]
    finally:
        await admin.close()


def busiest_leader(bootstrap: str) -> str:
    """The process that leads most partitions of the commands."""
    leaders = [one["leader"] for one in asyncio.run(described(bootstrap, COMMANDS))]
    return f"broker-{max(set(leaders), key=leaders.count)}"


def wait_for_copies(bootstrap: str) -> None:
    """Until all three copies of every partition are in step again."""

    def whole() -> bool:
        try:
            found = asyncio.run(described(bootstrap, *TOPICS))
        except KafkaError:
            return False
        return bool(found) and all(len(one["isr"]) == 3 for one in found)

    wait_until(whole, PATIENCE, "every copy to be in step", every=0.5)


def counted(client: Client) -> int:
    """How many facts stand in the warehouse; 0 while nobody tells."""
    try:
        fresh = client.get("/v1/freshness", service="analytics")
    except ClientError:
        return 0
    return sum(part["position"] for part in fresh["partitions"].values())


def simulated(folder: Path) -> Path:
    path = folder / "history.ndjson"
    words = ["simulate", "--profile", PROFILE, "--seed", "1", "--scale", SCALE, "--out", str(path)]
    subprocess.run([sys.executable, "-m", "motcua", *words], check=True, timeout=60)
    return path


def test_a_leader_dies_in_the_middle_and_the_figures_are_exact(tmp_path: Path) -> None:
    counts = count(load_profile(PROFILE), Decimal(SCALE))
    history = simulated(tmp_path)
    lines = len(history.read_bytes().splitlines()) - 1
    with (
        LocalStack(tmp_path / "home", clock="log", broker="apache", brokers=3) as stack,
        Client(stack.intake_url, stack.keys[Role.IMPORTER.value]) as client,
    ):
        bootstrap = stack.state().urls["broker"]
        words = ["replay", str(history), "--json", "--patience", str(PATIENCE), "--url", stack.intake_url]
        replay = subprocess.Popen(
            [sys.executable, "-m", "motcua", *words, "--key", stack.keys[Role.IMPORTER.value]],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            wait_until(lambda: counted(client) > lines // 10, PATIENCE, "a part to be counted", every=0.02)
            victim = busiest_leader(bootstrap)
            killed = stack.kill(victim)
            assert counted(client) < lines, "the death came too late to matter"
            said, complained = replay.communicate(timeout=400)
        finally:
            replay.kill()
            replay.wait()
        assert replay.returncode == 0, complained.decode()
        report = json.loads(said)
        assert stack.wait_ready(victim, PATIENCE, other_than=killed).restarts == 1
        wait_for_copies(bootstrap)
        for command in ("topics", "doctor", "status"):
            assert main([command, "--home", str(stack.home.path)]) == 0, command

    fates = counts.fates
    wanted = {
        "received": counts.received,
        "early": fates[Fate.EARLY],
        "on_time": fates[Fate.ON_TIME],
        "late": 0,
        "not_due": fates[Fate.NOT_DUE],
        "paused": fates[Fate.WAITING],
        "refused": fates[Fate.REFUSED],
        "withdrawn": 0,
        "stopped": 0,
        "refused_lines": 0,
        "commands": lines,
        "reconciliation": {"missing": 0, "duplicated": 0, "mismatched": 0},
    }
    assert {name: report[name] for name in wanted} == wanted
