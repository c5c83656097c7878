"""The page of the transition table is the table: drift is found, and every action and status stands on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts import transitions_page
from contracts.outcomes import ActionName
from contracts.transitions import TRANSITIONS
from contracts.words import NationalStatus


def test_the_committed_page_is_in_step() -> None:
    assert transitions_page.main(["--check"]) == 0


def test_drift_is_said_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "transitions.md"
    assert transitions_page.main(["--check"], page) == 1
    assert "make schemas" in capsys.readouterr().out
    assert transitions_page.main(["--write"], page) == 0
    assert transitions_page.main(["--check"], page) == 0
    page.write_text(page.read_text(encoding="utf-8").replace("| 10 |", "| 4 |", 1), encoding="utf-8")
    assert transitions_page.main(["--check"], page) == 1


def test_every_action_and_every_status_has_its_row() -> None:
    rows = [line for line in transitions_page.render().splitlines() if line.startswith("| ")]
    for action in ActionName:
        assert sum(line.startswith(f"| `{action}` |") for line in rows) == 1
    for status in NationalStatus:
        assert sum(line.startswith(f"| {status.value} |") for line in rows) == 1
    assert set(TRANSITIONS) == set(ActionName)
