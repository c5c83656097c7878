"""POST /v1/signatures: signed files become evidence, evidence goes with a command, and no more happens."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from contracts.commands import CompleteStep
from contracts.words import Role, Step
from services.intake.domain.evidence import SIGNERS, open_token
from services.intake.http.guard import SIGNED_LIMIT
from tests.fakes.authority import NOW, Authority, later, pdf
from tests.fakes.intake_desk import AGENCY, PROVINCE_KEY, REGISTER, Desk, accept_all, desk, in_loop
from tests.fakes.intake_desk import NOW as DESK_NOW
from tests.fakes.signatures import ThreadedVerifier

PDF: Final = "application/pdf"
PKCS7: Final = "application/pkcs7-signature"


class House:
    """An authority, two who sign, and a verifier that trusts it."""

    def __init__(self, folder: Path) -> None:
        self.ca = Authority()
        self.seal = self.ca.organisation(AGENCY)
        self.leader = self.ca.person(AGENCY)
        self.verifier = ThreadedVerifier(self.ca.write_trust(folder))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def upload(
    d: Desk, data: bytes, *, key: str = "seal-keeper", media_type: str = PDF, **query: str
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": media_type}
    return await d.http.post("/v1/signatures", content=data, headers=headers, params=query)


def refused(answer: httpx.Response, status: int, reason: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["reason"]) == (status, reason), body
    assert answer.headers["content-type"] == "application/problem+json"
    return body


def test_both_clocks_stand_at_the_same_hour() -> None:
    assert NOW == DESK_NOW


@in_loop
async def test_from_the_signed_file_to_the_command_in_the_log(house: House) -> None:
    approved = house.ca.approve(pdf(), house.leader)
    sealed = house.ca.seal(approved, house.seal)
    async with desk(signatures=house.verifier) as d:
        d.workflow = accept_all
        registered = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="n1")
        path = f"/v1/dossiers/{registered.json()['dossier_id']}"
        before = len(d.log.all("dossier.commands.v1"))
        first = (await upload(d, approved, key="approver")).json()
        second = (await upload(d, sealed)).json()
        assert len(d.log.all("dossier.commands.v1")) == before
        assert second["covers"] == first["document"] == hashlib.sha256(approved).hexdigest()
        for action, key, body in (("approve", "approver", first), ("stamp", "seal-keeper", second)):
            evidence = {"evidence": body["evidence"]}
            answer = await d.post(f"{path}/{action}", evidence, key=key, Idempotency_Key=action)
            assert answer.status_code == 202, answer.text
        steps = [command.body for command in d.commands() if isinstance(command.body, CompleteStep)]
    assert {step.step for step in steps} == {Step.APPROVE, Step.STAMP}
    for step, answered in ((Step.APPROVE, first), (Step.STAMP, second)):
        [evidence_in_log] = [one.evidence for one in steps if one.step is step]
        assert evidence_in_log is not None
        assert evidence_in_log == open_token(answered["evidence"], PROVINCE_KEY)
        assert evidence_in_log.document == answered["document"]
        assert evidence_in_log.certificate == answered["certificate"]


@pytest.mark.parametrize("key", ["approver", "leader", "seal-keeper", "importer", "admin"])
@in_loop
async def test_who_signs_or_keeps_a_seal_may_ask(house: House, key: str) -> None:
    async with desk(signatures=house.verifier) as d:
        answer = await upload(d, house.ca.seal(pdf(), house.seal), key=key)
        assert answer.status_code == 200, answer.text
        assert set(answer.json()) == {
            *("evidence", "form", "document", "covers", "certificate", "issuer", "signed_at"),
            *("stamped_at", "not_before", "not_after", "revocation", "revocation_at"),
        }


@pytest.mark.parametrize("key", ["counter", "officer", "inspector"])
@in_loop
async def test_others_may_not(house: House, key: str) -> None:
    async with desk(signatures=house.verifier) as d:
        refused(await upload(d, pdf(), key=key), 403, "role_not_allowed")
        refused(await upload(d, pdf(), key="nobody"), 401, "unauthorized")
    assert Role(key) not in SIGNERS


@in_loop
async def test_without_trust_it_says_what_to_do() -> None:
    async with desk() as d:
        assert "MOTCUA_TRUST" in refused(await upload(d, pdf()), 409, "no_trust_configured")["rule"]


@in_loop
async def test_a_signature_that_stands_apart(house: House) -> None:
    document = b"a result"
    signature = house.ca.detached(document, house.seal)
    digest = hashlib.sha256(document).hexdigest()
    async with desk(signatures=house.verifier) as d:
        good = await upload(d, signature, media_type=PKCS7, sha256=digest)
        assert good.status_code == 200, good.text
        assert good.json()["document"] == good.json()["covers"] == digest
        other = await upload(d, signature, media_type=PKCS7, sha256="0" * 64)
        refused(other, 422, "document_changed")
        for wrong in ({}, {"sha256": digest.upper()}, {"sha256": "x"}):
            answer = await upload(d, signature, media_type=PKCS7, **wrong)
            assert refused(answer, 422, "bad_shape")["field"] == "sha256"


@in_loop
async def test_what_is_no_evidence_says_why(house: House) -> None:
    async with desk(signatures=house.verifier) as d:
        body = refused(await upload(d, later(house.ca.seal(pdf(), house.seal))), 422, "document_changed")
        assert body["legal_ground"]
        assert body["rule"]
        refused(await upload(d, pdf()), 422, "no_signature")
        refused(await upload(d, b"%PDF-1.7 garbage"), 422, "pdf_malformed")
        refused(await upload(d, b"", media_type=PDF), 422, "not_a_pdf")
        refused(await upload(d, pdf(), media_type="text/plain"), 415, "unsupported_media_type")
        refused(
            await upload(d, bytes(1024 * 1024 + 1), media_type=PKCS7, sha256="0" * 64),
            413,
            "signature_too_large",
        )
        assert d.metric("refusals_total", reason="no_signature") == 1
        assert not d.commands()


@in_loop
async def test_a_file_beyond_the_limit_is_turned_away_by_its_head(house: House) -> None:
    async with desk(signatures=house.verifier) as d:
        headers = {"Authorization": "Bearer admin", "Content-Type": PDF}
        headers["Content-Length"] = str(SIGNED_LIMIT + 1)
        answer = await d.http.post("/v1/signatures", content=b"", headers=headers)
        refused(answer, 413, "body_too_large")
        assert d.gate.reserved_bytes == 0


@in_loop
async def test_a_token_of_another_province_or_changed_is_no_evidence(house: House) -> None:
    async with desk(signatures=house.verifier) as d:
        registered = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="n1")
        path = f"/v1/dossiers/{registered.json()['dossier_id']}/stamp"
        token = (await upload(d, house.ca.seal(pdf(), house.seal))).json()["evidence"]
        for wrong in (token[:-1], token.swapcase(), f"{token.partition('.')[0]}."):
            answer = await d.post(path, {"evidence": wrong}, key="seal-keeper", Idempotency_Key="s")
            assert refused(answer, 422, "bad_evidence")["field"] == "evidence"
        answer = await d.post(path, {"evidence": token}, key="seal-keeper", Idempotency_Key="s")
        assert answer.status_code == 202, answer.text


@in_loop
async def test_nobody_is_named(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    person = house.ca.person("Trần Thị Người Ký")
    foreign = Authority("Tổ chức lạ").person("Trần Thị Người Ký")
    async with desk(signatures=house.verifier) as d:
        for who in (person, foreign):
            answer = await upload(d, house.ca.approve(pdf(), who), key="approver")
            assert "Người Ký" not in answer.text
        assert answer.status_code == 422
    assert "Người Ký" not in caplog.text
