"""Mutation tests of the legal clock: `python -m bench.mutants`, or `make mutants`.

The operators of `cosmic_ray` change the package in one place at a time; a mutant is killed when the short
part of the suite fails on it. Nothing is written to the source tree: every mutant runs in a forked child
that has the changed text in memory, and limits on time and memory. Of the arithmetic operators only the
nearest neighbours are tried, the others only make types clash. A change in an annotation or docstring is
no mutant.

Survivors that are justified stand in docs/mutation-legal-clock.md, one row each. The last line says
`mutants n, killed k, survived s, of them justified j`; the exit status is 1 when one is not justified, or
when a row there justifies nothing any more.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = "legalclock"
JUSTIFIED: Final = ROOT / "docs" / "mutation-legal-clock.md"
ORACLE: Final = "tests/property/test_legalclock_oracle.py"
ORACLE_TESTS: Final = ("test_both_clocks_agree", "test_working_time_between_and_backwards_agrees")
ORACLE_CASES: Final = "1000"
NOT_OF_THE_PACKAGE: Final = frozenset({f"test_{PACKAGE}_commands.py"})
"""Tests of the commands that ask the clock: slow, and not what the package is held to."""
SECONDS: Final = 20
BYTES: Final = 4 << 30
# Imported once, before the forks. Nothing here may import the package under test.
BEFOREHAND: Final = (
    "hypothesis",
    "holidays.countries",
    "msgspec",
    "contracts.law",
    "tests.oracles.legal_clock",
)

_COMPARISONS: Final = ("Eq", "NotEq", "Lt", "LtE", "Gt", "GtE")
_ARITHMETIC: Final = (
    *("Add_Sub", "Sub_Add", "Mul_Add", "Mul_FloorDiv", "Div_Mul", "FloorDiv_Mul", "FloorDiv_Mod"),
    *("Mod_FloorDiv", "Pow_Mul", "RShift_LShift", "LShift_RShift", "BitOr_BitAnd", "BitAnd_BitOr"),
)
OPERATORS: Final = (
    *(f"ReplaceComparisonOperator_{a}_{b}" for a in _COMPARISONS for b in _COMPARISONS if a != b),
    *("ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is"),
    *(f"ReplaceBinaryOperator_{pair}" for pair in _ARITHMETIC),
    *("ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Not", "AddNot"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer", "NumberReplacer"),
    *("RemoveDecorator", "ZeroIterationForLoop"),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module's text changed in one place; `before` and `after` are the lines that differ, joined."""

    place: str
    line: int
    before: str
    after: str
    text: str

    def shown(self) -> str:
        """As a row of the page of justified survivors, without the reason."""
        return f"| `{self.place}` | `{_cell(self.before)}` | `{_cell(self.after)}` |"


class _FromMemory(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports the package from texts held here, one of them a mutant."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname in self._texts else None

    def is_package(self, fullname: str) -> bool:
        return any(name.startswith(f"{fullname}.") for name in self._texts)

    def get_source(self, fullname: str) -> str:
        return self._texts[fullname]


def read_package(folder: Path) -> dict[str, str]:
    """Module name → text of every module of the package."""
    texts: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        texts[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return texts


def mutants_of(module: str, text: str) -> Iterator[Mutant]:
    """Every mutant of a module, each once."""
    mutating: Any = importlib.import_module("cosmic_ray.mutating")
    provider: Any = importlib.import_module("cosmic_ray.operators.provider").OperatorProvider()
    seen = {_meaning(text)}
    for name in OPERATORS:
        operator = provider[name]()
        occurrence = 0
        while (changed := mutating.mutate_code(text, operator, occurrence)) is not None:
            occurrence += 1
            meaning = _meaning(changed)
            if meaning not in seen:
                seen.add(meaning)
                yield _mutant(module, text, changed)


def _mutant(module: str, text: str, changed: str) -> Mutant:
    old, new = text.splitlines(), changed.splitlines()
    blocks = [
        block for block in difflib.SequenceMatcher(None, old, new, False).get_opcodes() if block[0] != "equal"
    ]
    before = " ".join(line.strip() for block in blocks for line in old[block[1] : block[2]])
    after = " ".join(line.strip() for block in blocks for line in new[block[3] : block[4]])
    line = blocks[-1][2]
    return Mutant(_place(module, text, line), line, before.strip(), after.strip() or "(removed)", changed)


def _place(module: str, text: str, line: int) -> str:
    """The module and the class and function around a line."""
    inside = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) <= line
        and line <= (node.end_lineno or node.lineno)
    ]
    return ".".join([module, *(node.name for node in sorted(inside, key=lambda node: node.lineno))])


