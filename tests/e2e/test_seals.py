"""Seals on a real stack: a signed file becomes evidence, evidence a stamp, a stamp a line of the register."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.identity import pseudonym
from contracts.words import Role
from deploy.local.stack import LocalStack
from motcua.client import Client, ClientError
from tests.brokers import KIND
from tests.fakes.authority import Authority, pdf
from tests.fakes.certificates import Identity
from tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

AGENCY, OTHER = "H44.100", "H44.101"
PROCEDURE = "2.000635"
SEAL = "H44.100-E"
MANY = 120
STEPS = ("accept", "appraise", "approve", "stamp")
WHO = {"accept": "counter-1", "appraise": "officer-1", "approve": "approver-1", "stamp": "keeper-1"}


@dataclass
class Town:
    """A stack, an authority it trusts, an agency with an electronic seal and its neighbour with another."""

    stack: LocalStack
    authority: Authority
    leader: Identity
    seal: Identity
    neighbour: Identity

    def ask(self, role: Role) -> Client:
        return Client(self.stack.intake_url, self.stack.keys[role], analytics_url=self.stack.analytics_url)

    def do(self, role: Role, path: str, actor: str, **fields: Any) -> Any:
        headers = {"Idempotency-Key": uuid.uuid4().hex, "Prefer": "wait=20", "Motcua-Actor": actor}
        with self.ask(role) as client:
            return client.post(f"/v1/dossiers{path}", fields, headers=headers)

    def judged(self, role: Role, document: bytes) -> str:
        with self.ask(role) as client:
            headers = {"Content-Type": "application/pdf"}
            answer = client.request("POST", "/v1/signatures", content=document, headers=headers)
        return str(answer.json()["evidence"])

    def appraised(self) -> str:
        fields = {"procedure": PROCEDURE, "agency": AGENCY, "channel": "counter"}
        dossier = str(self.do(Role.COUNTER, "", "counter-1", **fields)["dossier_id"])
        self.do(Role.COUNTER, f"/{dossier}/accept", "counter-1", agency=AGENCY)
        self.do(Role.OFFICER, f"/{dossier}/appraise", "officer-1")
        return dossier


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    home = tmp_path_factory.mktemp("stack")
    authority = Authority(now=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=2))
    authority.write_trust(home / "trust")
    leader = authority.person("UBND xã Mẫu")
    seal, neighbour = authority.organisation("UBND xã Mẫu"), authority.organisation("UBND xã Bên")
    with LocalStack(home, clock="system", broker=KIND.value) as stack:
        town = Town(stack, authority, leader, seal, neighbour)
        law = [
            {
                "type": "SealRegistered",
                "code": SEAL,
                "agency": AGENCY,
                "kind": "agency",
                "electronic": True,
                "valid_from": "2020-01-01",
            },
            _certificate(leader, "person", AGENCY, stack),
            _certificate(seal, "organisation", AGENCY, stack),
            _certificate(neighbour, "organisation", OTHER, stack),
        ]
        with town.ask(Role.ADMIN) as client:
            client.post("/v1/law", {"changes": law})
        yield town


def _certificate(identity: Identity, kind: str, agency: str, stack: LocalStack) -> dict[str, Any]:
    of = identity.certificate
    row = {
        "type": "CertificateRegistered",
        "fingerprint": identity.sha256,
        "kind": kind,
        "agency": agency,
        "valid_from": of.not_valid_before_utc.isoformat(),
        "valid_to": of.not_valid_after_utc.isoformat(),
    }
    if kind == "person":
        key = bytes.fromhex(stack.home.province_key_file.read_text().strip())
        row["holder"] = pseudonym(key, "officer", "approver-1")
    return row


def test_a_signed_and_sealed_file_finishes_a_dossier_and_another_file_does_not(town: Town) -> None:
    dossier = town.appraised()
    approved = town.authority.approve(pdf("Giấy phép"), town.leader)
    token = town.judged(Role.APPROVER, approved)
    town.do(Role.APPROVER, f"/{dossier}/approve", "approver-1", evidence=token)

    def stamp(document: bytes) -> Any:
        evidence = town.judged(Role.SEAL_KEEPER, document)
        path = f"/{dossier}/stamp"
        return town.do(Role.SEAL_KEEPER, path, "keeper-1", evidence=evidence, seal=SEAL)

    other_file = town.authority.approve(pdf("Giấy phép khác"), town.leader)
    for document, reason in [
        (town.authority.seal(other_file, town.seal), "wrong_document"),
        (town.authority.seal(approved, town.neighbour), "certificate_of_other_agency"),
    ]:
        with pytest.raises(ClientError) as refused:
            stamp(document)
        assert (refused.value.status, refused.value.problem["reason"]) == (409, reason)
    sealed = town.authority.seal(approved, town.seal)
    with pytest.raises(ClientError) as refused:
        stamp(sealed[:-200] + b"\x00" + sealed[-199:])
    assert refused.value.status == 422
    assert stamp(sealed)["status"] == 9

    with town.ask(Role.INSPECTOR) as client:

        def numbered() -> Any:
            found = client.get(f"/v1/dossiers/{dossier}", "analytics")
            return found if found.get("stamps") and found["stamps"][0]["number"] else None

        whole = wait_until(numbered, 60, "the stamp to have its number")
    [applied] = [fact for fact in whole["history"] if fact["type"] == "StampApplied"]
    assert applied["body"]["evidence"]["certificate"] == town.seal.sha256
    assert whole["stamps"][0]["number"] == 1


def test_a_keeper_seals_many_in_one_request_and_the_register_has_no_gap(town: Town) -> None:
    keys = [f"many-{uuid.uuid4().hex}" for _ in range(MANY)]
    lines: list[dict[str, object]] = [
        {
            "key": key,
            "action": "register",
            "procedure": PROCEDURE,
            "agency": AGENCY,
            "channel": "online",
        }
        for key in keys
    ]
    for step in STEPS:
        where = {"agency": AGENCY} if step == "accept" else {}
        lines += [
            {"key": f"{key}.{step}", "action": step, "dossier_key": key, "actor": WHO[step], **where}
            for key in keys
        ]
    with town.ask(Role.ADMIN) as client:
        answers = list(client.post_ndjson("/v1/commands", lines))
        assert {answer["status"] for answer in answers} == {202}

        def complete() -> Any:
            found = client.get(f"/v1/seals/{AGENCY}-1/register", "analytics", year=datetime.now(UTC).year)
            return found if len(found["stamps"]) >= MANY else None

        register = wait_until(complete, 90, f"{MANY} numbers in the register")
    assert register["complete"]
    assert sorted(entry["number"] for entry in register["stamps"]) == list(range(1, MANY + 1))
    assert len({entry["dossier_id"] for entry in register["stamps"]}) == MANY
