"""`motcua simulate` with the shipped profiles, catalogue and calendar."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from motcua import simulate
from motcua.catalogue import calendar_change, sample_changes
from motcua.failure import Failure
from motcua.simulation.counts import count
from tests.fakes.histories import judge


def _run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    simulate.configure(parser)
    return simulate.run(parser.parse_args(words))


@pytest.mark.parametrize("name", simulate.profile_names())
@pytest.mark.parametrize("seed", [1, 2])
def test_a_shipped_profile_tells_lawful_lives_with_its_own_figures(name: str, seed: int) -> None:
    scale = Decimal("0.02")
    lines = list(simulate.lines(name, seed, scale))
    judged = judge(lines, tuple(sample_changes()), calendar_change())
    counts = count(simulate.load_profile(name), scale)
    assert judged.fates == Counter({str(fate): n for fate, n in counts.fates.items() if n})
    assert judged.channels == Counter({str(channel): n for channel, n in counts.channels.items() if n})


def test_the_history_is_written_to_a_file(tmp_path: Path) -> None:
    out = tmp_path / "history.ndjson"
    assert _run("--profile", "yen-chau-2020", "--seed", "1", "--scale", "0.002", "--out", str(out)) == 0
    expected = list(simulate.lines("yen-chau-2020", 1, Decimal("0.002")))
    assert out.read_bytes() == b"".join(line + b"\n" for line in expected)


def test_the_history_is_written_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert _run("--profile", "dong-trieu-2021", "--scale", "0.001") == 0
    first, *rest = capfdbinary.readouterr().out.splitlines()
    assert json.loads(first)["history"]["dossiers"] == 80
    assert len(rest) > 400


def test_an_unknown_profile_is_answered_with_those_there_are() -> None:
    with pytest.raises(Failure, match=r"no profile 'hue'; there are dong-trieu-2021, yen-chau-2020"):
        _run("--profile", "hue")


def test_a_scale_without_dossiers_is_a_failure() -> None:
    with pytest.raises(Failure, match="no dossier is left"):
        _run("--profile", "yen-chau-2020", "--scale", "0.000001")


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(Failure, match="No such file or directory"):
        _run("--profile", "yen-chau-2020", "--scale", "0.001", "--out", "nowhere/history.ndjson")


@pytest.mark.parametrize("scale", ["0", "-1", "11", "NaN", "Infinity", "much"])
def test_a_scale_that_cannot_be_is_wrong_usage(scale: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        _run("--profile", "yen-chau-2020", f"--scale={scale}")
    assert ended.value.code == 2
    assert "expected a number above 0" in capsys.readouterr().err


def test_a_seed_that_is_no_number_is_wrong_usage() -> None:
    with pytest.raises(SystemExit):
        _run("--profile", "yen-chau-2020", "--seed", "one")
