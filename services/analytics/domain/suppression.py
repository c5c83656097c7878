"""What the public may see: counts of at least ten, and nothing from which a smaller one follows.

The buckets add up to `received`, so hiding the small ones is not enough: their sum can be reckoned. When
that sum is below ten too, or only one bucket is hidden, the smallest shown one is hidden as well.
A rate is shown where what is missing to 100 % is at least ten; otherwise only its lower bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from services.analytics.domain.buckets import Bucket
from services.analytics.domain.figures import Counts, rates

THRESHOLD = 10
BELOW = f"<{THRESHOLD}"


@dataclass(frozen=True)
class PublicRate:
    """A rate for everyone: the share, or a bound it certainly reaches, or neither. 0 to 1."""

    name: str
    value: float | None
    at_least: float | None


@dataclass(frozen=True)
class PublicFigures:
    """Counts by name: a number, ``"<10"``, or None where the number would give a smaller one away."""

    counts: dict[str, int | str | None]
    rates: tuple[PublicRate, ...]


def publish(counts: Counts) -> PublicFigures:
    """`counts` as everyone may see them."""
    numbers = {bucket.value: getattr(counts, bucket.value) for bucket in Bucket}
    shown = {name for name, number in numbers.items() if number >= THRESHOLD}
    while shown and len(shown) < len(numbers) and not _hides_well(numbers, shown):
        shown.remove(min(sorted(shown), key=lambda name: numbers[name]))
    public: dict[str, int | str | None] = {
        name: number if name in shown else BELOW if number < THRESHOLD else None
        for name, number in numbers.items()
    }
    received = counts.received if counts.received >= THRESHOLD else BELOW
    return PublicFigures({"received": received, **public}, _public_rates(counts, shown))


def _hides_well(numbers: dict[str, int], shown: set[str]) -> bool:
    hidden = [number for name, number in numbers.items() if name not in shown]
    return len(hidden) > 1 and sum(hidden) >= THRESHOLD


def _public_rates(counts: Counts, shown: set[str]) -> tuple[PublicRate, ...]:
    known = {Bucket.EARLY.value, Bucket.ON_TIME.value} <= shown
    result = []
    for rate in rates(counts):
        value = bound = None
        if known and rate.denominator - rate.numerator >= THRESHOLD:
            value = _rounded(rate.numerator, rate.denominator)
        elif known:
            bound = _rounded(rate.numerator, rate.numerator + THRESHOLD - 1)
        result.append(PublicRate(rate.name, value, bound))
    return tuple(result)


def _rounded(numerator: int, denominator: int) -> float:
    """Down to tenths of a percent, so that no exact denominator can be reckoned from it."""
    return int(Fraction(numerator, denominator) * 1000) / 1000
