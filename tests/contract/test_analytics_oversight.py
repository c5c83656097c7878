"""What leaders, inspectors and seal keepers ask: late lists, random samples, registers of seals."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.topics import DOSSIER_PARTITIONS
from services.analytics.domain.rows import micros, to_number_row
from tests.fakes.analytics_desk import Desk, a_desk, assert_problem
from tests.fakes.analytics_facts import number
from tests.fakes.analytics_lives import DUE, SEAL, STEP_DUE

NOW = DUE + timedelta(days=3)
REGISTER = f"/v1/seals/{SEAL}/register?year=2020"


@pytest.fixture
def desk() -> Desk:
    """The log's clock stands three days after every due date."""
    one = a_desk(calendar=True)
    one.tables.clocks = dict.fromkeys(range(DOSSIER_PARTITIONS), micros(NOW))
    return one


def late(desk: Desk, query: str = "", key: str = "leader") -> Any:
    return desk.get(f"/v1/late{query}", key).json()


def test_what_is_late_is_told_with_whose_step_it_is_and_by_how_much(desk: Desk) -> None:
    answer = late(desk)
    assert answer["reckoned_to"] == "2020-02-17T10:00:00Z"
    by_dossier = {one["dossier_id"]: one for one in answer["late"]}
    states = desk.tables.dossiers
    wanted = {
        row.dossier_id
        for row in states.values()
        if (row.bucket == "late" and row.status not in (9, 10))
        or (row.in_hand and row.step_clock == "passed")
    }
    assert set(by_dossier) == wanted
    assert answer["total"] == len(wanted)
    overdue = next(one for one in answer["late"] if one["late"] and one["at"]["late"])
    assert overdue["late"]["seconds"] == 3 * 86_400
    # From Friday 14 February, 17:00 local, the end of work, to Monday 17 February, 17:00: one working day of
    # four hours and three and a half.
    assert overdue["late"]["working_minutes"] == 450
    at = overdue["at"]
    assert (at["agency"], at["officer"], at["step"]) == ("H52.21", "e" * 32, "appraise")
    assert at["late"]["seconds"] == round((NOW - STEP_DUE).total_seconds())
    assert datetime.fromisoformat(at["since"]) < NOW
    assert overdue["due_original"] == "2020-02-14T10:00:00Z"
    only_step = next(one for one in answer["late"] if one["at"]["late"] and not one["late"])
    assert only_step["at"]["due"] == "2020-02-05T10:00:00Z"


def test_the_longest_late_comes_first_and_counts_are_of_all(desk: Desk) -> None:
    every = late(desk)
    first = late(desk, "?limit=1")
    assert first["late"] == every["late"][:1]
    assert (first["total"], first["counts"]) == (every["total"], every["counts"])
    starts = [
        min(due for due, by in ((one["due"], one["late"]), (one["at"]["due"], one["at"]["late"])) if by)
        for one in every["late"]
    ]
    assert starts == sorted(starts)


def test_counts_are_by_who_has_it_in_hand_and_step(desk: Desk) -> None:
    answer = late(desk)
    for count in answer["counts"]:
        ours = [
            one
            for one in answer["late"]
            if (one["at"]["agency"], one["at"]["step"]) == (count["agency"], count["step"])
        ]
        assert count["dossiers"] == sum(one["late"] is not None for one in ours)
        assert count["steps"] == sum(one["at"]["late"] is not None for one in ours)
        assert late(desk, f"?agency={count['agency']}&step={count['step']}")["late"] == ours
    nobody = late(desk, "?agency=H52.99")
    assert (nobody["total"], nobody["late"], nobody["counts"]) == (0, [], [])


def test_a_head_sees_what_is_in_hand_at_their_agency(desk: Desk) -> None:
    own = late(desk, key="head")
    assert own["total"] > 0
    assert {one["at"]["agency"] for one in own["late"]} == {"H52.21"}
    assert {one["agency"] for one in own["late"]} - {"H52.21"}, "handed in elsewhere"


def test_what_is_late_elsewhere_is_no_business_of_a_key(desk: Desk) -> None:
    answer = desk.get("/v1/late?agency=H52.19", "head")
    assert (answer.status_code, answer.json()["reason"]) == (403, "other_agency")
    assert answer.json()["field"] == "agency"
    assert late(desk, "?agency=H52.21", "head")["total"] == late(desk, key="head")["total"] > 0
    sampled = desk.get("/v1/sample?seed=a&agency=H52.19", "scoped-inspector")
    assert (sampled.status_code, sampled.json()["reason"]) == (403, "other_agency")
    assert desk.get("/v1/sample?seed=a&agency=H52.18", "scoped-inspector").status_code == 200


