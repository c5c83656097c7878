"""The whole chain: a history handed in at the door becomes the figures its profile says.

A real stack each: broker, warehouse and the three services; under chaos one of the replay's own.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bench.rig import read_all
from contracts.codec import decode_fact
from contracts.facts import Fact, NumberDrawn
from contracts.topics import DOSSIER_PARTITIONS, FACTS
from contracts.words import Role
from deploy.local.stack import LocalStack
from motcua.simulate import load_profile
from motcua.simulation.counts import Fate, count
from tests.brokers import KIND

SCALE = "0.002"
ALARMS = {"DueDateNear", "ApologyDeadlinePassed", "StepDuePassed", "Escalated"}
"""Facts of time, which no command asks for."""


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


def _told(profile: str, folder: Path) -> Path:
    history = folder / "history.ndjson"
    told = _motcua(
        "simulate", "--profile", profile, "--seed", "1", "--scale", SCALE, "--out", str(history), seconds=60
    )
    assert told.returncode == 0, told.stderr
    return history


def _replayed(history: Path, *words: str, scratch: Path | None = None) -> dict[str, Any]:
    replayed = _motcua("replay", str(history), "--json", *words, seconds=280, scratch=scratch)
    assert replayed.returncode == 0, replayed.stderr
    report: dict[str, Any] = json.loads(replayed.stdout)
    assert report["commands"] == _commands(history).total()
    assert report["reconciliation"] == {"missing": 0, "duplicated": 0, "mismatched": 0}
    return report


def _commands(history: Path) -> Counter[str]:
    return Counter(json.loads(line)["action"] for line in history.read_bytes().splitlines()[1:])


def _facts(bootstrap: str, at_least: int) -> Counter[str]:
    """How many facts of each type the log holds; the workers repeat some after a crash."""
    found = asyncio.run(read_all(bootstrap, FACTS, DOSSIER_PARTITIONS, at_least))
    seen: dict[tuple[str, int], str] = {}
    for _, _, value in found:
        match decode_fact(value):
            case Fact(dossier_id=dossier, seq=seq, body=body):
                seen[dossier, seq] = type(body).__name__
            case NumberDrawn(seal_id=seal, seq=seq):
                seen[seal, seq] = NumberDrawn.__name__
    return Counter(seen.values())


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("profile", ["yen-chau-2020", "dong-trieu-2021"])
def test_the_figures_come_out_as_the_profile_says(profile: str, tmp_path: Path) -> None:
    history = _told(profile, tmp_path)
    with LocalStack(tmp_path / "stack", clock="log", broker=KIND.value) as stack:
        report = _replayed(history, "--url", stack.intake_url, "--key", stack.keys[Role.IMPORTER])
        facts = _facts(stack.state().urls["broker"], report["facts"])
    assert {name: report[name] for name in _expected(profile)} == _expected(profile)
    assert report["facts"] == facts.total()
    asked = _commands(history)
    told = Counter({kind: number for kind, number in facts.items() if kind not in ALARMS})
    # Whatever was asked became a fact, and nothing else did: nobody was refused, nothing was overdue.
    wanted = {
        "DossierRegistered": asked["register"],
        "DossierAccepted": asked["accept"],
        "DossierRefused": asked["refuse"],
        "SupplementRequested": asked["request_supplement"],
        "SupplementReceived": asked["receive_supplement"],
        "StepCompleted": sum(asked[step] for step in ("appraise", "approve", "stamp", "return")),
        "StampApplied": asked["stamp"],
        "NumberDrawn": asked["stamp"],
        "ProcessingFinished": asked["stamp"],
        "ResultReturned": asked["return"],
        "DossierRated": asked["rate"],
    }
    assert told == Counter(wanted)
    assert all(facts[kind] for kind in ("DueDateNear", "ApologyDeadlinePassed"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_figures_are_the_same_when_every_process_is_killed_once(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    words = ("--broker", KIND.value, "--chaos", "1")
    report = _replayed(_told("yen-chau-2020", tmp_path), *words, scratch=scratch)
    assert {name: report[name] for name in _expected("yen-chau-2020")} == _expected("yen-chau-2020")
    assert report["peak_rss_bytes"] > 0
    assert list(scratch.iterdir()) == []
