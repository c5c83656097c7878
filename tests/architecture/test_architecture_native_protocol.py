"""The page about the native protocol names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "native-protocol.md"


def test_every_test_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))
    files = [*(ROOT / "tests/integration").glob("*.py"), *(ROOT / "tests/crash").glob("*.py")]
    there = set(
        re.findall(r"^def (test_\w+)", "\n".join(file.read_text("utf-8") for file in files), re.MULTILINE)
    )
    assert len(named) > 40
    assert named - there == set()
