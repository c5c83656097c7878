"""What the public may see: counts of at least ten, and nothing from which a smaller one follows.

The buckets add up to `received`, so hiding the small ones is not enough: their sum can be reckoned. When
that sum is below ten too, or only one bucket is hidden, the smallest shown one is hidden as well.
Rates are reckoned from the public counts alone, so they can tell nothing that those do not: a rate whose
denominator is not public is replaced by a bound it certainly reaches.
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
    public["received"] = counts.received if counts.received >= THRESHOLD else BELOW
    return PublicFigures(public, _public_rates(public))


def _hides_well(numbers: dict[str, int], shown: set[str]) -> bool:
    hidden = [number for name, number in numbers.items() if name not in shown]
    return len(hidden) > 1 and sum(hidden) >= THRESHOLD


def _public_rates(public: dict[str, int | str | None]) -> tuple[PublicRate, ...]:
    def known(name: str) -> int | None:
        number = public[name]
        return number if isinstance(number, int) else None

    received, early, on_time = known("received"), known("early"), known("on_time")
    if received is None or early is None or on_time is None:
        return tuple(PublicRate(rate.name, None, None) for rate in rates(Counts()))
    in_time, not_due, late = early + on_time, known("not_due"), known("late")
    # At most this many were solved: all received, or the in time and nine late ones.
    solved_at_most = in_time + THRESHOLD - 1 if public["late"] == BELOW else received
    return (
        PublicRate("on_time_of_received", _rounded(in_time, received), None),
        PublicRate("on_time_of_decided", None, _rounded(in_time, received))
        if not_due is None
        else PublicRate("on_time_of_decided", _rounded(in_time, received - not_due), None),
        PublicRate("on_time_of_solved", None, _rounded(in_time, solved_at_most))
        if late is None
        else PublicRate("on_time_of_solved", _rounded(in_time, in_time + late), None),
    )


def _rounded(numerator: int, denominator: int) -> float:
    """Down to tenths of a percent."""
    return int(Fraction(numerator, denominator) * 1000) / 1000
