"""`motcua doctor`: what it makes of the last stack of a home, and of the last proof of one that runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.home import Home, RunState, StackState
from deploy.local.ports import HOST, Ports
from motcua import doctor
from motcua.__main__ import main
from motcua.doctor import Finding
from services.analytics.domain.comparison import Findings
from services.analytics.metrics import Metrics
from tests.fakes.http_service import answering


def run_state(state: StackState, options: tuple[str, ...] = ()) -> RunState:
    return RunState(
        pid=1,
        started=1.0,
        state=state,
        clock="system",
        broker="apache" if "apache" in options else "tansu",
        urls={"broker": f"{HOST}:1", "warehouse": f"clickhouse://default@{HOST}:1/default"},
        processes=(),
        message="analytics does not start" if state is StackState.FAILED else "",
        options=options,
    )


@pytest.mark.parametrize("state", [StackState.FAILED, StackState.STOPPED])
def test_a_stack_that_failed_is_not_fine(tmp_path: Path, state: StackState) -> None:
    home = Home(tmp_path)
    home.write_run(run_state(state))
    [found] = doctor.leftovers(home, None)
    assert found.ok == (state is StackState.STOPPED)
    if not found.ok:
        assert found.text.endswith("; the last one failed: analytics does not start")
        assert found.remedy.endswith("start again with `motcua up`")
        assert str(home.logs) in found.remedy


def test_ports_and_broker_are_those_of_the_last_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, str]] = []

    def examine(home: Home, ports: Ports, broker: str) -> Iterator[Finding]:
        asked.append((ports.intake, broker))
        yield Finding(True, "fine")

    monkeypatch.setattr(doctor, "examine", examine)
    words = ["doctor", "--home", str(tmp_path)]
    assert main(words) == 0
    Home(tmp_path).write_run(
        run_state(StackState.STOPPED, options=("--port-base", "9000", "--broker", "apache"))
    )
    assert main(words) == 0
    assert main([*words, "--port-base", "9100", "--broker", "tansu"]) == 0
    assert asked == [(8801, "tansu"), (9000, "apache"), (9100, "tansu")]


def telling(metrics: Metrics) -> contextlib.AbstractContextManager[str]:
    """The address of an analytics that is ready and tells these metrics."""
    return answering(lambda path: (200, metrics.text() if path == "/metrics" else b"{}"))


@pytest.mark.parametrize(
    ("found", "ok", "text"),
    [
        (None, True, "figures not proven since analytics started; `motcua reconcile` does it"),
        (Findings(0), True, "log and warehouse agreed at the last proof (2026-01-02 03:04 UTC)"),
        (
            Findings(0, missing=2, mismatched=3, drift=1),
            False,
            "log and warehouse DIFFERED at the last proof (2026-01-02 03:04 UTC): 5 differences,"
            " 1 of them in roll-ups",
        ),
        (
            Findings(0, duplicated=1),
            False,
            "log and warehouse DIFFERED at the last proof (2026-01-02 03:04 UTC): 1 difference",
        ),
    ],
)
def test_the_last_proof_is_told(found: Findings | None, ok: bool, text: str) -> None:
    metrics = Metrics()
    if found is not None:
        metrics.reconciled([found], 1_767_323_096.0)
    with telling(metrics) as url:
        last = doctor.figures(url)
    assert (last.ok, last.text) == (ok, text)
    assert ("`motcua reconcile`" in last.remedy) == (not ok)


def test_an_analytics_that_tells_nothing_is_named() -> None:
    with telling(Metrics()) as url:
        pass
    assert doctor.figures(url).text.startswith("analytics does not tell its metrics: ")
