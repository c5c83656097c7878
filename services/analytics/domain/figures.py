"""Counts and rates of compliance. A rate's name says its denominator: three are in use, and they differ.

With the published figures of a district (100 244 received, 99 788 early or on time, 318 not yet due, 138
refused or waiting) the three give 99.545 %, 99.862 % and 100 %.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction

from services.analytics.domain.buckets import Bucket


@dataclass(frozen=True)
class Counts:
    """Dossiers by bucket. `supplement_requested` (national status 5) is counted inside another bucket."""

    early: int = 0
    on_time: int = 0
    late: int = 0
    not_due: int = 0
    paused: int = 0
    refused: int = 0
    withdrawn: int = 0
    supplement_requested: int = 0

    @property
    def received(self) -> int:
        """Every dossier, whatever became of it: the sum of the buckets."""
        return sum(getattr(self, bucket.value) for bucket in Bucket)

    @property
    def in_time(self) -> int:
        """Finished before or at the due date."""
        return self.early + self.on_time

    def as_dict(self) -> dict[str, int]:
        """The counts under their public names."""
        return {"received": self.received, **asdict(self)}


@dataclass(frozen=True)
class Rate:
    """A named share. `value` is None, not zero, when there is nothing to divide by."""

    name: str
    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """The share, 0 to 1."""
        return float(Fraction(self.numerator, self.denominator)) if self.denominator else None


def count(buckets: Mapping[str, int], supplement_requested: int) -> Counts:
    """Counts from the number of dossiers in each bucket. Raises ValueError for a bucket nobody knows."""
    return Counts(
        **{Bucket(name).value: number for name, number in buckets.items()},
        supplement_requested=supplement_requested,
    )


def rates(counts: Counts) -> tuple[Rate, Rate, Rate]:
    """On time of the received, of the decided (all but not yet due), of the solved (finished or late)."""
    return (
        Rate("on_time_of_received", counts.in_time, counts.received),
        Rate("on_time_of_decided", counts.in_time, counts.received - counts.not_due),
        Rate("on_time_of_solved", counts.in_time, counts.in_time + counts.late),
    )
