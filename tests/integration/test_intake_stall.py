"""A broker that stands still for a while and goes on: intake takes requests again, by itself."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.brokers import OwnBroker
from tests.integration.test_intake_service import PROCEDURE, Process, commands, enact, intake
from tests.waiting import wait_until

AGENCY = "H61.04"
STALL = 15.0  # longer than the delivery time-out: what was under way has failed before it ends
RECOVERY = 45.0
BODY = {"procedure": PROCEDURE["code"], "agency": AGENCY, "channel": "counter"}


class StillBroker(OwnBroker):
    """A broker that can be made to stand still."""

    def signal(self, number: signal.Signals) -> None:
        """To each of its processes."""
        for process in self._running.values():
            os.kill(process.pid, number)


def _taken(process: Process, path: str, body: dict[str, Any], key: str) -> str:
    """Ask until it is taken; the dossier."""

    def ask() -> str:
        answer = process.post(path, body, Idempotency_Key=key)
        assert answer.status_code in (202, 503), answer.text
        return str(answer.json()["dossier_id"]) if answer.status_code == 202 else ""

    return wait_until(ask, RECOVERY, f"{path} to be taken", every=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("asked_meanwhile", [True, False], ids=["asked-meanwhile", "asked-afterwards"])
def test_a_stall_of_the_broker_passes(tmp_path: Path, asked_meanwhile: bool) -> None:
    with ExitStack() as stack:
        broker = StillBroker(tmp_path)
        stack.callback(broker.kill)
        broker.start()
        process = stack.enter_context(intake(broker.bootstrap, tmp_path / "intake"))
        enact(process, AGENCY)
        first = _taken(process, "/v1/dossiers", BODY, uuid4().hex)
        key = uuid4().hex
        broker.signal(signal.SIGSTOP)
        stalled = time.monotonic()
        if asked_meanwhile:
            answer = process.post("/v1/dossiers", BODY, Idempotency_Key=key)
            assert (answer.status_code, answer.json()["reason"]) == (503, "not_acked")
            unready = process.http.get("/readyz")
            assert unready.status_code == 503
            assert unready.json()["why"] in ("broker_failing", "broker_slow")
        wait_until(lambda: time.monotonic() - stalled >= STALL, 2 * STALL, "the stall to be over")
        broker.signal(signal.SIGCONT)
        again = _taken(process, "/v1/dossiers", BODY, key)
        # An acceptance needs the reader too: it reads back the claim of its number.
        assert _taken(process, f"/v1/dossiers/{again}/accept", {"agency": AGENCY}, uuid4().hex) == again
        assert process.http.get("/readyz").json() == {
            "ready": True,
            "why": None,
            "in_flight_records": 0,
            "law_version": 1,
        }
        found = commands(broker.bootstrap, {first, again})
        kinds = [type(command.body).__name__ for command in found[again]]
        assert kinds[0] == "RegisterDossier"
        assert kinds[-1] == "AcceptDossier"
        assert process.stop() == 0
