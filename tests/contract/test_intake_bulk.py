"""Many commands in one request: one answer a line, order inside a dossier, failures line by line."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from typing import Any

import pytest

from contracts.codec import encode
from contracts.codes import parse_dossier_code
from contracts.commands import (
    AcceptDossier,
)
from contracts.topics import SERIALS
from services.intake.domain.admission import Limits
from services.intake.domain.serials import SerialClaim
from tests.fakes.intake_broker import MemoryLog, Stored
from tests.fakes.intake_desk import (
    AGENCY,
    REGISTER,
    desk,
    in_loop,
    law_in,
    until,
)


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
        assert answers[0]["status"] == 409
        assert answers[0]["problem"]["reason"] == "serial_exhausted"
        # Which three were first depends on their partitions.
        assert sorted(answer["status"] for answer in answers[1:]) == [202, 202, 202, 503, 503]
        reasons = {answer["problem"]["reason"] for answer in answers[1:] if answer["status"] == 503}
        assert reasons == {"too_many_in_flight"}
        assert d.metric("turned_away_total", reason="too_many_in_flight") == 2


@in_loop
async def test_bulk_hands_over_one_partition_after_the_other_and_answers_in_line_order() -> None:
    async with desk() as d:
        dossiers = [f"{n:032x}" for n in range(40)]
        actions = ("withdraw", "receive_supplement")
        body = [_line(key=f"{a}-{i}", action=a, dossier_id=i) for a in actions for i in dossiers]
        answers = [json.loads(line) for line in (await d.bulk("\n".join(body))).text.splitlines()]
        assert [answer["dossier_id"] for answer in answers] == dossiers * 2
        sent = d.broker.log.order
        assert sent == sorted(sent)
        commands = d.commands()
        for dossier in dossiers:
            told = [type(c.body).__name__ for c in commands if c.dossier_id == dossier]
            assert told == ["WithdrawDossier", "ReceiveSupplement"]


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
        problem = json.loads(other.text)["problem"]
        assert (problem["reason"], problem["field"]) == ("idempotency_key_reused", "key")
        assert "Idempotency-Key" not in problem["detail"]


@in_loop
async def test_bulk_serves_one_agency_when_the_claim_of_another_finds_no_room() -> None:
    async with desk(limits=Limits(records=1)) as d:
        lines = [
            _line(key=f"k{n}", action="accept", dossier_id=f"{n:032x}", agency=agency)
            for n, agency in enumerate((AGENCY, "H52.19"))
        ]
        answers = [json.loads(line) for line in (await d.bulk("\n".join(lines))).text.splitlines()]
        assert [answer["status"] for answer in answers] == [202, 503]
        assert answers[1]["problem"]["reason"] == "too_many_in_flight"