def _meaning(text: str) -> str:
    """The program without what never runs: annotations, docstrings, protocols. Else the text itself."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return text
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Name("_", ast.Load())
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(None)
        elif isinstance(node, ast.ClassDef) and any(ast.unparse(base) == "Protocol" for base in node.bases):
            node.body = []
    return ast.dump(tree)


def survives(texts: Mapping[str, str], tests: Sequence[str], log: Path) -> bool:
    """Whether the tests pass on these texts, in a child no mutant can harm us from. Its words go to `log`."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _run_tests(texts, tests, log)
    _, status = os.waitpid(child, 0)
    return status == 0


def _run_tests(texts: Mapping[str, str], tests: Sequence[str], log: Path) -> None:
    """In the child: ends the process, with status 0 when all pass."""
    signal.alarm(SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    status = 1
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.meta_path.insert(0, _FromMemory(texts))
        status = int(
            pytest.main(
                ["-x", "-q", "--noconftest", "-p", "no:cacheprovider", "-p", "pytest_timeout", *tests]
            )
        )
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(1 if status else 0)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def justified() -> set[str]:
    """The rows of the page, without their reasons."""
    rows = JUSTIFIED.read_text(encoding="utf-8").splitlines() if JUSTIFIED.exists() else []
    return {" | ".join(row.split(" | ")[:3]) + " |" for row in rows if row.startswith("| `")}


def suite() -> list[str]:
    """The short part of the suite: the unit tests of the package, and a sample of the oracle's cases."""
    os.environ["MOTCUA_ORACLE_CASES"] = ORACLE_CASES
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # a child imports as little as it needs
    units = sorted((ROOT / "tests" / "unit").glob(f"test_{PACKAGE}_*.py"))
    names = [str(path.relative_to(ROOT)) for path in units if path.name not in NOT_OF_THE_PACKAGE]
    return [*names, *(f"{ORACLE}::{name}" for name in ORACLE_TESTS)]


def main(argv: Sequence[str] | None = None) -> int:
    """Try every mutant of the package, or of the modules named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("modules", nargs="*", help="such as legalclock.terms; default: all")
    options = parser.parse_args(argv)
    for name in BEFOREHAND:
        importlib.import_module(name)
    if any(name.split(".")[0] == PACKAGE for name in sys.modules):
        raise RuntimeError(f"{PACKAGE} was imported before the forks: a mutant would not be used")
    texts, tests = read_package(ROOT / PACKAGE), suite()
    with tempfile.TemporaryDirectory() as folder:
        log, begun = Path(folder) / "tests.log", time.monotonic()
        if not survives(texts, tests, log):
            sys.exit(f"{log.read_text(errors='replace')}\nthe tests fail without a mutant")
        print(f"the tests pass without a mutant, in {time.monotonic() - begun:.1f} s")
        tried, survivors = 0, list[Mutant]()
        for module in options.modules or texts:
            found, alive = try_module(module, texts, tests, log)
            tried += found
            survivors += alive
    return judge(tried, survivors, whole=not options.modules)


def try_module(
    module: str, texts: Mapping[str, str], tests: Sequence[str], log: Path
) -> tuple[int, list[Mutant]]:
    """How many mutants a module has, and those that survive; each is printed when it does."""
    tried, alive = 0, list[Mutant]()
    for mutant in mutants_of(module, texts[module]):
        tried += 1
        if survives({**texts, module: mutant.text}, tests, log):
            alive.append(mutant)
            print(f"  {mutant.place}:{mutant.line}\n    - {mutant.before}\n    + {mutant.after}", flush=True)
    print(f"{module}: mutants {tried}, survived {len(alive)}", flush=True)
    return tried, alive


def judge(tried: int, survivors: Sequence[Mutant], *, whole: bool) -> int:
    """Compare the survivors with the page; of a part of the package, rows without a survivor say nothing."""
    accepted, found = justified(), {mutant.shown() for mutant in survivors}
    stale = accepted - found if whole else set[str]()
    for row in sorted(found - accepted):
        print(f"not justified: {row}")
    for row in sorted(stale):
        print(f"justifies nothing: {row}")
    known = sum(mutant.shown() in accepted for mutant in survivors)
    killed = tried - len(survivors)
    print(f"mutants {tried}, killed {killed}, survived {len(survivors)}, of them justified {known}")
    return 1 if found - accepted or stale else 0


if __name__ == "__main__":
    sys.exit(main())
