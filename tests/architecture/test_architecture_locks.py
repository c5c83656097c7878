"""The locks: every file pinned by hash, no address in them, and the images run what the suite ran with."""

from __future__ import annotations

import re
import tomllib
from typing import Final

import pytest

from tests.architecture.sources import ROOT, SERVICES

WHOLE: Final = ROOT / "requirements.lock"
PIN: Final = re.compile(r"^([a-z0-9][a-z0-9._-]*)==([^\s\\]+)", re.MULTILINE)


def _pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text(encoding="utf-8")))


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~ ;]", line, maxsplit=1)[0].lower() for line in requirements}


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_runs_the_versions_the_suite_was_run_with(service: str) -> None:
    pins = _pins(f"requirements-{service}.lock")
    assert pins.items() <= _pins(WHOLE.name).items()
    assert "pytest" not in pins


def test_the_locks_hold_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras: dict[str, list[str]] = project["optional-dependencies"]
    always = _names(project["dependencies"]) | {"setuptools"}
    for service in SERVICES:
        assert always | _names(extras[service]) <= set(_pins(f"requirements-{service}.lock"))
    everything = always.union(*(_names(extra) for extra in extras.values())) - {"motcua"}
    assert everything <= set(_pins(WHOLE.name))


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name)
def test_every_pin_has_a_hash_and_no_line_an_address(path: object) -> None:
    text = (ROOT / str(path)).read_text(encoding="utf-8")
    assert not re.search(r"://|--(?:index|extra-index|find-links|trusted)|@ ", text)
    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert blocks
    for block in blocks:
        name = block.strip().splitlines()[0]
        assert "==" in name
        assert "--hash=sha256:" in block, name
