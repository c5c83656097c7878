"""Counts and rates of compliance. A rate's name says its denominator: three are in use, and they differ.

With the published figures of a district (100 244 received, 99 788 early or on time, 318 not yet due, 138
refused or waiting) the three give 99.545 %, 99.862 % and 100 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, NamedTuple

from services.analytics.domain.buckets import Bucket


class Subsets(NamedTuple):
    """Dossiers that are counted in a bucket too.

    `supplement_requested` has national status 5. `declined` are finished ones the agency refused to solve,
    `late_by_original` finished ones that came after the day the receipt promised, whatever an apology
    promised later. `five_steps` have had all five steps done, `five_on_site` all of them at the centre.
    """

    supplement_requested: int = 0
    declined: int = 0
    late_by_original: int = 0
    five_steps: int = 0
    five_on_site: int = 0


_NONE: Final = Subsets()


@dataclass(frozen=True)
class Counts:
    """Dossiers by bucket, and `subsets` of them."""

    early: int = 0
    on_time: int = 0
    late: int = 0
    not_due: int = 0
    paused: int = 0
    refused: int = 0
    withdrawn: int = 0
    stopped: int = 0
    subsets: Subsets = _NONE

    @property
    def received(self) -> int:
        """Every dossier, whatever became of it: the sum of the buckets."""
        return sum(getattr(self, bucket.value) for bucket in Bucket)

    @property
    def in_time(self) -> int:
        """Finished before or at the due date."""
        return self.early + self.on_time

    def as_dict(self) -> dict[str, int]:
        """The counts under their public names, those of the share of five steps at the centre apart."""
        own = {bucket.value: getattr(self, bucket.value) for bucket in Bucket}
        parts = self.subsets
        return {
            "received": self.received,
            **own,
            "supplement_requested": parts.supplement_requested,
            "declined": parts.declined,
            "late_by_original": parts.late_by_original,
        }


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


def count(buckets: Mapping[str, int], subsets: Iterable[Subsets] = ()) -> Counts:
    """Counts from the number of dossiers in each bucket, `subsets` of each added up.

    Raises ValueError for a bucket nobody knows.
    """
    own = {Bucket(name).value: number for name, number in buckets.items()}
    added = (sum(column) for column in zip(*subsets, strict=True))
    return Counts(**own, subsets=Subsets(*added))


def rates(counts: Counts) -> tuple[Rate, Rate, Rate]:
    """On time of the received, of the decided (all but not yet due), of the solved (finished or late)."""
    return (
        Rate("on_time_of_received", counts.in_time, counts.received),
        Rate("on_time_of_decided", counts.in_time, counts.received - counts.not_due),
        Rate("on_time_of_solved", counts.in_time, counts.in_time + counts.late),
    )


def five_on_site(counts: Counts) -> Rate:
    """The share of dossiers whose five steps were all done at the centre, of those that have had all five."""
    return Rate("five_on_site", counts.subsets.five_on_site, counts.subsets.five_steps)
