"""Committed text speaks of Motcua alone, and every exception to a rule has its reason beside it."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path
from typing import Final

from tests.architecture.sources import files, modules, shown

TEXT: Final = {
    ".py",
    ".md",
    ".toml",
    ".yml",
    ".yaml",
    ".json",
    ".sql",
    ".html",
    ".css",
    ".js",
    ".csv",
    ".lock",
    ".cfg",
    "",
}
PROSE: Final = {".py", ".md", ".toml", ".yml", ".yaml", ".sql"}
# The one line that may look for real data beside the repository.
CI_SCRIPT: Final = ".ci/run"

FORBIDDEN: Final = {
    "a path of one machine": re.compile(r"(?<![\w.*])/(?:work|root|home/\w+|Users/\w+)/"),
    "a folder beside the repository": re.compile(r"\bshared/(?:data|reference|design)"),
    "the address of a package registry": re.compile(
        r"\b(?:pypi\.org|files\.pythonhosted\.org|test\.pypi\.org|registry\.npmjs\.org|repo1?\.maven\.org"
        r"|(?:static\.|index\.)?crates\.io|proxy\.golang\.org|deb\.debian\.org)\b"
    ),
}
ISSUE_NUMBER: Final = re.compile(r"(?<![\w&'\"(=/])#\d+\b|\b(?:issue|ticket|PR) #?\d+\b", re.IGNORECASE)


def _texts(suffixes: set[str]) -> list[tuple[Path, str]]:
    here = Path(__file__)
    return [
        (path, path.read_text(encoding="utf-8"))
        for path in files()
        if path.suffix in suffixes and path != here and path.name != "LICENSE"
    ]


def test_no_text_names_what_lies_outside_the_repository() -> None:
    found = [
        f"{shown(path)}: {what}: {match.group()}"
        for path, text in _texts(TEXT)
        if shown(path) != CI_SCRIPT
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]
    assert not found


def test_prose_explains_itself_without_issue_numbers() -> None:
    found = [
        f"{shown(path)}: {match.group()}"
        for path, text in _texts(PROSE)
        for match in ISSUE_NUMBER.finditer(text)
    ]
    assert not found


def test_an_exception_to_a_rule_has_its_reason() -> None:
    """After the mark on the same line, or in a comment on the line above."""
    mark = re.compile(r"#\s*(?:type: ignore(?:\[[^\]]*\])?|noqa(?:: ?[A-Z0-9, ]+)?)(?P<rest>.*)$")
    bare: list[str] = []
    for path in modules():
        above = ""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = mark.search(line)
            if match and path != Path(__file__):
                reason = re.search(r"\w{3,}", match["rest"]) or above.lstrip().startswith("#")
                coded = re.search(r"type: ignore\[|noqa: ", line)
                if not (reason and coded):
                    bare.append(f"{shown(path)}:{number}")
            above = line
    assert not bare, "name the rule and say why"


def test_vietnamese_text_is_composed() -> None:
    """NFC everywhere: the same word must be the same bytes to a search and to a key."""
    mixed = [shown(path) for path, text in _texts(TEXT) if not unicodedata.is_normalized("NFC", text)]
    assert not mixed
