"""The real stack as people start it: ready, decided, killed, watched, stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.words import Role
from deploy.local.broker import BrokerKind
from deploy.local.home import is_alive
from deploy.local.stack import LocalStack
from motcua.__main__ import main
from motcua.catalogue import sample_agencies, sample_procedures
from motcua.client import Client, ClientError
from tests.brokers import KIND
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

GIB = 1 << 30


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("stack"), clock="system", broker=KIND.value) as running:
        yield running


@pytest.fixture
def client(stack: LocalStack) -> Iterator[Client]:
    with Client(stack.intake_url, stack.keys[Role.ADMIN.value]) as session:
        yield session


def register(client: Client, key: str) -> dict[str, Any]:
    """Hand in a dossier under the sample law, wait for the decision."""
    procedure, agency = sample_procedures()[0], sample_agencies()[0]
    body = {"procedure": procedure.code, "agency": agency.code, "channel": procedure.channels[0]}
    headers = {"Idempotency-Key": key, "Prefer": "wait=20"}
    answer = client.request("POST", "/v1/dossiers", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    decoded: dict[str, Any] = answer.json()
    return decoded


def seen_by_analytics(client: Client, dossier_id: str) -> Any:
    def ask() -> Any:
        try:
            return client.get(f"/v1/dossiers/{dossier_id}", service="analytics")
        except ClientError as error:
            if error.status == 404:
                return None
            raise

    return wait_until(ask, 30, "the dossier to reach analytics")


def test_a_dossier_handed_in_is_decided_and_shown(client: Client) -> None:
    dossier = register(client, "whole-1")
    assert seen_by_analytics(client, dossier["dossier_id"])


def test_status_and_doctor_find_it_well(stack: LocalStack, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--home", str(stack.home.path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["broker", "warehouse", "analytics", "workflow", "intake"]

    code = main(["doctor", "--home", str(stack.home.path)])
    out = capsys.readouterr().out
    assert code == 0, out
    assert "the broker answers and has all" in out


def test_topics_are_verified_on_the_running_stack(
    stack: LocalStack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["topics", "--home", str(stack.home.path)]) == 0
    assert "created" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["workflow", "analytics", "intake", "warehouse"])
def test_a_killed_process_comes_back_and_work_goes_on(stack: LocalStack, client: Client, name: str) -> None:
    before = stack.process(name)
    killed = stack.kill(name)
    after = stack.wait_ready(name, 60, other_than=killed)

    assert after.restarts == before.restarts + 1
    dossier = register(client, f"after-the-death-of-{name}")
    assert seen_by_analytics(client, dossier["dossier_id"])


def test_it_stays_small(stack: LocalStack) -> None:
    java = 0.6 * GIB if KIND is BrokerKind.APACHE else 0
    assert 0 < stack.rss_bytes() < 1.2 * GIB + java


def test_stopping_leaves_nothing(stack: LocalStack) -> None:
    supervisor, processes = stack.state(), stack.processes()
    stack.stop()
    assert not is_alive(supervisor.pid, supervisor.started)
    assert not any(is_alive(one.pid, one.started) for one in processes)
