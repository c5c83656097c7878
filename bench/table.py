"""What was wanted beside what was found, for benches whose end is a verdict."""

from __future__ import annotations

import math
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


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent do not exceed. Raises ValueError without values."""
    if not values or not 0 < share <= 100:
        raise ValueError("a percentile needs values and a share above 0, at most 100")
    return sorted(values)[math.ceil(len(values) * share / 100) - 1]
