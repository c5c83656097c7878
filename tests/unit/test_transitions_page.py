"""Pages made from the code are in step with it: drift is found, and nothing is missing on them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from contracts import transitions_page
from contracts.outcomes import ActionName
from contracts.transitions import TRANSITIONS
from contracts.words import NationalStatus
from services.workflow import refusals_page
from services.workflow.domain.rules import Reason

PAGES = [
    (transitions_page.PAGE, transitions_page.render),
    (refusals_page.PAGE, refusals_page.render),
]


@pytest.mark.parametrize(("page", "render"), PAGES, ids=lambda one: getattr(one, "name", ""))
def test_the_committed_page_is_in_step(page: Path, render: Callable[[], str]) -> None:
    assert transitions_page.keep(["--check"], page, render()) == 0


def test_drift_is_said_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, text = tmp_path / "transitions.md", transitions_page.render()
    assert transitions_page.keep(["--check"], page, text) == 1
    assert "make schemas" in capsys.readouterr().out
    assert transitions_page.keep(["--write"], page, text) == 0
    assert transitions_page.keep(["--check"], page, text) == 0
    page.write_text(text.replace("| 10 |", "| 4 |", 1), encoding="utf-8")
    assert transitions_page.keep(["--check"], page, text) == 1


def test_every_action_and_every_status_has_its_row() -> None:
    rows = [line for line in transitions_page.render().splitlines() if line.startswith("| ")]
    for action in ActionName:
        assert sum(line.startswith(f"| `{action}` |") for line in rows) == 1
    for status in NationalStatus:
        assert sum(line.startswith(f"| {status.value} |") for line in rows) == 1
    assert set(TRANSITIONS) == set(ActionName)


def test_every_reason_has_its_row_with_a_rule_and_a_ground() -> None:
    rows = [line for line in refusals_page.render().splitlines() if line.startswith("| `")]
    assert len(rows) == len(Reason)
    assert all(cell.strip() for row in rows for cell in row.strip("|").split("|"))
