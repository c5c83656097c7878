"""The HTTP interface of analytics: who is let in, what bad input gets, how the interface tells it."""

from __future__ import annotations

import re
import threading
from collections import Counter
from pathlib import Path

import pytest

from contracts.words import Role
from services.analytics.errors import RetryLaterError, UnfilledError, WarehouseRejectedError
from services.analytics.web.access import RIGHTS, Right
from services.analytics.web.cached import Cached
from tests.fakes.analytics import FakeClock
from tests.fakes.analytics_desk import Desk, a_desk, assert_problem
from tests.waiting import wait_until


@pytest.fixture
def desk() -> Desk:
    return a_desk()


def test_a_dossier_not_seen_yet_says_when_to_ask_again(desk: Desk) -> None:
    answer = desk.get("/v1/dossiers/" + "f" * 32)
    assert_problem(answer, 404, "unknown_dossier")
    assert answer.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/figures?from=yesterday", "from"),
        ("/v1/figures?from=0001-01-01", "from"),
        ("/v1/figures?to=2200-01-01", "to"),
        ("/v1/figures?from=2020-02-02&to=2020-02-01", "to"),
        ("/v1/compliance?period=week", "period"),
        ("/v1/compliance?by=colour", "by"),
        ("/v1/compliance?by=step", "by"),
        ("/v1/compliance?by=agency,channel,agency", "by"),
        ("/v1/steps?by=step,step", "by"),
        ("/v1/steps?by=colour", "by"),
        ("/v1/steps?period=week", "period"),
        ("/v1/steps?from=2020-02-02&to=2020-02-01", "to"),
        ("/v1/ratings?by=step", "by"),
        ("/v1/ratings?score=5", "score"),
        ("/v1/dossiers/XYZ", "dossier_id"),
        ("/v1/dossiers", "code"),
        ("/v1/dossiers?code=%27;DROP", "code"),
        ("/v1/figures?form=2020-02-02", "form"),
        ("/v1/figures?from=2020-02-02&until=2020-02-03&a=1", "a"),
        ("/v1/public/figures?agency=H52.18", "agency"),
        ("/v1/compliance?By=agency", "By"),
        ("/v1/figures?from=2020-02-02&to=2020-02-03&from=2020-02-02", "from"),
        ("/v1/late?limit=5&agency=H52.18&agency=H52.19", "agency"),
        ("/v1/dossiers?code=H52.18-200201-0001&limit=5", "limit"),
        ("/v1/freshness?partition=1", "partition"),
        ("/v1/late?agency=%27;DROP", "agency"),
        ("/v1/late?step=sign", "step"),
        ("/v1/late?limit=501", "limit"),
        ("/v1/late?officer=x", "officer"),
        ("/v1/sample", "seed"),
        ("/v1/sample?seed=a%20b", "seed"),
        ("/v1/sample?seed=a&n=501", "n"),
        ("/v1/sample?seed=a&n=0", "n"),
        ("/v1/sample?seed=a&from=2020-02-02&to=2020-02-01", "to"),
        ("/v1/sample?seed=a&agency=x", "agency"),
        ("/v1/seals/H52.18-D1/register", "year"),
        ("/v1/seals/H52.18-D1/register?year=1989", "year"),
        ("/v1/seals/x/register?year=2020", "seal"),
    ],
)
def test_wrong_parameters_are_named(desk: Desk, path: str, field: str) -> None:
    problem = assert_problem(desk.get(path), 422, "bad_shape")
    assert (problem["field"], problem["rule"]) == (field, problem["detail"])
    assert problem["legal_ground"] == "Quy định kỹ thuật của hệ thống"


def test_a_dimension_given_twice_is_named(desk: Desk) -> None:
    for path, twice in (
        ("/v1/compliance?by=agency,channel,agency", "agency"),
        ("/v1/steps?by=step,step", "step"),
        ("/v1/ratings?by=channel,agency,channel", "channel"),
    ):
        assert f"{twice} được nêu hai lần" in assert_problem(desk.get(path), 422, "bad_shape")["detail"]


def test_every_unknown_parameter_is_named_but_to_nobody_without_a_key(desk: Desk) -> None:
    detail = assert_problem(desk.get("/v1/figures?x=1&form=2"), 422, "bad_shape")["detail"]
    assert "form, x" in detail
    assert "from, to" in detail
    assert_problem(desk.client.get("/v1/figures?x=1"), 401, "unauthorized")
    assert_problem(desk.post("/v1/reconcile?deep=1"), 422, "bad_shape")


