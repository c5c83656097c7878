"""The size budget: no module and no function grows beyond what is read in one go."""

from __future__ import annotations

from statistics import median
from typing import Final

from tests.architecture.sources import PACKAGES, functions, lines, modules, shown

MODULE_LINES: Final = 400
FUNCTION_LINES: Final = 60
MEDIAN_LINES: Final = 120


def test_no_module_is_longer_than_the_budget() -> None:
    long = {shown(path): lines(path) for path in modules() if lines(path) > MODULE_LINES}
    assert not long, f"split what is longer than {MODULE_LINES} lines"


def test_the_typical_module_is_short() -> None:
    sizes = [lines(path) for path in modules(*PACKAGES) if lines(path)]
    assert median(sizes) <= MEDIAN_LINES


def test_no_function_is_longer_than_the_budget() -> None:
    long: dict[str, int] = {}
    for path in modules():
        for function in functions(path):
            length = (function.end_lineno or function.lineno) - function.lineno + 1
            if length > FUNCTION_LINES:
                long[f"{shown(path)}:{function.name}"] = length
    assert not long, f"split what is longer than {FUNCTION_LINES} lines"
