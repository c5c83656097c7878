"""Every action of the API: its fields, the command it becomes, who may ask for it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from msgspec.structs import replace

from contracts import identity
from contracts.commands import (
    AcceptDossier,
    Apologise,
    CommandBody,
    CompleteStep,
    CorrectResult,
    DeclineDossier,
    Evidence,
    ExtendTerm,
    HandOver,
    ReceivePayment,
    RequestPayment,
    ResumeDossier,
    RevokeStamp,
    StopDossier,
    SuspendDossier,
)
from contracts.outcomes import ActionName
from contracts.roles import may
from contracts.words import Place, RevocationSource, Role, SignatureForm, Step
from services.intake.domain.evidence import seal_token
from services.intake.domain.requests import FIELDS, OPTIONAL, REQUIRED
from tests.fakes.intake_desk import AGENCY, NOW, PROVINCE_KEY, REGISTER, Desk, desk, in_loop, refuse_for

DOSSIER: Final = "0" * 32
EVIDENCE: Final = Evidence(
    form=SignatureForm.PADES,
    document="a" * 64,
    covers="b" * 64,
    certificate="c" * 64,
    issuer="CA",
    signed_at=NOW,
    not_before=NOW.replace(year=2024),
    not_after=NOW.replace(year=2029),
    revocation=RevocationSource.OCSP,
    revocation_at=NOW,
    stamped_at=NOW,
)
TOKEN: Final = seal_token(EVIDENCE, PROVINCE_KEY)
OFFICER: Final = identity.pseudonym(PROVINCE_KEY, "officer", "cb-023")
UNTIL: Final = datetime(2026, 3, 12, 10, tzinfo=UTC)

BECOMES: Final[list[tuple[str, dict[str, Any], CommandBody]]] = [
    ("accept", {"agency": AGENCY, "place": "centre"}, AcceptDossier("H52.18-260305-0001", Place.CENTRE)),
    ("appraise", {"place": "office"}, CompleteStep(Step.APPRAISE, place=Place.OFFICE)),
    ("approve", {"evidence": TOKEN}, CompleteStep(Step.APPROVE, evidence=EVIDENCE)),
    (
        "stamp",
        {"seal": "H52.18-01", "evidence": TOKEN, "place": "centre"},
        CompleteStep(Step.STAMP, place=Place.CENTRE, seal="H52.18-01", evidence=EVIDENCE),
    ),
    ("return", {"place": "centre"}, CompleteStep(Step.RETURN, place=Place.CENTRE)),
    ("decline", {"reason": "conditions_not_met"}, DeclineDossier("conditions_not_met")),
    ("hand_over", {"to_agency": "H52.19"}, HandOver(agency="H52.19")),
    ("hand_over", {"to_officer": "cb-023"}, HandOver(officer=OFFICER)),
    ("request_payment", {"amount_vnd": 120_000}, RequestPayment(120_000)),
    ("receive_payment", {}, ReceivePayment()),
    ("suspend", {"reason": "waits_for_court"}, SuspendDossier("waits_for_court")),
    ("resume", {}, ResumeDossier()),
    ("stop", {"reason": "applicant_deceased"}, StopDossier("applicant_deceased")),
    (
        "apologise",
        {"reason": "late", "until": "2026-03-12T17:00:00+07:00"},
        Apologise(reason="late", until=UNTIL),
    ),
    (
        "apologise",
        {"reason": "late", "until": "2026-03-12T10:00:00Z", "override": True},
        Apologise(reason="late", until=UNTIL, override=True),
    ),
    ("extend", {"reason": "complex_case", "value": 5}, ExtendTerm("complex_case", 5)),
    ("correct", {"reason": "wrong_name"}, CorrectResult("wrong_name")),
    ("revoke_stamp", {"reason": "misplaced"}, RevokeStamp("misplaced")),
]


async def act(d: Desk, action: str, body: Any, key: str = "importer", token: str = "k") -> Any:
    return await d.post(f"/v1/dossiers/{DOSSIER}/{action}", body, key=key, Idempotency_Key=token)


@pytest.mark.parametrize(("action", "fields", "body"), BECOMES, ids=[case[0] for case in BECOMES])
@in_loop
async def test_an_action_becomes_its_command_alone_and_in_bulk(
    action: str, fields: dict[str, Any], body: CommandBody
) -> None:
    async with desk() as d:
        assert (await act(d, action, fields)).status_code == 202
        line = {"key": "l", "action": action, "dossier_id": DOSSIER, **fields}
        [answer] = (await d.bulk(json.dumps(line))).text.splitlines()
        assert json.loads(answer)["status"] == 202
        alone, among = d.commands()
        assert alone.body == body
        if isinstance(body, AcceptDossier):
            body = replace(body, dossier_code="H52.18-260305-0002")
        assert among.body == body
        assert alone.fingerprint == among.fingerprint


@in_loop
async def test_who_gets_the_work_is_told_by_the_pseudonym_he_acts_under() -> None:
    async with desk() as d:
        await act(d, "hand_over", {"to_agency": "H52.19", "to_officer": " Nguye\u0302\u0303n   An "})
        line = {"key": "l", "action": "appraise", "dossier_id": DOSSIER, "actor": "Nguyễn An"}
        await d.bulk(json.dumps(line))
        handed, done = d.commands()
        assert handed.body == HandOver(agency="H52.19", officer=done.actor)
        assert done.actor == identity.pseudonym(PROVINCE_KEY, "officer", "nguyễn an")


_OTHER: Final[dict[str, tuple[Any, Any]]] = {
    "agency": (AGENCY, "H52.19"),
    "procedure": (REGISTER["procedure"], "2.000908"),
    "channel": ("counter", "online"),
    "applicant": ("a", "b"),
    "reason": ("one", "two"),
    "score": (4, 5),
    "place": ("centre", "office"),
    "seal": ("H52.18-01", "H52.18-02"),
    "evidence": (TOKEN, seal_token(replace(EVIDENCE, document="d" * 64), PROVINCE_KEY)),
    "to_agency": (AGENCY, "H52.19"),
    "to_officer": ("a", "b"),
    "amount_vnd": (1, 2),
    "until": ("2026-03-12T10:00:00Z", "2026-03-12T10:00:01Z"),
    "override": (None, True),
    "value": (1, 2),
}


@pytest.mark.parametrize(
    ("action", "field"),
    [
        (action, field)
        for action in ActionName
        for field in (*REQUIRED.get(action, ()), *OPTIONAL.get(action, ()))
        if field != "procedure"
    ],
)
@in_loop
async def test_a_key_is_bound_to_every_field(action: ActionName, field: str) -> None:
    async with desk() as d:
        path = "/v1/dossiers" if action is ActionName.REGISTER else f"/v1/dossiers/{DOSSIER}/{action}"
        needed = {*REQUIRED.get(action, ()), *({"agency"} if action is ActionName.ACCEPT else ())}
        body = {name: _OTHER[name][0] for name in {*needed, field}}
        other = {**body, field: _OTHER[field][1]}
        for asked, status in ((body, 202), (body, 202), (other, 422)):
            answer = await d.post(path, asked, key="importer", Idempotency_Key="k")
            assert answer.status_code == status, answer.text
        assert answer.json()["reason"] == "idempotency_key_reused"


def test_every_field_is_of_some_action() -> None:
    used = {field for table in (REQUIRED, OPTIONAL) for fields in table.values() for field in fields}
    assert used == set(FIELDS) == set(_OTHER)


@in_loop
async def test_an_override_not_wanted_is_none() -> None:
    async with desk() as d:
        body = {"reason": "late", "until": "2026-03-12T10:00:00Z"}
        assert (await act(d, "apologise", body)).status_code == 202
        assert (await act(d, "apologise", {**body, "override": False})).status_code == 202
        first, second = d.commands()
        assert first == second


@pytest.mark.parametrize(
    ("action", "body", "field", "reason"),
    [
        ("hand_over", {}, "to_agency", "bad_shape"),
        ("hand_over", {"to_agency": "H52.99"}, "to_agency", "unknown_agency"),
        ("hand_over", {"to_agency": "H52.20"}, "to_agency", "agency_closed"),
        ("hand_over", {"to_officer": "\u00a0"}, "to_officer", "bad_shape"),
        ("hand_over", {"to_officer": "a\x00b"}, "to_officer", "bad_shape"),
        ("hand_over", {"to_officer": "x" * 201}, "to_officer", "bad_shape"),
        ("approve", {"evidence": TOKEN[:-1]}, "evidence", "bad_evidence"),
        ("approve", {"evidence": "x"}, "evidence", "bad_evidence"),
        ("approve", {"evidence": ""}, "evidence", "bad_shape"),
        ("approve", {"evidence": "x" * 4097}, "evidence", "bad_shape"),
        ("approve", {"evidence": "chứng"}, "evidence", "bad_shape"),
        ("approve", {"seal": "H52.18-01"}, "seal", "bad_shape"),
        ("appraise", {"place": "home"}, "place", "bad_shape"),
        ("appraise", {"evidence": TOKEN}, "evidence", "bad_shape"),
        ("stamp", {"seal": "a seal"}, "seal", "bad_shape"),
        ("stamp", {"reason": "x"}, "reason", "bad_shape"),
        ("resume", {"place": "centre"}, "place", "bad_shape"),
        ("decline", {}, "reason", "bad_shape"),
        ("stop", {"reason": "Free text"}, "reason", "bad_shape"),
        ("request_payment", {}, "amount_vnd", "bad_shape"),
        ("request_payment", {"amount_vnd": 0}, "amount_vnd", "bad_shape"),
        ("request_payment", {"amount_vnd": -1}, "amount_vnd", "bad_shape"),
        ("request_payment", {"amount_vnd": 10**12 + 1}, "amount_vnd", "bad_shape"),
        ("request_payment", {"amount_vnd": 1.5}, "amount_vnd", "bad_shape"),
        ("apologise", {"reason": "late"}, "until", "bad_shape"),
        ("apologise", {"reason": "late", "until": "2026-03-12T10:00:00"}, "until", "bad_shape"),
        ("apologise", {"reason": "late", "until": "0001-01-01T00:00:00+14:00"}, "until", "bad_shape"),
        (
            "apologise",
            {"reason": "late", "until": "2026-03-12T10:00:00Z", "override": "yes"},
            "override",
            "bad_shape",
        ),
        ("extend", {"reason": "x1", "value": 0}, "value", "bad_shape"),
        ("extend", {"reason": "x1", "value": 3651}, "value", "bad_shape"),
    ],
)
@in_loop
async def test_a_wrong_field_is_named_and_nothing_is_published(
    action: str, body: dict[str, Any], field: str, reason: str
) -> None:
    async with desk() as d:
        answer = await act(d, action, body)
        assert (answer.status_code, answer.json()["reason"], answer.json()["field"]) == (422, reason, field)
        assert answer.json()["rule"]
        assert d.commands() == []


@in_loop
async def test_work_may_be_handed_to_an_agency_the_key_does_not_cover() -> None:
    async with desk() as d:
        assert (await act(d, "hand_over", {"to_agency": "H52.19"}, key="counter")).status_code == 202


_KEY_OF: Final = {role: role.value.replace("_", "-") for role in Role}


@pytest.mark.parametrize("role", list(Role))
@in_loop
async def test_a_role_may_ask_what_the_table_grants_and_nothing_else(role: Role) -> None:
    async with desk() as d:
        content = (await d.http.get("/openapi.json")).json()["paths"]["/v1/dossiers/{dossier_id}/{action}"]
        bodies = content["post"]["requestBody"]["content"]["application/json"]["examples"]
        for action in ActionName:
            if action is ActionName.REGISTER:
                # Online, for that is the channel every role may use.
                body = {**REGISTER, "channel": "online"}
                answer = await d.post("/v1/dossiers", body, key=_KEY_OF[role], Idempotency_Key=action)
            else:
                answer = await act(d, action, bodies[action]["value"], _KEY_OF[role], action)
            granted = may(role, action)
            assert answer.status_code == (202 if granted else 403), (action, answer.text)
            assert granted or answer.json()["reason"] == "role_not_allowed"
        assert len(d.commands()) == sum(may(role, action) for action in ActionName)


@pytest.mark.parametrize("channel", ["counter", "postal"])
@in_loop
async def test_a_portal_hands_in_online_and_no_other_way(channel: str) -> None:
    async with desk() as d:
        answer = await d.post(
            "/v1/dossiers", {**REGISTER, "channel": channel}, key="portal", Idempotency_Key="k"
        )
        problem = answer.json()
        assert (answer.status_code, problem["reason"]) == (403, "channel_not_allowed")
        assert (problem["field"], bool(problem["rule"])) == ("channel", True)
        line = json.dumps({**REGISTER, "channel": channel, "key": "k", "action": "register"})
        [told] = (await d.bulk(line, key="portal")).text.splitlines()
        assert json.loads(told)["problem"]["reason"] == "channel_not_allowed"
        assert d.commands() == []
        online = await d.post(
            "/v1/dossiers", {**REGISTER, "channel": "online"}, key="portal", Idempotency_Key="k"
        )
        assert online.status_code == 202


@pytest.mark.parametrize("key", ["carrier", "inspector"])
@in_loop
async def test_who_may_do_nothing_may_read_what_readers_may(key: str) -> None:
    async with desk() as d:
        for path in ("/v1/procedures", "/v1/agencies"):
            answer = await d.http.get(path, headers={"Authorization": f"Bearer {key}"})
            assert answer.status_code == 200
        for path, body in (
            ("/v1/law", {"changes": [{"type": "EngineVersion", "version": 1}]}),
            ("/v1/time", {"to": "2026-01-01T00:00:00Z"}),
        ):
            assert (await d.post(path, body, key=key)).status_code == 403


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("same_person", 409),
        ("not_the_holder", 409),
        ("not_the_keeper", 409),
        ("no_valid_seal", 409),
        ("certificate_revoked", 409),
        ("role_not_allowed", 403),
        ("other_agency", 403),
    ],
)
@in_loop
async def test_what_the_workflow_refuses_has_its_status(reason: str, status: int) -> None:
    async with desk() as d:
        d.workflow = refuse_for(reason)
        answer = await d.post(
            f"/v1/dossiers/{DOSSIER}/stamp", {}, key="seal-keeper", Idempotency_Key="k", Prefer="wait=5"
        )
        assert (answer.status_code, answer.json()["reason"]) == (status, reason)