def test_problems_speak_vietnamese(desk: Desk) -> None:
    answers = [
        desk.client.get("/v1/figures"),
        desk.get("/v1/figures", "carrier"),
        desk.get("/v1/figures?from=yesterday"),
        desk.get("/v1/figures?from=0001-01-01"),
        desk.get("/v1/figures?from=2020-02-02&to=2020-02-01"),
        desk.get("/v1/compliance?period=week"),
        desk.get("/v1/compliance?by=colour"),
        desk.get("/v1/compliance?by=agency,agency"),
        desk.get("/v1/dossiers/XYZ"),
        desk.get("/v1/dossiers"),
        desk.get("/v1/dossiers/" + "f" * 32),
        desk.get("/v1/nowhere"),
        desk.get("/v1/late", "counter"),
        desk.get("/v1/late?step=sign"),
        desk.get("/v1/sample?seed=a&n=501"),
        desk.get("/v1/sample?seed=%20"),
        desk.get("/v1/seals/H52.99-D1/register?year=2020"),
        desk.get("/v1/seals/H52.18-D1/register?year=1"),
        desk.get("/v1/seals/H52.18-D1/register?year=2020", "keeper"),
        desk.post("/v1/figures"),
    ]
    desk.tables.failure = RetryLaterError("the warehouse is not reachable")
    answers.append(desk.get("/v1/figures"))
    desk.tables.failure = WarehouseRejectedError("code 60")
    answers.append(desk.get("/v1/figures"))
    for answer in answers:
        detail = answer.json()["detail"]
        assert not detail.isascii(), detail
        assert detail.endswith("."), detail


def test_head_is_get_without_a_body(desk: Desk) -> None:
    headers = {"Authorization": "Bearer inspector"}
    for path in (
        "/",
        "/board.css",
        "/healthz",
        "/metrics",
        "/v1/figures",
        "/v1/public/figures",
        "/openapi.json",
    ):
        asked = desk.client.request("HEAD", path, headers)
        assert (asked.status_code, asked.content) == (200, b"")
        assert asked.headers["content-type"] == desk.client.get(path, headers).headers["content-type"]
        assert int(asked.headers["content-length"]) > 0
    assert desk.client.request("HEAD", "/v1/figures", {}).status_code == 401
    refused = desk.client.request("HEAD", "/v1/reconcile", headers)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    metrics = desk.client.get("/metrics").text
    assert 'method="HEAD",route="/v1/figures",status="200"' in metrics


