"""Coverage of the catalogue, against the figures provinces printed."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pytest
from msgspec.structs import replace

from contracts.law import ProcedurePublished, StepPlan
from contracts.words import Channel, OnlineLevel, Place, Role, Step
from services.intake.domain.coverage import CoverageCounts, coverage
from tests.fakes.intake_desk import procedure

DAY: Final = date(2020, 6, 30)
ROLES: Final = (Role.COUNTER, Role.OFFICER, Role.APPROVER, Role.SEAL_KEEPER, Role.COUNTER)


def some(count: int, start: int = 0, **members: Any) -> list[ProcedurePublished]:
    base = replace(procedure(), posted_on=date(2020, 5, 25))
    return [replace(base, code=f"2.{n:06d}", **members) for n in range(start, start + count)]


def elsewhere() -> tuple[StepPlan, ...]:
    """Every step at the agency's own office."""
    return tuple(StepPlan(step=step, role=role) for step, role in zip(Step, ROLES, strict=True))


def test_quang_ninh_2022() -> None:
    total = coverage(some(1_803), DAY).total
    assert (total.procedures, total.posted, total.posted_of_procedures) == (1_803, 1_803, 1.0)


def test_uong_bi_2020() -> None:
    announced = some(278, on_site=True) + some(5, 278, steps=elsewhere())
    total = coverage(announced, DAY).total
    assert (total.procedures, total.at_centre, total.on_site) == (283, 278, 278)
    assert total.on_site_of_at_centre == 1.0
    assert total.on_site_of_procedures == pytest.approx(0.982, abs=0.0005)
    assert total.posted_of_procedures == 1.0


def test_thai_binh_2019() -> None:
    online = (
        some(1_598, channels=(Channel.COUNTER,))
        + some(398, 2_000, online=OnlineLevel.PARTIAL)
        + some(68, 3_000, online=OnlineLevel.FULL)
    )
    found = coverage(online, DAY).total.online
    assert (found.none, found.partial, found.full, found.any) == (1_598, 398, 68, 466)
    assert found.unknown == 0
    assert found.any_to_none == pytest.approx(0.2916, abs=0.00005)
    assert found.any_of_procedures == pytest.approx(466 / 2_064)


def test_what_is_taken_in_online_at_a_level_nobody_said_is_unknown() -> None:
    unsaid = some(3, channels=(Channel.COUNTER, Channel.ONLINE))
    offline = some(2, 100, channels=(Channel.COUNTER, Channel.POSTAL))
    found = coverage(unsaid + offline + some(1, 200, online=OnlineLevel.FULL), DAY).total.online
    assert (found.unknown, found.none, found.any) == (3, 2, 1)
    assert found.any_to_none == 0.5
    assert found.any_of_procedures == pytest.approx(1 / 6)


def test_what_is_not_public_yet_is_not_posted() -> None:
    procedures = [
        *some(1, posted_on=DAY),
        *some(1, 1, posted_on=date(2020, 7, 1)),
        *some(1, 2, posted_on=None),
    ]
    total = coverage(procedures, DAY).total
    assert total.posted == 1
    assert total.posted_of_procedures == pytest.approx(1 / 3)


def test_a_procedure_of_two_levels_counts_in_both_and_once_in_all() -> None:
    procedures = [
        *some(2, level="commune"),
        *some(3, 10, level="province|commune", online=OnlineLevel.FULL),
        *some(1, 20, level="ministry|ministry"),
    ]
    found = coverage(procedures, DAY)
    assert found.total.procedures == 6
    assert {level: counts.procedures for level, counts in found.levels.items()} == {
        "commune": 5,
        "ministry": 1,
        "province": 3,
    }
    assert found.levels["province"].online.any_to_none is None
    assert found.levels["commune"].online.unknown == 2


def test_the_plan_says_where_it_is_received() -> None:
    at_centre = tuple(replace(plan, place=Place.CENTRE) for plan in elsewhere())
    total = coverage([*some(1, steps=at_centre, on_site=True), *some(1, 1, steps=elsewhere())], DAY).total
    assert (total.at_centre, total.on_site_of_at_centre, total.on_site_of_procedures) == (1, 1.0, 0.5)


def test_of_nothing_there_are_no_shares() -> None:
    found = coverage([], DAY)
    assert found.levels == {}
    empty: CoverageCounts = found.total
    assert (empty.procedures, empty.posted_of_procedures, empty.on_site_of_procedures) == (0, None, None)
    assert (empty.on_site_of_at_centre, empty.online.any_of_procedures) == (None, None)
