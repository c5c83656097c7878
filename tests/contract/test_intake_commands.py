"""What good input gets: commands in the log, and answers that can be relied on."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from contracts import identity
from contracts.codec import encode
from contracts.commands import (
    AcceptDossier,
    Command,
    CompleteStep,
    RateDossier,
    RefuseDossier,
    RegisterDossier,
)
from contracts.topics import COMMANDS, LAW, OUTCOMES, SERIALS
from contracts.words import Channel, Step
from services.intake.domain.admission import Limits
from services.intake.domain.serials import SerialClaim
from services.intake.ports import BrokenLogError
from tests.fakes.intake_broker import MemoryLog, Stored
from tests.fakes.intake_desk import (
    AGENCY,
    ANALYTICS,
    NOW,
    PROCEDURE,
    PROVINCE_KEY,
    REGISTER,
    accept_all,
    desk,
    in_loop,
    law_in,
    until,
)


@in_loop
async def test_a_registration_becomes_one_command_under_its_dossier() -> None:
    async with desk() as d:
        answer = await d.post(
            "/v1/dossiers",
            {**REGISTER, "applicant": "  Nguye\u0302\u0303n   An "},
            Idempotency_Key="k",
            Motcua_Actor="cb-017",
        )
        dossier = identity.dossier_id("counter", "k")
        assert answer.status_code == 202
        assert answer.headers["location"] == f"{ANALYTICS}/v1/dossiers/{dossier}"
        [command] = d.commands()
        assert answer.json() == {
            "dossier_id": dossier,
            "command_id": command.id,
            "links": {"dossier": f"{ANALYTICS}/v1/dossiers/{dossier}"},
        }
        assert command == Command(
            id=identity.command_id(dossier, "counter", "k"),
            dossier_id=dossier,
            at=NOW,
            client="counter",
            role=command.role,
            fingerprint=command.fingerprint,
            body=RegisterDossier(
                procedure=PROCEDURE,
                agency=AGENCY,
                channel=Channel.COUNTER,
                applicant=identity.pseudonym(PROVINCE_KEY, "applicant", "nguyễn an"),
            ),
            actor=identity.pseudonym(PROVINCE_KEY, "officer", "cb-017"),
            agencies=(AGENCY,),
        )
        [stored] = d.log.all(COMMANDS)
        assert stored.key == dossier.encode()
        assert stored.headers["ce_id"] == command.id.encode()
        assert stored.headers["ce_type"] == b"vn.motcua.RegisterDossier.v1"


@in_loop
async def test_without_a_name_the_holder_of_the_key_did_it() -> None:
    async with desk() as d:
        await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        await d.post(f"/v1/dossiers/{'0' * 32}/withdraw", {}, key="wide", Idempotency_Key="k")
        line = {"key": "k", "action": "withdraw", "dossier_id": "1" * 32}
        await d.bulk(json.dumps(line))
        await d.bulk(json.dumps({**line, "key": "l", "dossier_id": "2" * 32, "actor": "wide"}))
        actors = {command.client: command.actor for command in d.commands()}
        assert len(d.commands()) == 4
        for name in ("counter", "wide"):
            assert actors[name] == identity.pseudonym(PROVINCE_KEY, "client", name)
        by_importer = [c.actor for c in d.commands() if c.client == "importer"]
        assert sorted(by_importer, key=str) == sorted(
            [
                identity.pseudonym(PROVINCE_KEY, "client", "importer"),
                identity.pseudonym(PROVINCE_KEY, "officer", "wide"),
            ]
        )


@in_loop
async def test_who_waits_gets_the_decision() -> None:
    async with desk() as d:
        d.workflow = accept_all
        made = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k", Prefer="respond-async, wait=5")
        assert made.status_code == 201
        assert made.headers["preference-applied"] == "wait=5"
        assert made.json()["seq"] == 1
        path = f"/v1/dossiers/{made.json()['dossier_id']}/withdraw"
        done = await d.post(path, {}, Idempotency_Key="k2", Prefer='wait="5"')
        assert done.status_code == 200
        assert d.metric("outcomes_total", result="answered") == 2


@pytest.mark.parametrize("prefer", ["wait=0", "wait=soon", "handling=lenient", ""])
@in_loop
async def test_a_preference_that_says_no_wait_is_no_wait(prefer: str) -> None:
    async with desk() as d:
        d.workflow = accept_all
        answer = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k", Prefer=prefer)
        assert answer.status_code == 202
        assert "preference-applied" not in answer.headers


@in_loop
async def test_a_repetition_says_so_and_is_the_same_command() -> None:
    async with desk() as d:
        first = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        d.now += timedelta(minutes=5)
        second = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        assert "idempotent-replayed" not in first.headers
        assert second.headers["idempotent-replayed"] == "true"
        assert first.json() == second.json()
        one, two = d.commands()
        assert (one.id, one.fingerprint) == (two.id, two.fingerprint)
        assert two.at == NOW + timedelta(minutes=5)


@in_loop
async def test_a_repetition_known_to_the_workflow_alone_says_so_too() -> None:
    async with desk() as d:

        def repeated(command: Command) -> Any:
            return replace(accept_all(command), repeated=True)

        d.workflow = repeated
        answer = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k", Prefer="wait=5")
        assert (answer.status_code, answer.headers["idempotent-replayed"]) == (201, "true")


@pytest.mark.parametrize(
    ("key", "action", "body", "expected"),
    [
        ("importer", "appraise", {}, CompleteStep(Step.APPRAISE)),
        ("importer", "stamp", None, CompleteStep(Step.STAMP)),
        ("counter", "rate", {"score": 5}, RateDossier(5)),
        ("counter", "refuse", {"reason": "not_ours"}, RefuseDossier("not_ours")),
    ],
)
@in_loop
async def test_actions_become_their_commands(
    key: str, action: str, body: dict[str, Any] | None, expected: object
) -> None:
    async with desk() as d:
        answer = await d.post(f"/v1/dossiers/{'0' * 32}/{action}", body, key=key, Idempotency_Key="k")
        assert answer.status_code == 202
        [command] = d.commands()
        assert command.body == expected
        assert command.dossier_id == "0" * 32


@in_loop
async def test_an_acceptance_carries_the_code_of_its_agency_and_local_day() -> None:
    async with desk() as d:
        d.now = datetime(2026, 3, 5, 17, 30, tzinfo=UTC)  # 00:30 of the sixth in Vietnam
        for key in ("a", "b", "a"):
            path = f"/v1/dossiers/{'0' * 32}/accept"
            assert (await d.post(path, {}, Idempotency_Key=key)).status_code == 202
        codes = [c.body.dossier_code for c in d.commands() if isinstance(c.body, AcceptDossier)]
        assert codes == ["H52.18-260306-0001", "H52.18-260306-0002", "H52.18-260306-0001"]
        assert d.metric("serial_blocks_total", result="won") == 1


@in_loop
async def test_a_key_of_many_agencies_names_the_one_that_accepts() -> None:
    async with desk() as d:
        path = f"/v1/dossiers/{'0' * 32}/accept"
        for key in ("wide", "two"):
            unnamed = await d.post(path, {}, key=key, Idempotency_Key="k")
            assert (unnamed.status_code, unnamed.json()["field"]) == (422, "agency")
            assert (await d.post(path, {"agency": AGENCY}, key=key, Idempotency_Key="k")).status_code == 202


@in_loop
async def test_two_replicas_never_give_one_number_twice() -> None:
    log = MemoryLog()
    law_in(log)
    async with desk(log) as one, desk(log) as two:
        path = f"/v1/dossiers/{'0' * 32}/accept"
        await asyncio.gather(
            *(d.post(path, {}, Idempotency_Key=f"{n}{id(d)}") for n in range(50) for d in (one, two))
        )
        codes = [c.body.dossier_code for c in one.commands() if isinstance(c.body, AcceptDossier)]
        assert len(codes) == len(set(codes)) == 100


@in_loop
async def test_stopping_lets_those_go_who_only_wait() -> None:
    async with desk() as d:
        waiting = asyncio.create_task(d.post("/v1/dossiers", REGISTER, Idempotency_Key="k", Prefer="wait=30"))
        await until(d.commands)
        d.intake.stop_waiting()
        async with asyncio.timeout(5):
            assert (await waiting).status_code == 202
        assert (await d.post("/v1/dossiers", REGISTER, Idempotency_Key="l")).status_code == 503


@in_loop
async def test_numbers_running_short_are_told_to_operators() -> None:
    log = MemoryLog()
    law_in(log)
    for block in range(450):
        claim = SerialClaim(agency=AGENCY, day=date(2026, 3, 5), block=block, claimant="other")
        log.append(SERIALS, 0, Stored(None, encode(claim), {}))
    async with desk(log) as d:
        answer = await d.post(f"/v1/dossiers/{'0' * 32}/accept", {}, Idempotency_Key="k")
        assert answer.status_code == 202
        assert d.metric("serials_scarce_total") == 1


@in_loop
async def test_a_claim_that_fails_is_503_and_the_next_request_claims_again() -> None:
    async with desk(limits=Limits(probe_interval=0.0)) as d:
        d.broker.down = True
        path = f"/v1/dossiers/{'0' * 32}/accept"
        failed = await d.post(path, {}, Idempotency_Key="k")
        assert (failed.status_code, failed.json()["reason"]) == (503, "serials_not_claimed")
        d.broker.down = False
        assert (await d.post(path, {}, Idempotency_Key="k")).status_code == 202
        [command] = d.commands()
        assert command.body == AcceptDossier("H52.18-260305-0001")


@pytest.mark.parametrize("topic", [LAW, SERIALS])
@in_loop
async def test_a_log_that_cannot_be_read_stops_the_process(topic: str) -> None:
    async with desk() as d:
        d.log.append(topic, 0, Stored(None, b"{", {}))
        [error] = d.fatal
        assert isinstance(error, BrokenLogError)
        assert topic in str(error)


@in_loop
async def test_an_outcome_that_cannot_be_read_is_counted_and_passed_by() -> None:
    async with desk() as d:
        d.log.append(OUTCOMES, 0, Stored(None, b"{", {}))  # nobody waits: it is not looked into
        assert d.metric("undecodable_total", topic=OUTCOMES) == 0
        d.intake.waiters.expect(("0" * 32, "0" * 16))
        d.log.append(OUTCOMES, 0, Stored(None, b"{", {}))
        assert d.fatal == []
        assert d.metric("undecodable_total", topic=OUTCOMES) == 1


@in_loop
async def test_two_who_wait_for_one_command_both_get_its_decision() -> None:
    async with desk() as d:
        d.workflow = accept_all
        d.broker.hold = True
        waiting = [
            asyncio.create_task(d.post("/v1/dossiers", REGISTER, Idempotency_Key="k", Prefer="wait=5"))
            for _ in range(2)
        ]
        await until(lambda: d.gate.records == 2)
        d.broker.release()
        assert [(await answer).status_code for answer in waiting] == [201, 201]


@in_loop
async def test_an_error_of_ours_is_a_problem_without_details(monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk() as d:

        def broken(*_: object) -> None:
            raise ZeroDivisionError("secret")

        monkeypatch.setattr(d.intake.door, "prepare", broken)
        answer = await d.post("/v1/dossiers", REGISTER, Idempotency_Key="k")
        assert (answer.status_code, answer.json()["reason"]) == (500, "internal")
        assert "secret" not in answer.text
        assert d.gate.reserved_bytes == 0
