"""Law and time: in every partition before the door goes by them, in one order, by any replica."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.codec import decode_command, decode_law
from contracts.commands import (
    LawChanged,
    TimeAdvanced,
)
from contracts.law import LawForwarded
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, LAW
from contracts.words import Clock
from services.intake.domain.admission import Limits
from services.workflow.domain.law import Law
from tests.fakes.intake_broker import MemoryLog
from tests.fakes.intake_desk import (
    ANALYTICS,
    PROCEDURE,
    REGISTER,
    Desk,
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

NEW_AGENCY: dict[str, Any] = {"type": "AgencyPublished", "code": "H52.21", "name_vi": "Sở Nội vụ"}
OVERLAPPING: dict[str, Any] = {
    "type": "CalendarAmended",
    "years": [2026],
    "days": [],
    "source": "x",
    "sessions": [[["07:00:00", "12:00:00"], ["11:00:00", "17:00:00"]], [], [], [], [], [], []],
}


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


@in_loop
async def test_of_two_doors_that_enact_one_version_the_first_in_the_log_has_it() -> None:
    log = MemoryLog()
    law_in(log)
    async with desk(log) as one, desk(log) as two:
        for door in (one, two):
            door.broker.hold = True
        asked = [
            asyncio.create_task(
                door.post("/v1/law", {"changes": [NEW_AGENCY, {**OTHER, "name_vi": name}]}, key="admin")
            )
            for door, name in ((one, "Một"), (two, "Hai"))
        ]
        await until(lambda: one.gate.records == two.gate.records == 1)
        for door in (one, two):
            door.broker.hold = False
            door.broker.release()
        first, second = [await answer for answer in asked]
        assert first.status_code == 200
        assert (second.status_code, second.json()["reason"]) == (409, "version_not_newer")
        assert second.json()["field"] == "changes[1].version"
        async with desk(log) as third:
            for door in (one, two, third):
                assert door.intake.law.book.in_force.procedures[OTHER["code"]].name_vi == "Một"
                assert not door.intake.law.book.waiting()
            assert third.metric("law_void_total") == 1
        assert (await two.post("/v1/law", {"changes": [{**OTHER, "name_vi": "Một"}]}, key="admin")).json()[
            "unchanged"
        ] == 1
        # The judge of each partition reads the same law.
        law = Law()
        for record in log.partitions[COMMANDS, 3]:
            changed = decode_command(record.value)
            assert isinstance(changed, LawChanged)
            law = (law if law.version else Law(version=changed.version - 1)).amended(changed)
        assert law.procedures[OTHER["code"]].name_vi == "Một"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({**OTHER, "colour": 1}, "changes[0].colour"),
        ({**OTHER, "name_vi": "a\nb"}, "changes[0].name_vi"),
        ({"type": "AgencyPublished", "code": "ABCDEF", "name_vi": "x"}, "changes[0].code"),
        ({**OTHER, "source": "x" * 600_000}, "changes[0]"),
        ({"type": "Nothing"}, "changes[0]"),
        (OVERLAPPING, "changes[0].sessions"),
    ],
    ids=range(6),
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
        refused = await d.post("/v1/time", {"to": "2025-01-02T10:00:00Z"}, key="importer")
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
async def test_law_that_is_not_acked_in_time_is_unknown_and_safe_to_repeat() -> None:
    async with desk(patience=0.05) as d:
        d.broker.lose_acks = True
        lost = await d.post("/v1/law", {"changes": [OTHER]}, key="admin")
        assert (lost.status_code, lost.json()["reason"]) == (503, "not_acked")
        d.broker.lose_acks = False
        again = await d.post("/v1/law", {"changes": [OTHER]}, key="admin")
        assert again.json() == {"version": 2, "enacted": 0, "unchanged": 1}
        assert sum(isinstance(record, LawChanged) for record in d.records()) == DOSSIER_PARTITIONS


@in_loop
async def test_a_door_opens_though_law_is_left_behind_and_keeps_trying(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = MemoryLog()
    law_in(log)
    log.append(LAW, 0, log.all(LAW)[0])
    d = Desk(log, Clock.SYSTEM, Limits(), 5.0)
    d.broker.down = True
    with caplog.at_level("WARNING"):
        await d.intake.start(d.fatal.append)
        assert "left unforwarded at start" in caplog.text
        assert d.metric("law_unforwarded") == 1
        keeper = asyncio.create_task(d.intake.law.keep_forwarded(0.01))
        await until(lambda: "trying again" in caplog.text)
    d.broker.down = False
    await until(lambda: d.intake.law.book.forwarded == 2)
    keeper.cancel()
    async with d.http:
        await d.intake.close(1.0)
    assert d.fatal == []
