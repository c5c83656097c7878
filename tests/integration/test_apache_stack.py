"""The one-machine stack on Apache Kafka: nothing is lost by its broker's death, nothing by a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from contracts.words import Role
from deploy.local.errors import StackError
from deploy.local.home import is_alive
from deploy.local.stack import LocalStack
from motcua.__main__ import main
from motcua.catalogue import sample_agencies, sample_procedures
from motcua.client import Client, ClientError
from tests.brokers import needs_apache
from tests.waiting import wait_until

pytestmark = [needs_apache, pytest.mark.slow, pytest.mark.timeout(400)]

PATIENCE: Final = 90.0


@contextmanager
def running(home: Path, brokers: int) -> Iterator[tuple[LocalStack, Client]]:
    with (
        LocalStack(home, broker="apache", brokers=brokers) as stack,
        Client(stack.intake_url, stack.keys[Role.ADMIN.value]) as client,
    ):
        yield stack, client


def register(client: Client, key: str) -> tuple[dict[str, Any], bool]:
    """Hand in a dossier, as often as it takes with the same key: its state, and whether it was known."""
    procedure, agency = sample_procedures()[0], sample_agencies()[0]
    body = {"procedure": procedure.code, "agency": agency.code, "channel": procedure.channels[0]}

    def ask() -> tuple[dict[str, Any], bool] | None:
        try:
            answer = client.request(
                "POST", "/v1/dossiers", json=body, headers={"Idempotency-Key": key, "Prefer": "wait=20"}
            )
        except ClientError as error:
            if error.retriable:
                return None
            raise
        return (answer.json(), "Idempotent-Replayed" in answer.headers) if answer.status_code == 201 else None

    return wait_until(ask, PATIENCE, f"{key} to be decided")


def history(client: Client, dossier: str) -> Any:
    """The facts analytics knows of a dossier, once it knows the dossier."""

    def ask() -> Any:
        try:
            return client.get(f"/v1/dossiers/{dossier}", service="analytics")["history"]
        except ClientError as error:
            if error.status == 404 or error.retriable:
                return None
            raise

    return wait_until(ask, PATIENCE, "the dossier to reach analytics")


def counted(client: Client) -> tuple[int, dict[str, int]]:
    """Dossiers received, and the differences between log and warehouse."""
    proof = client.post("/v1/reconcile", service="analytics")
    figures = client.get("/v1/figures", service="analytics")
    return figures["received"], {kind: proof[kind] for kind in ("missing", "duplicated", "mismatched")}


def test_log_and_figures_survive_the_death_of_the_broker_and_a_restart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "hồ sơ"
    with running(home, 1) as (stack, client):
        first, known = register(client, "first")
        assert not known
        killed = stack.kill("broker")
        second, _ = register(client, "second")
        assert stack.wait_ready("broker", PATIENCE, other_than=killed).restarts == 1
        before = [history(client, one["dossier_id"]) for one in (first, second)]
        wait_until(lambda: main(["status", "--home", str(home)]) == 0, PATIENCE, "every process to be ready")
        capsys.readouterr()
        code = main(["doctor", "--home", str(home)])
        out = capsys.readouterr().out
        assert code == 0, out
        assert "the broker answers and has all" in out
        processes = stack.processes()
    assert not any(is_alive(one.pid, one.started) for one in processes)

    with running(home, 1) as (stack, client):
        again, known = register(client, "first")
        assert known
        assert again["dossier_id"] == first["dossier_id"]
        assert [history(client, one["dossier_id"]) for one in (first, second)] == before
        assert counted(client) == (2, {"missing": 0, "duplicated": 0, "mismatched": 0})

    with pytest.raises(StackError, match="was begun with --brokers 1 --clock system"), running(home, 3):
        pass
