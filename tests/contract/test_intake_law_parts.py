"""Procedures in full, seals and certificates: what may become law, and what is refused and why."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest

from contracts.commands import LawChanged
from contracts.topics import DOSSIER_PARTITIONS, LAW
from tests.fakes.intake_broker import MemoryLog
from tests.fakes.intake_desk import AGENCY, desk, in_loop, law_in, until

STEPS: Final[list[dict[str, Any]]] = [
    {"step": "receive", "role": "counter", "share": 10, "place": "centre"},
    {"step": "appraise", "role": "officer", "share": 50, "place": "centre"},
    {"step": "approve", "role": "leader", "share": 25, "place": "centre"},
    {"step": "stamp", "role": "seal_keeper", "share": 10, "place": "centre"},
    {"step": "return", "role": "counter", "share": 5, "place": "centre"},
]
WHOLE: Final[dict[str, Any]] = {
    "type": "ProcedurePublished",
    "code": "2.000908",
    "version": 1,
    "name_vi": "Chứng thực bản sao từ bản chính",
    "field_vi": "Chứng thực",
    "level": "commune",
    "term_value": 3,
    "term_unit": "working_day",
    "channels": ["counter", "online"],
    "late_cutoff": "15:00:00",
    "fee_vnd": 2000,
    "source": "Quyết định 1",
    "due_mode": "working_hours",
    "on_supplement": "restart",
    "statutory_value": 5,
    "statutory_unit": "working_day",
    "steps": STEPS,
    "on_site": True,
    "online": "partial",
    "announced_on": "2025-06-01",
    "posted_on": "2025-06-05",
    "fees": [
        {"name_vi": "Phí", "amount_vnd": 2000, "channel": None},
        {"name_vi": "Lệ phí trực tuyến", "amount_vnd": 1000, "channel": "online"},
    ],
    "forms": [{"code": "to_khai", "name_vi": "Tờ khai", "required": True}],
}
SEAL: Final[dict[str, Any]] = {
    "type": "SealRegistered",
    "code": "H52.18-01",
    "agency": AGENCY,
    "kind": "agency",
    "electronic": False,
    "keeper": "a" * 32,
    "valid_from": "2025-07-01",
    "valid_to": "2025-07-01",
}
CERTIFICATE: Final[dict[str, Any]] = {
    "type": "CertificateRegistered",
    "fingerprint": "b" * 64,
    "kind": "person",
    "agency": AGENCY,
    "holder": "c" * 32,
    "valid_from": "2025-07-01T00:00:00Z",
    "valid_to": "2028-07-01T00:00:00Z",
    "issuer": "CA",
}


@pytest.mark.parametrize(
    "change", [WHOLE, SEAL, CERTIFICATE, {**CERTIFICATE, "kind": "organisation", "holder": None}]
)
@in_loop
async def test_what_is_whole_becomes_law_once(change: dict[str, Any]) -> None:
    async with desk() as d:
        answer = await d.post("/v1/law", {"changes": [change, change]}, key="admin")
        assert answer.json() == {"version": 2, "enacted": 1, "unchanged": 1}
        again = await d.post("/v1/law", {"changes": [change]}, key="admin")
        assert again.json() == {"version": 2, "enacted": 0, "unchanged": 1}
        assert sum(isinstance(record, LawChanged) for record in d.records()) == DOSSIER_PARTITIONS


@in_loop
async def test_the_catalogue_shows_every_member_of_a_procedure() -> None:
    async with desk() as d:
        await d.post("/v1/law", {"changes": [WHOLE]}, key="admin")
        shown = await d.http.get("/v1/procedures?code=2.000908", headers={"Authorization": "Bearer portal"})
        assert shown.json()["procedures"] == [WHOLE]


@in_loop
async def test_a_later_entry_replaces_an_earlier_one() -> None:
    async with desk() as d:
        await d.post("/v1/law", {"changes": [SEAL, CERTIFICATE]}, key="admin")
        later = [{**SEAL, "valid_to": None}, {**CERTIFICATE, "revoked_at": "2026-01-01T00:00:00Z"}]
        answer = await d.post("/v1/law", {"changes": later}, key="admin")
        assert answer.json() == {"version": 3, "enacted": 2, "unchanged": 0}
        back = await d.post("/v1/law", {"changes": [SEAL]}, key="admin")
        assert back.json()["enacted"] == 1


@pytest.mark.parametrize(
    "other",
    [{"agency": "H52.19"}, {"kind": "second"}, {"kind": "copy"}, {"electronic": True}],
)
@in_loop
async def test_a_seal_stays_the_seal_it_is(other: dict[str, Any]) -> None:
    async with desk() as d:
        await d.post("/v1/law", {"changes": [SEAL]}, key="admin")
        taken = await d.post("/v1/law", {"changes": [CERTIFICATE, {**SEAL, **other}]}, key="admin")
        assert (taken.status_code, taken.json()["reason"]) == (409, "seal_taken")
        assert taken.json()["field"] == "changes[1].code"
        at_once = [{**SEAL, "code": "H52.18-02"}, {**SEAL, "code": "H52.18-02", **other}]
        both = await d.post("/v1/law", {"changes": at_once}, key="admin")
        assert (both.status_code, both.json()["field"]) == (409, "changes[1].code")
        later = {**SEAL, "keeper": None, "valid_from": "2024-07-01", "valid_to": None}
        assert (await d.post("/v1/law", {"changes": [later]}, key="admin")).json()["enacted"] == 1


@in_loop
async def test_of_two_doors_that_register_one_seal_the_first_in_the_log_has_it() -> None:
    log = MemoryLog()
    law_in(log)
    async with desk(log) as one, desk(log) as two:
        for door in (one, two):
            door.broker.hold = True
        asked = [
            asyncio.create_task(
                door.post("/v1/law", {"changes": [CERTIFICATE, {**SEAL, "agency": agency}]}, key="admin")
            )
            for door, agency in ((one, AGENCY), (two, "H52.19"))
        ]
        await until(lambda: one.gate.records == two.gate.records == 1)
        for door in (one, two):
            door.broker.hold = False
            door.broker.release()
        first, second = [await answer for answer in asked]
        assert first.status_code == 200
        assert (second.status_code, second.json()["reason"]) == (409, "seal_taken")
        assert second.json()["field"] == "changes[1].code"
        async with desk(log) as third:
            for door in (one, two, third):
                assert door.intake.law.book.in_force.seals[SEAL["code"]].agency == AGENCY
            assert third.metric("law_void_total") == 1


@in_loop
async def test_a_seal_may_come_with_its_agency_but_not_before() -> None:
    agency = {"type": "AgencyPublished", "code": "H52.30", "name_vi": "Sở mới"}
    seal = {**SEAL, "agency": "H52.30"}
    async with desk() as d:
        early = await d.post("/v1/law", {"changes": [seal, agency]}, key="admin")
        assert (early.status_code, early.json()["reason"]) == (422, "unknown_agency")
        assert early.json()["field"] == "changes[0].agency"
        assert (await d.post("/v1/law", {"changes": [agency, seal]}, key="admin")).status_code == 200


def _step(number: int, **members: Any) -> dict[str, Any]:
    return {"steps": [*STEPS[:number], {**STEPS[number], **members}, *STEPS[number + 1 :]]}


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({**WHOLE, "steps": STEPS[:4]}, "steps", "bad_shape"),
        ({**WHOLE, "steps": [STEPS[1], STEPS[0], *STEPS[2:]]}, "steps", "bad_shape"),
        ({**WHOLE, "steps": [STEPS[0], STEPS[0], *STEPS[2:]]}, "steps", "bad_shape"),
        ({**WHOLE, "steps": [*STEPS, STEPS[4]]}, "steps", "bad_shape"),
        ({**WHOLE, **_step(0, share=11)}, "steps", "bad_shape"),
        ({**WHOLE, **_step(4, share=0)}, "steps", "bad_shape"),
        ({**WHOLE, **_step(4, share=101)}, "steps[4].share", "bad_shape"),
        ({**WHOLE, **_step(3, role="counter")}, "steps[3].role", "bad_shape"),
        ({**WHOLE, **_step(3, role="carrier")}, "steps[3].role", "bad_shape"),
        ({**WHOLE, **_step(0, place="home")}, "steps[0].place", "bad_shape"),
        ({**WHOLE, **_step(2, place="office")}, "steps[2].place", "bad_shape"),
        ({**WHOLE, **_step(0, step="read")}, "steps[0].step", "bad_shape"),
        ({**WHOLE, **_step(0, colour=1)}, "steps[0].colour", "bad_shape"),
        ({**WHOLE, "statutory_unit": None}, "statutory_unit", "bad_shape"),
        ({**WHOLE, "statutory_value": None}, "statutory_value", "bad_shape"),
        ({**WHOLE, "statutory_value": 2}, "statutory_value", "bad_shape"),
        ({**WHOLE, "channels": ["counter"]}, "fees[1].channel", "bad_shape"),
        ({**WHOLE, "online": "mostly"}, "online", "bad_shape"),
        ({**WHOLE, "fees": [{"name_vi": "", "amount_vnd": 1}]}, "fees[0].name_vi", "bad_shape"),
        ({**SEAL, "agency": "H52.99"}, "agency", "unknown_agency"),
        ({**SEAL, "valid_to": "2025-06-30"}, "valid_to", "bad_shape"),
        ({**SEAL, "kind": "wax"}, "kind", "bad_shape"),
        ({**SEAL, "keeper": "Nguyễn An"}, "keeper", "bad_shape"),
        ({**SEAL, "code": "dấu"}, "code", "bad_shape"),
        ({**CERTIFICATE, "agency": "H52.99"}, "agency", "unknown_agency"),
        ({**CERTIFICATE, "valid_to": CERTIFICATE["valid_from"]}, "valid_to", "bad_shape"),
        ({**CERTIFICATE, "valid_from": "0001-01-01T00:00:00+14:00"}, "valid_from", "bad_shape"),
        ({**CERTIFICATE, "valid_to": "9999-12-31T23:59:59-10:00"}, "valid_to", "bad_shape"),
        ({**CERTIFICATE, "revoked_at": "0001-01-01T00:00:00Z"}, "revoked_at", "bad_shape"),
        ({**CERTIFICATE, "holder": None}, "holder", "bad_shape"),
        ({**CERTIFICATE, "fingerprint": "B" * 64}, "fingerprint", "bad_shape"),
        ({**CERTIFICATE, "kind": "machine"}, "kind", "bad_shape"),
    ],
)
@in_loop
async def test_what_does_not_hold_together_is_refused_at_its_place(
    change: dict[str, Any], field: str, reason: str
) -> None:
    async with desk() as d:
        answer = await d.post("/v1/law", {"changes": [SEAL, change]}, key="admin")
        problem = answer.json()
        assert (answer.status_code, problem["reason"]) == (422, reason)
        assert problem["field"] == f"changes[1].{field}"
        assert problem["rule"]
        assert len(d.log.all(LAW)) == 2


@pytest.mark.parametrize(
    "members",
    [
        {"steps": [{**step, "share": 0} for step in STEPS]},
        {"steps": []},
        {**_step(2, place="office"), "on_site": False},
        {"statutory_value": 3},
        # A term in other units is not compared: how long either is depends on the calendar.
        {"statutory_value": 1, "statutory_unit": "month"},
        {"statutory_value": None, "statutory_unit": None},
    ],
)
@in_loop
async def test_what_a_procedure_need_not_say(members: dict[str, Any]) -> None:
    async with desk() as d:
        assert (await d.post("/v1/law", {"changes": [{**WHOLE, **members}]}, key="admin")).status_code == 200


@pytest.mark.parametrize("key", ["seal-keeper", "leader", "importer", "inspector"])
@in_loop
async def test_only_an_admin_registers_seals(key: str) -> None:
    async with desk() as d:
        answer = await d.post("/v1/law", {"changes": [SEAL]}, key=key)
        assert (answer.status_code, answer.json()["reason"]) == (403, "role_not_allowed")
