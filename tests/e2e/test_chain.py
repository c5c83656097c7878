"""The whole chain: a history handed in at the door becomes the figures its profile says.

A real stack each: broker, warehouse and the three services, started and stopped by `motcua replay`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from motcua.simulate import load_profile
from motcua.simulation.counts import Fate, count
from tests.brokers import KIND

SCALE = "0.002"


def _motcua(*words: str, seconds: float, scratch: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "motcua", *words],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        env=os.environ | ({"TMPDIR": str(scratch)} if scratch else {}),
    )


def _expected(profile: str) -> dict[str, int]:
    """The figures as the profile counts them, in the words of analytics."""
    counts = count(load_profile(profile), Decimal(SCALE))
    fates = counts.fates
    return {
        "received": counts.received,
        "early": fates[Fate.EARLY],
        "on_time": fates[Fate.ON_TIME],
        "late": 0,
        "not_due": fates[Fate.NOT_DUE],
        "paused": fates[Fate.WAITING],
        "supplement_requested": fates[Fate.WAITING],
        "refused": fates[Fate.REFUSED],
        "withdrawn": 0,
        "stopped": 0,
        "refused_lines": 0,
    }


def _replayed(profile: str, folder: Path, *words: str) -> dict[str, Any]:
    history = folder / "history.ndjson"
    told = _motcua(
        "simulate", "--profile", profile, "--seed", "1", "--scale", SCALE, "--out", str(history), seconds=60
    )
    assert told.returncode == 0, told.stderr
    scratch = folder / "scratch"
    scratch.mkdir()
    words = ("--broker", KIND.value, *words)
    replayed = _motcua("replay", str(history), "--json", *words, seconds=280, scratch=scratch)
    assert replayed.returncode == 0, replayed.stderr
    assert list(scratch.iterdir()) == []
    report: dict[str, Any] = json.loads(replayed.stdout)
    commands = [json.loads(line) for line in history.read_bytes().splitlines()[1:]]
    assert report["commands"] == len(commands)
    # One fact a command, two for a stamp and for a return: so nothing was refused, doubled or overdue.
    two = sum(command["action"] in ("stamp", "return") for command in commands)
    assert report["facts"] == len(commands) + two
    return report


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("profile", ["yen-chau-2020", "dong-trieu-2021"])
def test_the_figures_come_out_as_the_profile_says(profile: str, tmp_path: Path) -> None:
    report = _replayed(profile, tmp_path)
    assert {name: report[name] for name in _expected(profile)} == _expected(profile)
    assert report["reconciliation"] == {"missing": 0, "duplicated": 0, "mismatched": 0}
    assert report["peak_rss_bytes"] > 0


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_figures_are_the_same_when_every_process_is_killed_once(tmp_path: Path) -> None:
    report = _replayed("yen-chau-2020", tmp_path, "--chaos", "1")
    assert {name: report[name] for name in _expected("yen-chau-2020")} == _expected("yen-chau-2020")
    assert report["reconciliation"] == {"missing": 0, "duplicated": 0, "mismatched": 0}
