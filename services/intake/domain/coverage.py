"""How far the catalogue is covered: procedures made public, done on site, offered online. Counts and shares.

A share's name says its denominator: reports print several, and they differ. Uông Bí (2020) had 278 of 278
procedures at its centre done on site, and of 283 announced; Thái Bình (2019) printed 466 online beside 1 598
that were not, and 29.16 %, the ratio of the two.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from msgspec import Struct

from contracts.law import ProcedurePublished
from contracts.words import Channel, OnlineLevel, Place, Step


class Online(Struct, frozen=True, kw_only=True):
    """How many procedures are offered online; `any` is in part or from end to end.

    `unknown` are taken in by the channel online while nobody said how far; `none` are not.
    `any_of_procedures` is its share of all, `any_to_none` its ratio to those that are not: None where there
    is nothing to divide by.
    """

    none: int
    unknown: int
    partial: int
    full: int
    any: int
    any_of_procedures: float | None
    any_to_none: float | None


class CoverageCounts(Struct, frozen=True, kw_only=True):
    """Coverage of some procedures. `posted`: made public by the day asked for. Shares are 0 to 1, or None.

    `on_site` are registered for five steps at the centre; `at_centre` are all that are received there, which
    they are where their plan of steps names no other place.
    """

    procedures: int
    posted: int
    posted_of_procedures: float | None
    at_centre: int
    on_site: int
    on_site_of_procedures: float | None
    on_site_of_at_centre: float | None
    online: Online


class Coverage(Struct, frozen=True, kw_only=True):
    """Everything, and by level: a procedure of several levels counts in each of them, and once in `total`."""

    total: CoverageCounts
    levels: dict[str, CoverageCounts]


def coverage(procedures: Iterable[ProcedurePublished], day: date) -> Coverage:
    """The coverage of `procedures` as of the local `day`."""
    everything = list(procedures)
    levels: dict[str, list[ProcedurePublished]] = defaultdict(list)
    for procedure in everything:
        for level in sorted(set(procedure.level.split("|"))):
            levels[level].append(procedure)
    return Coverage(
        total=_counts(everything, day),
        levels={level: _counts(levels[level], day) for level in sorted(levels)},
    )


def _counts(procedures: list[ProcedurePublished], day: date) -> CoverageCounts:
    all_of = len(procedures)
    posted = sum(p.posted_on is not None and p.posted_on <= day for p in procedures)
    at_centre = sum(_received_at(p) is Place.CENTRE for p in procedures)
    on_site = sum(p.on_site for p in procedures)
    none, partial, full = (sum(p.online is level for p in procedures) for level in OnlineLevel)
    unknown = sum(p.online is OnlineLevel.NONE and Channel.ONLINE in p.channels for p in procedures)
    none -= unknown
    return CoverageCounts(
        procedures=all_of,
        posted=posted,
        posted_of_procedures=_ratio(posted, all_of),
        at_centre=at_centre,
        on_site=on_site,
        on_site_of_procedures=_ratio(on_site, all_of),
        on_site_of_at_centre=_ratio(on_site, at_centre),
        online=Online(
            none=none,
            unknown=unknown,
            partial=partial,
            full=full,
            any=partial + full,
            any_of_procedures=_ratio(partial + full, all_of),
            any_to_none=_ratio(partial + full, none),
        ),
    )


def _received_at(procedure: ProcedurePublished) -> Place:
    """Where a procedure is received: as its plan says, else at the centre."""
    places = {plan.step: plan.place for plan in procedure.steps}
    return places.get(Step.RECEIVE, Place.CENTRE)


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None
