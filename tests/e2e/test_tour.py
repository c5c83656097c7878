"""The tour on real stacks: one dossier's day as a newcomer is shown it, and what the warehouse then holds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from contracts.words import Role
from deploy.local.stack import LocalStack
from motcua.client import Client
from tests.brokers import KIND
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

MEMBERS = ["action", "actor", "http_status", "accepted", "reason", "rule", "national_status", "due"]
DAY = [
    ("register", "citizen-1", 201, None, 1),
    ("accept", "counter-1", 200, None, 2),
    ("appraise", "officer-1", 200, None, 4),
    ("stamp", "keeper-1", 409, "step_out_of_order", 4),
    ("request_supplement", "officer-1", 200, None, 5),
    ("receive_supplement", "counter-1", 200, None, 4),
    ("approve", "approver-1", 200, None, 4),
    ("stamp", "approver-1", 409, "same_person", 4),
    ("stamp", "keeper-1", 200, None, 9),
    ("return", "counter-1", 200, None, 10),
    ("rate", "citizen-1", 200, None, 10),
]
STEPS = ["receive", "appraise", "approve", "stamp", "return"]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("stack"), clock="system", broker=KIND.value) as running:
        yield running


def tour(*words: str, scratch: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "motcua", "tour", *words],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env=os.environ | ({"TMPDIR": str(scratch)} if scratch else {}),
    )


def rows_of(told: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert told.returncode == 0, told.stderr
    rows: list[dict[str, Any]] = json.loads(told.stdout)
    return rows


def check_day(rows: Sequence[dict[str, Any]]) -> None:
    assert all(list(row) == MEMBERS for row in rows)
    named = ("action", "actor", "http_status", "reason", "national_status")
    seen = [tuple(row[name] for name in named) for row in rows]
    assert seen == DAY
    assert [row["accepted"] for row in rows] == [status != 409 for _, _, status, _, _ in DAY]
    assert [row["rule"] is not None for row in rows] == [status == 409 for _, _, status, _, _ in DAY]
    assert rows[0]["due"] is None
    assert all(row["due"] for row in rows[1:])
    assert rows[3]["rule"].startswith("Năm bước phải theo thứ tự")
    assert rows[7]["rule"].startswith("Một người không được vừa")


def newest(client: Client, code: str) -> Any:
    """The dossier with a legal code as analytics shows it, once its stamp has its number."""

    def ask() -> Any:
        found = client.get("/v1/dossiers", "analytics", code=code)["dossiers"]
        if not found:
            return None
        dossier = client.get(f"/v1/dossiers/{found[0]['dossier_id']}", "analytics")
        return (
            dossier if dossier["status"] == 10 and all(one["number"] for one in dossier["stamps"]) else None
        )

    return wait_until(ask, 60, "the dossier to be whole in analytics")


def test_a_day_goes_as_planned_and_the_warehouse_holds_all_of_it(stack: LocalStack) -> None:
    home = str(stack.home.path)
    check_day(rows_of(tour("--home", home, "--json")))

    said = tour("--home", home)
    assert said.returncode == 0, said.stderr
    assert "409 refused: step_out_of_order" in said.stdout
    assert "409 refused: same_person" in said.stdout
    assert "Hạn là hết giờ làm việc" in said.stdout, "the due date is explained"
    assert "Phiếu kiểm soát quá trình" in said.stdout
    assert "seal H44.101-2, number 2 of" in said.stdout, "the second stamp of a fresh register"
    code = re.findall(r"H44\.101-\d{6}-\d{4}", said.stdout)[0]

    with Client(stack.intake_url, stack.keys[Role.INSPECTOR], analytics_url=stack.analytics_url) as client:
        dossier = newest(client, code)
    slip, history = dossier["control_slip"], dossier["history"]
    assert [entry["step"] for entry in slip] == STEPS
    assert {entry["place"] for entry in slip} == {"centre"}, "five steps, all of them at the centre"
    assert all(entry["agency"] == "H44.101" and entry["officer"] for entry in slip)
    assert all(one["until"] == other["since"] for one, other in pairwise(slip)), "no gap, no overlap"
    assert slip[0]["since"] == history[0]["at"]
    assert slip[-1]["until"] == next(fact["at"] for fact in history if fact["type"] == "ResultReturned")
    assert len({slip[place]["officer"] for place in (1, 2, 3)}) == 3, (
        "three people behind appraisal, word and seal"
    )
    assert [(stamp["seal"], stamp["number"]) for stamp in dossier["stamps"]] == [("H44.101-2", 2)]
    assert [fact["seq"] for fact in history] == list(range(1, len(history) + 1))
    refused = [fact["body"]["reason"] for fact in history if fact["type"] == "CommandRefused"]
    assert refused == ["step_out_of_order", "same_person"]


def test_one_key_stands_in_for_every_role_on_a_stack_named_by_its_address(stack: LocalStack) -> None:
    check_day(rows_of(tour("--url", stack.intake_url, "--key", stack.keys[Role.ADMIN], "--json")))


def test_a_key_that_may_not_is_no_way_through_the_day(stack: LocalStack) -> None:
    told = tour("--url", stack.intake_url, "--key", stack.keys[Role.COUNTER], "--json")
    assert told.returncode == 1
    assert [row["http_status"] for row in json.loads(told.stdout)] == [201, 200, 403]
    assert "appraise by officer-1 should be: accepted" in told.stderr
    assert "role_not_allowed" in told.stderr


def test_without_a_stack_it_brings_its_own_and_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    told = tour("--home", str(tmp_path / "home"), "--json", scratch=scratch)
    check_day(rows_of(told))
    assert "starts one of its own" in told.stderr
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "home").exists()
