"""What was wanted beside what was found, for benches whose end is a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One wanted figure: what it is, what was measured, what it must reach."""

    what: str
    measured: str
    wanted: str
    met: bool


def verdict(checks: Sequence[Check]) -> int:
    """Print every check; the exit status: 1 when one is missed."""
    print(f"\n{'':58}{'measured':>18}{'wanted':>22}")
    for check in checks:
        print(f"{check.what:58}{check.measured:>18}{check.wanted:>22}  {'ok' if check.met else 'MISSED'}")
    return 0 if all(check.met for check in checks) else 1