def test_no_key_or_a_wrong_one_is_401_everywhere_but_at_the_public_door(desk: Desk) -> None:
    for path in (
        "/v1/figures",
        "/v1/compliance",
        "/v1/steps",
        "/v1/ratings",
        "/v1/dossiers/" + "a" * 32,
        "/v1/freshness",
    ):
        answer = desk.client.get(path)
        assert_problem(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert_problem(desk.get(path, "nonsense"), 401, "unauthorized")
    assert_problem(desk.client.post("/v1/reconcile"), 401, "unauthorized")
    basic = desk.client.get("/v1/figures", headers={"Authorization": "Basic aW5zcGVjdG9y"})
    assert_problem(basic, 401, "unauthorized")


PATHS = {
    Right.FIGURES: "/v1/figures",
    Right.DOSSIERS: "/v1/dossiers?code=H52.18-200201-0001",
    Right.FRESHNESS: "/v1/freshness",
    Right.LATE: "/v1/late",
    Right.SAMPLE: "/v1/sample?seed=a",
    Right.REGISTER: "/v1/seals/H52.18-D1/register?year=2020",
}


@pytest.mark.parametrize("role", Role)
def test_each_role_may_do_what_the_table_says(desk: Desk, role: Role) -> None:
    for right, path in PATHS.items():
        answer = desk.get(path, role.value)
        assert answer.status_code == (200 if right in RIGHTS[role] else 403)
    proof = desk.post("/v1/reconcile", role.value)
    assert proof.status_code == (200 if Right.RECONCILE in RIGHTS[role] else 403)
    for path in ("/v1/reconcile/repair", "/v1/rebuild"):
        assert desk.post(path, role.value).status_code == (200 if Right.REPAIR in RIGHTS[role] else 403)


def test_only_who_oversees_sees_what_is_late_and_samples(desk: Desk) -> None:
    overseers = {Role.LEADER, Role.INSPECTOR, Role.ADMIN}
    for right in (Right.LATE, Right.SAMPLE):
        assert {role for role in Role if right in RIGHTS[role]} == overseers
    assert {role for role in Role if Right.REGISTER in RIGHTS[role]} == overseers | {Role.SEAL_KEEPER}
    for path in (PATHS[Right.LATE], PATHS[Right.SAMPLE], PATHS[Right.REGISTER]):
        assert_problem(desk.client.get(path), 401, "unauthorized")


def test_roll_ups_that_are_not_filled_yet_are_no_zeros(desk: Desk) -> None:
    desk.tables.failure = UnfilledError("not filled yet")
    for path in ("/v1/figures", "/v1/compliance", "/v1/steps", "/v1/ratings"):
        answer = desk.get(path)
        assert_problem(answer, 503, "filling")
        assert answer.headers["Retry-After"] == "1"
    assert_problem(desk.client.get("/v1/public/figures"), 503, "filling")


def test_a_warehouse_that_is_away_is_a_503_and_the_age_goes_on(desk: Desk) -> None:
    desk.tables.failure = RetryLaterError("the warehouse is not reachable")
    answer = desk.get("/v1/figures")
    assert_problem(answer, 503, "warehouse_down")
    assert answer.headers["Retry-After"] == "1"
    assert_problem(desk.client.get("/v1/public/figures"), 503, "warehouse_down")
    desk.clock.at += 100
    assert desk.get("/v1/freshness").json()["age_seconds"] > 100
    desk.tables.failure = WarehouseRejectedError("code 60")
    assert_problem(desk.get("/v1/figures"), 500, "internal")


def test_metrics_are_labelled_by_template_and_never_by_path(desk: Desk) -> None:
    desk.get("/v1/dossiers/" + "f" * 32)
    assert_problem(desk.get("/v1/nowhere"), 404, "not_found")
    assert_problem(desk.post("/v1/figures"), 405, "method_not_allowed")
    text = desk.client.get("/metrics").text
    assert 'route="/v1/dossiers/{dossier_id}"' in text
    assert "ffff" not in text
    assert "nowhere" not in text


def test_the_interface_describes_itself(desk: Desk) -> None:
    paths = desk.client.get("/openapi.json").json()["paths"]
    assert {"/v1/figures", "/v1/compliance", "/v1/freshness", "/v1/reconcile"} <= set(paths)
    assert {"/v1/late", "/v1/sample", "/v1/seals/{seal}/register"} <= set(paths)
    assert desk.client.get("/docs").status_code == 404


def test_the_page_of_the_api_names_every_question(desk: Desk) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    told = {
        (method, path, frozenset(re.findall(r"(\w+)=", asked)))
        for method, path, asked in re.findall(
            r"^\| `(GET|POST) (/v1/[^`?]+)\??([^`]*)` \|", page, re.MULTILINE
        )
    }
    document = desk.client.get("/openapi.json").json()["paths"]
    assert told == {
        (
            method.upper(),
            path,
            frozenset(one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"),
        )
        for path, operations in document.items()
        for method, operation in operations.items()
    }


def test_the_interface_tells_the_key_and_every_refusal(desk: Desk) -> None:
    document = desk.client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
    assert set(document["components"]["schemas"]) == {"Document"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            answers = operation["responses"]
            for status, answer in answers.items():
                if status != "200":
                    assert list(answer["content"]) == ["application/problem+json"]
                    examples = answer["content"]["application/problem+json"]["examples"].values()
                    assert {one["value"]["status"] for one in examples} == {int(status)}
            wanted = {"200", "422", "500", "503"}
            if path == "/v1/public/figures":
                assert operation["security"] == []
            else:
                assert operation["security"] == [{"key": []}]
                wanted |= {"401", "403"}
            one = ("/v1/dossiers/{dossier_id}", "/v1/seals/{seal}/register")
            wanted |= {"404"} if path in one else set()
            proofs = ("/v1/reconcile", "/v1/reconcile/repair", "/v1/rebuild")
            wanted |= {"409"} if path in proofs else set()
            assert set(answers) == wanted
    unknown = document["paths"]["/v1/dossiers/{dossier_id}"]["get"]["responses"]["404"]
    assert list(unknown["headers"]) == ["Retry-After"]


def test_a_rebuild_from_other_raw_rows_than_were_inserted_points_to_the_repair(desk: Desk) -> None:
    said = Counter(row.log_partition for row in desk.tables.facts)
    desk.reconciler._hold.said = lambda: said
    dossiers, facts = dict(desk.tables.dossiers), list(desk.tables.facts)
    desk.tables.facts = [row for row in facts if row.log_partition != 4]
    answer = assert_problem(desk.post("/v1/rebuild", "admin"), 409, "rows_differ")
    assert "motcua reconcile --repair" in answer["detail"]
    assert desk.tables.dossiers == dossiers, "nothing was put in place"
    desk.tables.facts = [*facts, next(row for row in facts if row.log_partition == 4)]
    assert_problem(desk.post("/v1/rebuild", "admin"), 409, "rows_differ")
    assert desk.post("/v1/reconcile/repair", "admin").json()["repaired"] > 0
    assert desk.post("/v1/rebuild", "admin").json()["complete"]
    answers = desk.client.get("/openapi.json").json()["paths"]["/v1/rebuild"]["post"]["responses"]
    assert "rows_differ" in answers["409"]["content"]["application/problem+json"]["examples"]


def test_boards_that_wait_together_are_turned_away_together() -> None:
    clock, asked, inside, release = FakeClock(), [], threading.Event(), threading.Event()

    def ask() -> int:
        asked.append(threading.get_ident())
        inside.set()
        assert release.wait(30)
        raise RetryLaterError("away")

    kept: Cached[int] = Cached(ask, 1.0, clock)
    answers: list[str] = []

    def board() -> None:
        try:
            kept.get()
        except RetryLaterError as error:
            answers.append(str(error))

    boards = [threading.Thread(target=board) for _ in range(5)]
    boards[0].start()
    assert inside.wait(30)
    for one in boards[1:]:
        one.start()
    wait_until(lambda: clock.looks >= len(boards) + 1, 30, "all boards to wait")
    release.set()
    for one in boards:
        one.join(30)
    assert answers == ["away"] * len(boards)
    assert len(asked) == 1
    release.set()
    with pytest.raises(RetryLaterError):
        kept.get()
    assert len(asked) == 2, "a failure is not kept for those who come later"
