"""Chance that gives the same results on every machine and Python version.

Built on ``Random.random()`` alone, the one method whose sequence the standard library promises to keep.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import Final


class Dice:
    """A stream of chances named by text; the same name always rolls the same."""

    def __init__(self, name: str) -> None:
        self._unit: Final = random.Random(name).random

    def chance(self, share: float) -> bool:
        """True in `share` of the cases (0 never, 1 always)."""
        return self._unit() < share

    def below(self, count: int) -> int:
        """A whole number from 0 to `count` - 1."""
        return int(self._unit() * count)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both possible."""
        return low + self.below(high - low + 1)

    def late_between(self, low: int, high: int) -> int:
        """As `between`, but rather near `high`: the later of two rolls."""
        return max(self.between(low, high), self.between(low, high))

    def pick(self, weights: Weights) -> int:
        """A place in `weights`, each as likely as its weight."""
        return weights.place(self._unit())


class Weights:
    """Weights to draw from many times. At least one must be positive, none negative."""

    def __init__(self, weights: Iterable[float]) -> None:
        self._sums: Final = list(accumulate(weights))
        if not self._sums or self._sums[-1] <= 0:
            raise ValueError("nothing to draw from: every weight is zero")

    def place(self, unit: float) -> int:
        """The place that `unit` (0 <= unit < 1) falls on; never one of weight zero."""
        return bisect_right(self._sums, unit * self._sums[-1], hi=len(self._sums) - 1)
