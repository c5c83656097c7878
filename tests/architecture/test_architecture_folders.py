"""Folders explain themselves and are real packages, so that the import linter sees all of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import PACKAGES, ROOT, files, lines, modules, shown

SCREEN_LINES: Final = 60
LINK: Final = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE_FOLDERS: Final = sorted({path.parent for path in modules(*PACKAGES)})
README_FOLDERS: Final = sorted({*CODE_FOLDERS, ROOT / "tests", ROOT / "docs", ROOT / "docs" / "decisions"})


@pytest.mark.parametrize("folder", README_FOLDERS, ids=shown)
def test_a_folder_has_a_readme_of_at_most_a_screen(folder: Path) -> None:
    readme = folder / "README.md"
    assert readme.is_file(), "say its purpose, when to edit it, and what to keep out"
    assert 5 <= lines(readme) <= SCREEN_LINES


@pytest.mark.parametrize("folder", CODE_FOLDERS, ids=shown)
def test_a_readme_says_when_to_edit_and_what_to_keep_out(folder: Path) -> None:
    text = " ".join((folder / "README.md").read_text(encoding="utf-8").lower().split())
    assert "edit when" in text
    assert "keep out" in text


@pytest.mark.parametrize("folder", CODE_FOLDERS, ids=shown)
def test_a_folder_with_code_is_a_package(folder: Path) -> None:
    missing = [
        shown(package)
        for package in (folder, *folder.parents)
        if ROOT in package.parents and not (package / "__init__.py").is_file()
    ]
    assert not missing


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{shown(path)}: {target}"
        for path in files()
        if path.suffix == ".md"
        for target in LINK.findall(path.read_text(encoding="utf-8"))
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert not broken