def test_without_a_calendar_only_the_wall_clock_is_told() -> None:
    one = a_desk()
    one.tables.clocks = {}
    answer = late(one)
    assert answer["late"]
    for row in answer["late"]:
        for by in (row["late"], row["at"]["late"]):
            assert by is None or (by["working_minutes"] is None and by["seconds"] > 0)
    assert answer["reckoned_to"] > "2020-02-17"


def drawn(desk: Desk, query: str) -> list[str]:
    return [one["dossier_id"] for one in desk.get(f"/v1/sample?{query}").json()["dossiers"]]


def test_the_same_seed_draws_the_same_sample_and_anybody_can_check_it(desk: Desk) -> None:
    answer = desk.get("/v1/sample?seed=thanh-tra-17&n=9").json()
    assert (answer["population"], answer["seed"]) == (60, "thanh-tra-17")
    ids = [one["dossier_id"] for one in answer["dossiers"]]
    ordered = sorted(
        desk.tables.dossiers, key=lambda key: hashlib.sha256(f"thanh-tra-17:{key}".encode()).digest()
    )
    assert ids == ordered[:9] == drawn(desk, "seed=thanh-tra-17&n=9")
    assert ids == drawn(desk, "seed=thanh-tra-17&n=20")[:9]
    assert ids != drawn(desk, "seed=thanh-tra-18&n=9")
    assert len(drawn(desk, "seed=a&n=500")) == 60


def test_a_sample_is_of_a_period_and_an_agency(desk: Desk) -> None:
    own = desk.get("/v1/sample?seed=a&n=500&agency=H52.19").json()
    assert {one["agency"] for one in own["dossiers"]} == {"H52.19"}
    assert own["population"] == len(own["dossiers"]) > 0
    empty = desk.get("/v1/sample?seed=a&from=2021-01-01").json()
    assert (empty["population"], empty["dossiers"]) == (0, [])


def test_every_sample_is_counted(desk: Desk) -> None:
    for key in ("inspector", "inspector", "leader"):
        desk.get("/v1/sample?seed=a", key)
    desk.get("/v1/sample?seed=a", "counter")
    metrics = desk.client.get("/metrics").text
    assert 'motcua_analytics_samples_total{role="inspector"} 2.0' in metrics
    assert 'motcua_analytics_samples_total{role="leader"} 1.0' in metrics
    assert 'role="counter"' not in metrics


def test_a_register_has_every_stamp_of_the_year_by_its_number(desk: Desk) -> None:
    answer = desk.get(REGISTER, "seal_keeper").json()
    stamps = answer["stamps"]
    assert [one["number"] for one in stamps] == list(range(1, len(stamps) + 1))
    assert (answer["complete"], answer["agency"], answer["year"]) == (True, "H52.18", 2020)
    assert {one["dossier_code"] for one in stamps} == {"H52.18-200201-0001"}
    void = [one for one in stamps if one["revoked"]]
    assert void
    assert all(one["revoked_at"] > one["at"] for one in void)
    local = datetime.fromisoformat(stamps[0]["at"]) + timedelta(hours=7)
    assert stamps[0]["date"] == local.date().isoformat()
    one = desk.get(f"/v1/dossiers/{stamps[0]['dossier_id']}").json()
    assert stamps[0]["number"] in [stamp["number"] for stamp in one["stamps"]]
    assert desk.get(f"/v1/seals/{SEAL}/register?year=2021").json()["stamps"] == []


def test_a_register_with_a_gap_says_so(desk: Desk) -> None:
    drawn = [fact for fact in desk.tables.facts if fact.type == "NumberDrawn"]
    desk.tables.facts.remove(drawn[2])
    answer = desk.get(REGISTER).json()
    assert answer["complete"] is False
    assert answer["stamps"][-1]["number"] is None, "a stamp whose number has not come stands last"


def test_a_number_whose_stamp_is_not_here_has_no_time_yet(desk: Desk) -> None:
    late_one = number(99, dossier=999, year=2020)
    desk.tables.facts.append(to_number_row(late_one, 0, 10**6))
    answer = desk.get(REGISTER).json()
    last = answer["stamps"][-1]
    assert (last["number"], last["at"], last["dossier_code"], last["date"]) == (99, None, None, "2020-02-01")
    assert answer["complete"] is False


def test_a_register_is_its_own_agencys(desk: Desk) -> None:
    assert_problem(desk.get(REGISTER, "keeper"), 403, "other_agency")
    assert_problem(desk.get("/v1/seals/H52.99-D1/register?year=2020"), 404, "unknown_seal")
