"""What the import linter cannot see: calls that read the clock, chance or the world from pure code."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.sources import ROOT, SERVICES, modules, pure_modules, shown

CLOCK_CALLS: Final = {"now", "utcnow", "today"}
WORLD_CALLS: Final = {"open", "print", "input", "exec", "eval", "__import__"}
# Reads the files that ship inside the package, and writes its own generated ones.
NOT_PURE: Final = {"contracts/schemas.py"}


@pytest.mark.parametrize("path", [path for path in pure_modules() if shown(path) not in NOT_PURE], ids=shown)
def test_pure_code_asks_neither_the_clock_nor_the_world(path: Path) -> None:
    calls: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS:
            calls.append(f"line {node.lineno}: .{node.func.attr}()")
        if isinstance(node.func, ast.Name) and node.func.id in WORLD_CALLS:
            calls.append(f"line {node.lineno}: {node.func.id}()")
    assert not calls


@pytest.mark.parametrize("service", SERVICES)
def test_the_environment_is_read_in_one_place(service: str) -> None:
    """`os.environ` is touched by the composition root alone; settings are parsed from what it passes."""
    readers = {
        path.relative_to(ROOT / "services" / service).as_posix()
        for path in modules("services")
        if (ROOT / "services" / service) in path.parents
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"})
        or (isinstance(node, ast.ImportFrom) and {"environ", "getenv"} & {name.name for name in node.names})
    }
    assert readers <= {"__main__.py", "settings.py"}
    assert len(readers) == 1
