"""The walk of the tour: who asks for what with whose key, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from contracts.outcomes import ActionName
from contracts.roles import may
from contracts.transitions import TRANSITIONS
from contracts.words import NationalStatus, Role
from motcua.catalogue import sample_procedures, sample_seals
from motcua.client import Client
from motcua.failure import Failure
from motcua.touring.plan import AGENCY, APPROVER, PROCEDURE, SEAL, WALK
from motcua.touring.walk import AstrayError, Row, Walk, clients_of
from tests.fakes.door import FakeTime
from tests.fakes.tour import DOSSIER, DUE, FakeOffice, accepted, bodies


def walk_on(office: FakeOffice, patience: float = 60.0) -> Walk:
    time = FakeTime()
    return Walk(office.client, run="run", patience=patience, now=time, sleep=time.sleep)


# The plan


def test_the_plan_is_one_the_table_of_transitions_and_of_roles_allows() -> None:
    before: NationalStatus | None = None
    for visit in WALK:
        assert may(visit.role, visit.action), visit
        if visit.refusal is None:
            row = TRANSITIONS[visit.action]
            assert before in row.before if row.before else before is None
            assert visit.status is (row.after or before)
        else:
            assert visit.status is before
        before = visit.status


def test_the_plan_shows_what_a_newcomer_is_to_see() -> None:
    assert [(visit.action, visit.refusal) for visit in WALK] == [
        (ActionName.REGISTER, None),
        (ActionName.ACCEPT, None),
        (ActionName.APPRAISE, None),
        (ActionName.STAMP, "step_out_of_order"),
        (ActionName.REQUEST_SUPPLEMENT, None),
        (ActionName.RECEIVE_SUPPLEMENT, None),
        (ActionName.APPROVE, None),
        (ActionName.STAMP, "same_person"),
        (ActionName.STAMP, None),
        (ActionName.RETURN, None),
        (ActionName.RATE, None),
    ]
    by_approver = [visit for visit in WALK if visit.actor == APPROVER]
    assert [(visit.action, visit.role) for visit in by_approver] == [
        (ActionName.APPROVE, Role.APPROVER),
        (ActionName.STAMP, Role.SEAL_KEEPER),
    ]


def test_the_plan_is_walked_under_the_sample_law() -> None:
    (procedure,) = (one for one in sample_procedures() if one.code == PROCEDURE)
    assert procedure.on_site
    assert WALK[0].body["channel"] in procedure.channels
    (seal,) = (one for one in sample_seals() if one.code == SEAL)
    assert seal.agency == AGENCY


# Walking


def test_each_visit_has_its_key_its_actor_and_a_key_of_its_own() -> None:
    office = FakeOffice()
    answers = list(walk_on(office).answers())
    assert [answer.visit for answer in answers] == list(WALK)
    assert [request.url.path for request in office.asked] == [
        "/v1/dossiers",
        *(f"/v1/dossiers/{DOSSIER}/{visit.action}" for visit in WALK[1:]),
    ]
    for place, (request, visit) in enumerate(zip(office.asked, WALK, strict=True)):
        assert request.headers["Authorization"] == f"Bearer {visit.role}"
        assert request.headers["Motcua-Actor"] == visit.actor
        assert request.headers["Idempotency-Key"] == f"run-{place}-{visit.action}"
    assert bodies(office.asked) == [dict(visit.body) for visit in WALK]


def test_two_runs_have_no_key_in_common() -> None:
    keys = []
    for _ in range(2):
        office = FakeOffice()
        list(Walk(office.client).answers())
        keys.append(set(office.decided))
    assert not keys[0] & keys[1]


def test_a_refusal_leaves_status_and_due_date_as_they_were() -> None:
    rows = [answer.row for answer in walk_on(FakeOffice()).answers()]
    assert rows[0] == Row(
        action=ActionName.REGISTER,
        actor="citizen-1",
        http_status=201,
        accepted=True,
        reason=None,
        rule=None,
        national_status=1,
        due=None,
    )
    assert rows[3] == Row(
        action=ActionName.STAMP,
        actor="keeper-1",
        http_status=409,
        accepted=False,
        reason="step_out_of_order",
        rule="Luật",
        national_status=4,
        due=DUE,
    )


@pytest.mark.parametrize(
    ("place", "answer", "words"),
    [
        (0, httpx.Response(422, json={"reason": "unknown_procedure"}), "it was: unknown_procedure, national"),
        (1, accepted(4, 2), "it was: accepted, national status 4"),
        (3, accepted(9, 4), "should be: step_out_of_order, national status 4; it was: accepted"),
        (7, httpx.Response(409, json={"reason": "no_valid_seal"}), "should be: same_person"),
        (8, httpx.Response(409, json={"reason": "same_person"}), "should be: accepted, national status 9"),
        (9, httpx.Response(404, content=b"gone"), "it was: an answer 404"),
    ],
)
def test_the_first_answer_astray_is_shown_and_is_the_last(
    place: int, answer: httpx.Response, words: str
) -> None:
    office = FakeOffice(instead={place: [answer]})
    answers = walk_on(office).answers()
    seen = [next(answers) for _ in range(place + 1)]
    with pytest.raises(AstrayError, match=words):
        next(answers)
    assert seen[-1].row.http_status == answer.status_code
    assert len(office.asked) == place + 1


@pytest.mark.parametrize(
    "later",
    [
        lambda: httpx.Response(202, json={"dossier_id": DOSSIER}),
        lambda: httpx.Response(503, json={"reason": "busy"}, headers={"Retry-After": "2"}),
    ],
)
def test_without_a_decision_it_is_asked_again_with_the_same_key(later: Callable[[], httpx.Response]) -> None:
    office = FakeOffice(instead={2: [later(), later()]})
    assert len(list(walk_on(office).answers())) == len(WALK)
    assert [request.headers["Idempotency-Key"] for request in office.asked[2:5]] == ["run-2-appraise"] * 3


def test_patience_ends() -> None:
    office = FakeOffice(instead={1: [httpx.Response(202, json={}) for _ in range(1000)]})
    with pytest.raises(Failure, match="no decision within 7 s: the workflow has not decided"):
        list(walk_on(office, patience=7.0).answers())


def test_there_is_one_client_a_key_and_it_is_closed_in_the_end() -> None:
    keys = {"counter": "one", "officer": "one", "portal": "two"}
    with clients_of("http://intake", None, lambda role: keys[role]) as clients:
        first, second, third = clients("counter"), clients("officer"), clients("portal")
        assert first is second is not third
        assert isinstance(third, Client)
        assert third.key == "two"
    with pytest.raises(RuntimeError, match="closed"):
        first.get("/v1/about")
