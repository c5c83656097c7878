"""What good input gets: commands in the log, answers that can be relied on, law and time in their order."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from contracts import identity
from contracts.codec import decode_law, encode
from contracts.codes import parse_dossier_code
from contracts.commands import (
    AcceptDossier,
    Command,
    CompleteStep,
    LawChanged,
    RateDossier,
    RefuseDossier,
    RegisterDossier,
    TimeAdvanced,
)
from contracts.law import LawForwarded
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, LAW, OUTCOMES, SERIALS
from contracts.words import Channel, Clock, Step
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

OTHER: dict[str, Any] = {
    "type": "ProcedurePublished",
    "code": "2.000908",
    "version": 1,
    "name_vi": "Chứng thực bản sao từ bản chính",
    "field_vi": "Chứng thực",
    "level": "commune",
    "term_value": 0,
    "term_unit": "working_day",
    "channels": ["counter"],
}


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
                applicant=identity.pseudonym(PROVINCE_KEY, "applicant", "Nguyễn An"),
            ),
            actor=identity.pseudonym(PROVINCE_KEY, "officer", "cb-017"),
            agencies=(AGENCY,),
        )
        [stored] = d.log.all(COMMANDS)
        assert stored.key == dossier.encode()
        assert stored.headers["ce_id"] == command.id.encode()
        assert stored.headers["ce_type"] == b"vn.motcua.RegisterDossier.v1"


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
            outcome = accept_all(command)
            return type(outcome)(
                command_id=command.id, dossier_id=command.dossier_id, result=outcome.result, repeated=True
            )

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


def _line(**members: Any) -> str:
    return json.dumps(members)


@in_loop
async def test_bulk_answers_line_by_line_and_keeps_the_order_of_a_dossier() -> None:
    async with desk() as d:
        lines = []
        for n in range(60):
            lines.append(_line(key=f"r{n}", action="register", actor="cb-1", **REGISTER))
            lines.append(_line(key=f"a{n}", action="accept", dossier_key=f"r{n}", agency=AGENCY))
            lines.append(_line(key=f"s{n}", action="appraise", dossier_key=f"r{n}"))
        lines.insert(7, "{")
        answer = await d.bulk("\n".join(lines) + "\n")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/x-ndjson"
        results = [json.loads(line) for line in answer.text.splitlines()]
        assert [result["line"] for result in results] == list(range(1, 182))
        assert results.pop(7)["problem"]["reason"] == "bad_shape"
        assert {result["status"] for result in results} == {202}
        by_dossier: dict[str, list[str]] = {}
        codes = set()
        for command in d.commands():
            by_dossier.setdefault(command.dossier_id, []).append(type(command.body).__name__)
            if isinstance(command.body, AcceptDossier):
                codes.add(parse_dossier_code(command.body.dossier_code).serial)
        assert set(map(tuple, by_dossier.values())) == {("RegisterDossier", "AcceptDossier", "CompleteStep")}
        assert codes == set(range(1, 61))
        assert d.metric("serial_blocks_total", result="won") == 3


@pytest.mark.parametrize(
    ("members", "field", "reason"),
    [
        ({"action": "register", "dossier_key": "x", **REGISTER}, "dossier_id", "bad_shape"),
        ({"action": "withdraw"}, "dossier_id", "bad_shape"),
        ({"action": "withdraw", "dossier_key": "x", "dossier_id": "0" * 32}, "dossier_id", "bad_shape"),
        ({"action": "withdraw", "dossier_id": "0" * 32, "key": "a b"}, "key", "bad_shape"),
        ({"action": "withdraw", "dossier_id": "0" * 32, "colour": 1}, "colour", "bad_shape"),
        ({"action": "rate", "dossier_id": "0" * 32}, "score", "bad_shape"),
        ({"action": "accept", "dossier_id": "0" * 32, "agency": "H52.20"}, "agency", "agency_closed"),
    ],
)
@in_loop
async def test_a_wrong_line_names_its_field(members: dict[str, Any], field: str, reason: str) -> None:
    async with desk() as d:
        good = _line(key="g", action="withdraw", dossier_id="0" * 32)
        answer = await d.bulk(_line(**{"key": "k", **members}) + "\n" + good)
        wrong, right = (json.loads(line) for line in answer.text.splitlines())
        assert (wrong["status"], wrong["problem"]["field"], wrong["problem"]["reason"]) == (
            422,
            field,
            reason,
        )
        assert right["status"] == 202
        assert len(d.commands()) == 1


@in_loop
async def test_bulk_says_503_for_what_is_not_acked_and_holds_the_dossier_back() -> None:
    async with desk(patience=0.05) as d:
        d.broker.lose_acks = True
        answer = await d.bulk(
            _line(key="a", action="accept", dossier_id="0" * 32, agency=AGENCY)
            + "\n"
            + _line(key="b", action="appraise", dossier_id="0" * 32)
        )
        # The claim of a number is read back from the log, so only the commands' acks are missing.
        statuses = [json.loads(line)["problem"]["reason"] for line in answer.text.splitlines()]
        assert statuses == ["not_acked", "not_acked"]
        d.broker.hold = True
        lines = [_line(key=f"h{n}", action="accept", dossier_id="1" * 32, agency="H52.19") for n in range(1)]
        lines.append(_line(key="i", action="appraise", dossier_id="1" * 32))
        held = await d.bulk("\n".join(lines))
        reasons = [json.loads(line)["problem"]["reason"] for line in held.text.splitlines()]
        assert reasons == ["serials_not_claimed", "earlier_line_not_taken"]
        assert {command.dossier_id for command in d.commands()} == {"0" * 32}


@in_loop
async def test_law_stands_in_every_partition_before_the_door_goes_by_it() -> None:
    async with desk() as d:
        unknown = await d.post("/v1/dossiers", {**REGISTER, "procedure": "2.000908"}, Idempotency_Key="k")
        assert unknown.status_code == 422
        answer = await d.post("/v1/law", {"changes": [OTHER]}, key="admin")
        assert answer.json() == {"version": 2, "enacted": 1, "unchanged": 0}
        for partition in range(DOSSIER_PARTITIONS):
            [stored] = d.log.partitions[COMMANDS, partition]
            assert stored.key is None
        assert [r.version for r in d.records() if isinstance(r, LawChanged)] == [2] * DOSSIER_PARTITIONS
        known = await d.post("/v1/dossiers", {**REGISTER, "procedure": "2.000908"}, Idempotency_Key="k")
        assert known.status_code == 202
        again = await d.post("/v1/law", {"changes": [OTHER, OTHER]}, key="admin")
        assert again.json() == {"version": 2, "enacted": 0, "unchanged": 2}
        shown = await d.http.get(
            "/v1/procedures?code=2.000908", headers={"Authorization": "Bearer inspector"}
        )
        assert [p["code"] for p in shown.json()["procedures"]] == ["2.000908"]
        assert d.metric("law_version") == 2


@in_loop
async def test_law_beyond_one_record_keeps_its_order() -> None:
    async with desk() as d:
        changes = [{**OTHER, "code": f"3.{n:06d}"} for n in range(450)]
        answer = await d.post("/v1/law", {"changes": changes}, key="admin")
        assert answer.json() == {"version": 4, "enacted": 450, "unchanged": 0}
        versions = [r.version for r in d.records() if isinstance(r, LawChanged)]
        assert versions == [2, 3, 4] * DOSSIER_PARTITIONS
        assert isinstance(decode_law(d.log.all(LAW)[-1].value), LawForwarded)


@in_loop
async def test_a_version_must_not_mean_two_things() -> None:
    async with desk() as d:
        changed = {**OTHER, "code": PROCEDURE, "name_vi": "Khác"}
        answer = await d.post("/v1/law", {"changes": [changed]}, key="admin")
        assert (answer.status_code, answer.json()["reason"]) == (409, "version_not_newer")
        assert answer.json()["field"] == "changes[0].version"
        newer = await d.post("/v1/law", {"changes": [{**changed, "version": 2}]}, key="admin")
        assert newer.status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({**OTHER, "colour": 1}, "changes[0].colour"),
        ({**OTHER, "name_vi": "a\nb"}, "changes[0].name_vi"),
        ({"type": "AgencyPublished", "code": "ABCDEF", "name_vi": "x"}, "changes[0].code"),
        ({**OTHER, "source": "x" * 600_000}, "changes[0]"),
        ({"type": "Nothing"}, "changes[0]"),
    ],
    ids=range(5),
)
@in_loop
async def test_wrong_law_is_refused_and_names_the_place(change: dict[str, Any], field: str) -> None:
    async with desk() as d:
        answer = await d.post("/v1/law", {"changes": [change]}, key="admin")
        assert answer.status_code == 422
        assert answer.json()["field"].startswith(field)
        assert len(d.log.all(LAW)) == 2


@in_loop
async def test_law_left_behind_is_forwarded_by_who_starts() -> None:
    log = MemoryLog()
    law_in(log)
    async with desk(log) as first:
        first.broker.down = True
        broken = await first.post("/v1/law", {"changes": [OTHER]}, key="admin")
        assert broken.status_code == 503
        first.broker.down = False
        first.broker.send(LAW, log.all(LAW)[0].value)  # enacted, and the process dies before forwarding
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert first.intake.law.book.waiting()
        async with desk(log) as second:
            assert not second.intake.law.book.waiting()
            assert second.intake.law.book.forwarded == first.intake.law.book.forwarded == 2


@in_loop
async def test_a_running_replica_forwards_what_another_left() -> None:
    log = MemoryLog()
    law_in(log)
    async with desk(log) as d:
        d.broker.send(LAW, log.all(LAW)[0].value)
        keeper = asyncio.create_task(d.intake.law.keep_forwarded(0.01))
        await until(lambda: d.intake.law.book.forwarded == 2)
        keeper.cancel()


@in_loop
async def test_the_log_clock_moves_in_every_partition() -> None:
    async with desk(clock=Clock.LOG) as d:
        answer = await d.post("/v1/time", {"to": "2025-01-02T10:00:00+07:00"}, key="importer")
        assert answer.status_code == 202
        assert answer.json() == {"to": "2025-01-02T03:00:00Z", "partitions": DOSSIER_PARTITIONS}
        moment = datetime(2025, 1, 2, 3, tzinfo=UTC)
        assert d.records() == [TimeAdvanced(to=moment)] * DOSSIER_PARTITIONS
        body = {**REGISTER, "at": "2025-01-02T09:00:00+07:00"}
        assert (await d.post("/v1/dossiers", body, key="importer", Idempotency_Key="k")).status_code == 202
        assert d.commands()[0].at == datetime(2025, 1, 2, 2, tzinfo=UTC)
    async with desk() as d:
        refused = await d.post("/v1/time", {"to": "2025-01-02T10:00:00Z"}, key="admin")
        assert (refused.status_code, refused.json()["reason"]) == (409, "wrong_clock")
        assert d.records() == []


@in_loop
async def test_what_it_is_and_how_it_does_is_open() -> None:
    async with desk() as d:
        about = (await d.http.get("/v1/about")).json()
        assert about["service"] == "intake"
        assert about["clock"] == "system"
        assert about["law_version"] == 1
        assert about["links"] == {"analytics": ANALYTICS}
        assert (await d.http.get("/readyz")).json()["ready"] is True
        agencies = await d.http.get("/v1/agencies", headers={"Authorization": "Bearer inspector"})
        assert len(agencies.json()["agencies"]) == 3
        none = await d.http.get("/v1/agencies?code=X", headers={"Authorization": "bearer inspector"})
        assert none.json()["agencies"] == []
        await d.http.get(f"/v1/dossiers/{'0' * 32}")
        text = (await d.http.get("/metrics")).text
        assert 'route="/v1/about"' in text
        assert "0" * 32 not in text


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
async def test_bulk_answers_each_line_for_itself_when_numbers_or_the_broker_fail() -> None:
    log = MemoryLog()
    law_in(log)
    for block in range(500):
        claim = SerialClaim(agency=AGENCY, day=date(2026, 3, 5), block=block, claimant="other")
        log.append(SERIALS, 0, Stored(None, encode(claim), {}))
    async with desk(log, limits=Limits(records=3)) as d:
        withdraw = [_line(key=f"w{n}", action="withdraw", dossier_id=f"{n:032x}") for n in range(4)]
        full = _line(key="a", action="accept", dossier_id="f" * 32, agency=AGENCY)
        after = _line(key="b", action="appraise", dossier_id="f" * 32)
        d.broker.hold = True
        asked = asyncio.create_task(d.bulk("\n".join([full, *withdraw, after])))
        await until(lambda: d.gate.records == 3)
        d.broker.hold = False
        d.broker.release()
        answers = [json.loads(line) for line in (await asked).text.splitlines()]
        assert [answer["status"] for answer in answers] == [409, 202, 202, 202, 503, 503]
        assert answers[0]["problem"]["reason"] == "serial_exhausted"
        assert answers[4]["problem"]["reason"] == "too_many_in_flight"
        assert d.metric("turned_away_total", reason="too_many_in_flight") == 2


@in_loop
async def test_bulk_repeats_are_told_and_keep_their_numbers() -> None:
    async with desk() as d:
        body = "\n".join(
            [
                _line(key="r", action="register", **REGISTER),
                _line(key="a", action="accept", dossier_key="r", agency=AGENCY),
            ]
        )
        first, second = await d.bulk(body), await d.bulk(body)
        assert all("repeated" not in line for line in first.text.splitlines())
        assert [json.loads(line)["repeated"] for line in second.text.splitlines()] == [True, True]
        codes = {c.body.dossier_code for c in d.commands() if isinstance(c.body, AcceptDossier)}
        assert codes == {"H52.18-260305-0001"}
        other = await d.bulk(_line(key="a", action="stamp", dossier_key="r"))
        assert json.loads(other.text)["problem"]["reason"] == "idempotency_key_reused"


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
async def test_a_claim_that_fails_is_tried_again_by_the_next_request() -> None:
    async with desk() as d:
        d.broker.down = True
        path = f"/v1/dossiers/{'0' * 32}/accept"
        waiting = asyncio.create_task(d.post(path, {}, Idempotency_Key="k"))
        await until(lambda: d.metric("serial_blocks_total", result="won") or d.gate.records == 0)
        d.broker.down = False
        assert (await waiting).status_code == 202


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
