"""Coverage of the catalogue, inventory of certificates, register of seals: what is read, and by whom."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import httpx
import pytest
from msgspec.structs import replace

from contracts.codec import encode
from contracts.law import (
    AgencyPublished,
    CertificateRegistered,
    LawChange,
    LawEnacted,
    LawForwarded,
    SealRegistered,
)
from contracts.topics import LAW
from contracts.words import CertificateKind, OnlineLevel, Role, SealKind
from tests.fakes.intake_broker import MemoryLog, Stored
from tests.fakes.intake_desk import AGENCY, LAW_AT_START, NOW, Desk, desk, in_loop, procedure

OTHER: Final = "H52.19"
HOLDER: Final = "c" * 32
YEAR: Final = timedelta(days=365)


def certificate(number: int, kind: CertificateKind, **members: Any) -> CertificateRegistered:
    holder = HOLDER if kind is CertificateKind.PERSON else None
    base = CertificateRegistered(
        fingerprint=f"{number:064x}",
        kind=kind,
        agency=AGENCY,
        holder=holder,
        valid_from=NOW - YEAR,
        valid_to=NOW + YEAR,
    )
    return replace(base, **members)


def thai_binh() -> Iterator[CertificateRegistered]:
    """The inventory of Thái Bình in 2019: 2 403 of organisations, 1 672 of persons."""
    for number in range(2_403):
        yield certificate(number, CertificateKind.ORGANISATION)
    for number in range(2_403, 4_075):
        yield certificate(number, CertificateKind.PERSON)


def standing(*changes: LawChange) -> MemoryLog:
    """A log where the usual law and `changes` stand."""
    log, everything = MemoryLog(), [*LAW_AT_START, *changes]
    parts = [everything[start : start + 200] for start in range(0, len(everything), 200)]
    for part in parts:
        log.append(LAW, 0, Stored(None, encode(LawEnacted(author="seed", changes=tuple(part))), {}))
    log.append(LAW, 0, Stored(None, encode(LawForwarded(through=len(parts))), {}))
    return log


async def get(d: Desk, path: str, key: str = "admin") -> httpx.Response:
    return await d.http.get(path, headers={"Authorization": f"Bearer {key}"})


# Coverage


@in_loop
async def test_coverage_is_of_the_procedures_in_force() -> None:
    on_site = replace(
        procedure("2.000001"), on_site=True, online=OnlineLevel.FULL, posted_on=date(2026, 3, 5)
    )
    later = replace(procedure("2.000002"), posted_on=date(2026, 3, 6), level="province|commune")
    async with desk(standing(on_site, later, replace(later, version=2, online=OnlineLevel.PARTIAL))) as d:
        d.now = datetime(2026, 3, 5, 16, 59, tzinfo=UTC)  # one minute before midnight in Vietnam
        answer = (await get(d, "/v1/coverage", "portal")).json()
        assert answer["day"] == "2026-03-05"
        assert answer["total"] == {
            "procedures": 3,
            "posted": 1,
            "posted_of_procedures": pytest.approx(1 / 3),
            "at_centre": 3,
            "on_site": 1,
            "on_site_of_procedures": pytest.approx(1 / 3),
            "on_site_of_at_centre": pytest.approx(1 / 3),
            "online": {
                "none": 0,
                "unknown": 1,
                "partial": 1,
                "full": 1,
                "any": 2,
                "any_of_procedures": pytest.approx(2 / 3),
                "any_to_none": None,
            },
        }
        assert {name: level["procedures"] for name, level in answer["levels"].items()} == {
            "commune": 3,
            "province": 1,
        }
        d.now += timedelta(minutes=1)
        assert (await get(d, "/v1/coverage")).json()["total"]["posted"] == 2


@in_loop
async def test_coverage_of_the_printed_catalogues() -> None:
    everything = [replace(procedure(f"3.{n:06d}"), posted_on=date(2022, 1, 1)) for n in range(1_802)]
    start = replace(procedure(), posted_on=date(2022, 1, 1), version=2)
    async with desk(standing(start, *everything)) as d:
        total = (await get(d, "/v1/coverage")).json()["total"]
        assert (total["procedures"], total["posted_of_procedures"]) == (1_803, 1.0)


# Certificates


@in_loop
async def test_the_inventory_of_thai_binh() -> None:
    async with desk(standing(*thai_binh())) as d:
        answer = (await get(d, "/v1/certificates")).json()
        assert answer["total"]["registered"] == answer["total"]["valid"] == 4_075
        assert answer["kinds"]["organisation"]["registered"] == 2_403
        assert answer["kinds"]["person"]["registered"] == 1_672
        assert answer["certificates"] is None
        await get(d, "/metrics")
        assert d.metric("certificates", kind="organisation", state="valid") == 2_403
        assert d.metric("certificates", kind="person", state="valid") == 1_672


MIXED: Final = (
    certificate(1, CertificateKind.ORGANISATION, valid_to=NOW + timedelta(days=10)),
    certificate(2, CertificateKind.PERSON, valid_to=NOW + timedelta(days=45)),
    certificate(3, CertificateKind.PERSON, valid_to=NOW + timedelta(days=30), agency=OTHER),
    certificate(4, CertificateKind.ORGANISATION, valid_to=NOW - timedelta(seconds=1)),
    certificate(5, CertificateKind.ORGANISATION, valid_to=NOW + timedelta(days=5), revoked_at=NOW),
    certificate(6, CertificateKind.PERSON, valid_from=NOW + timedelta(days=1)),
    certificate(7, CertificateKind.PERSON, revoked_at=NOW + timedelta(seconds=1)),
    certificate(8, CertificateKind.ORGANISATION, valid_to=NOW - YEAR / 2, revoked_at=NOW - YEAR / 2),
    certificate(9, CertificateKind.ORGANISATION, valid_to=NOW),
    certificate(10, CertificateKind.ORGANISATION, valid_from=NOW),
)


@in_loop
async def test_certificates_are_counted_by_kind_and_state() -> None:
    async with desk(standing(*MIXED)) as d:
        answer = (await get(d, "/v1/certificates")).json()
        assert answer["at"] == "2026-03-05T03:00:00Z"
        assert answer["total"] == {
            "registered": 10,
            "valid": 6,
            "not_yet_valid": 1,
            "expired": 1,
            "revoked": 2,
            "expiring": {"30": 2, "60": 4, "90": 4},
        }
        assert answer["kinds"]["person"] == {
            "registered": 4,
            "valid": 3,
            "not_yet_valid": 1,
            "expired": 0,
            "revoked": 0,
            "expiring": {"30": 0, "60": 2, "90": 2},
        }
        await get(d, "/metrics")
        assert d.metric("certificates_expiring", days="30") == 2
        assert d.metric("certificates_expiring", days="90") == 4
        assert d.metric("certificates", kind="organisation", state="revoked") == 2
        d.now += timedelta(days=1)
        await get(d, "/metrics")
        assert d.metric("certificates", kind="person", state="revoked") == 1
        assert d.metric("certificates", kind="person", state="not_yet_valid") == 0


@in_loop
async def test_what_ends_soon_is_listed_the_first_in_front() -> None:
    async with desk(standing(*MIXED)) as d:
        answer = (await get(d, "/v1/certificates?expiring_within=31", "inspector")).json()
        assert [shown["fingerprint"][-1] for shown in answer["certificates"]] == ["9", "1", "3"]
        assert answer["certificates"][1] == {
            "fingerprint": f"{1:064x}",
            "kind": "organisation",
            "agency": AGENCY,
            "state": "valid",
            "valid_to": "2026-03-15T03:00:00Z",
            "holder": None,
        }
        assert answer["total"]["registered"] == 10
        one = (await get(d, f"/v1/certificates?agency={OTHER}&expiring_within=31")).json()
        assert [shown["agency"] for shown in one["certificates"]] == [OTHER]
        assert one["total"]["registered"] == 1
        whole = (await get(d, f"/v1/certificates?agency={AGENCY}")).json()
        assert len(whole["certificates"]) == 9
        assert [c["state"] for c in whole["certificates"]].count("revoked") == 2
        assert (await get(d, "/v1/certificates?agency=H99")).json()["certificates"] == []


@in_loop
async def test_only_an_admin_is_told_pseudonyms() -> None:
    seal = SealRegistered(
        code="H52.18-01", agency=AGENCY, kind=SealKind.AGENCY, keeper="d" * 32, valid_from=date(2025, 7, 1)
    )
    async with desk(standing(*MIXED, seal)) as d:
        for path, member in ((f"/v1/certificates?agency={AGENCY}", HOLDER), ("/v1/seals", "d" * 32)):
            assert member in (await get(d, path)).text
            for key in ("leader", "inspector", "seal-keeper"):
                answer = await get(d, path, key)
                assert answer.status_code == 200
                assert member not in answer.text


@in_loop
async def test_a_key_sees_the_agencies_it_covers() -> None:
    seals = [
        SealRegistered(code=f"{code}-01", agency=code, kind=SealKind.AGENCY, valid_from=date(2025, 7, 1))
        for code in (AGENCY, OTHER)
    ]
    async with desk(standing(*MIXED, *seals)) as d:
        own = (await get(d, "/v1/certificates?expiring_within=90", "leader")).json()
        assert {shown["agency"] for shown in own["certificates"]} == {AGENCY}
        assert own["total"]["registered"] == 9
        listed = (await get(d, "/v1/seals", "seal-keeper")).json()["seals"]
        assert [seal["agency"] for seal in listed] == [AGENCY]
        for path in ("/v1/certificates", "/v1/seals"):
            answer = await get(d, f"{path}?agency={OTHER}", "leader")
            assert (answer.status_code, answer.json()["reason"]) == (403, "other_agency")


@pytest.mark.parametrize("path", ["/v1/certificates", "/v1/seals"])
@in_loop
async def test_the_registers_are_for_those_who_answer_for_them(path: str) -> None:
    may = {Role.LEADER, Role.INSPECTOR, Role.SEAL_KEEPER, Role.ADMIN}
    async with desk() as d:
        for role in Role:
            answer = await get(d, path, role.value.replace("_", "-"))
            assert answer.status_code == (200 if role in may else 403), role
        assert (await d.http.get(path)).status_code == 401


@pytest.mark.parametrize("days", ["0", "3651", "-1", "1.5", "soon", "", "٣", "99999"])
@in_loop
async def test_days_that_are_none_are_refused(days: str) -> None:
    async with desk() as d:
        answer = await get(d, f"/v1/certificates?expiring_within={days}")
        assert (answer.status_code, answer.json()["field"]) == (422, "expiring_within")


# Seals


@in_loop
async def test_seals_are_valid_between_two_days_inclusive() -> None:
    first, last = date(2026, 3, 5), date(2026, 3, 6)
    seals = [
        SealRegistered(code="H52.18-02", agency=AGENCY, kind=SealKind.SECOND, valid_from=first),
        SealRegistered(
            code="H52.18-01", agency=AGENCY, kind=SealKind.AGENCY, valid_from=first, valid_to=last
        ),
    ]
    async with desk(standing(*seals)) as d:
        answer = (await get(d, f"/v1/seals?agency={AGENCY}")).json()
        assert answer["day"] == "2026-03-05"
        assert answer["seals"][0] == {
            "code": "H52.18-01",
            "agency": AGENCY,
            "kind": "agency",
            "electronic": False,
            "valid": True,
            "valid_from": "2026-03-05",
            "valid_to": "2026-03-06",
            "kept": False,
            "keeper": None,
        }
        assert [seal["code"] for seal in answer["seals"]] == ["H52.18-01", "H52.18-02"]
        for days, valid in ((-1, 0), (0, 2), (1, 2), (2, 1)):
            d.now = NOW + timedelta(days=days)
            shown = (await get(d, "/v1/seals")).json()["seals"]
            assert sum(seal["valid"] for seal in shown) == valid
            await get(d, "/metrics")
            assert d.metric("seals_valid") == valid


@in_loop
async def test_a_register_goes_by_the_law_in_force() -> None:
    agency = AgencyPublished(code="H52.30", name_vi="Sở mới")
    seal = SealRegistered(
        code="H52.30-01", agency="H52.30", kind=SealKind.AGENCY, valid_from=date(2025, 7, 1)
    )
    async with desk() as d:
        d.log.append(LAW, 0, Stored(None, encode(LawEnacted(author="a", changes=(agency, seal))), {}))
        assert (await get(d, "/v1/seals")).json() == {"law_version": 1, "day": "2026-03-05", "seals": []}
        d.log.append(LAW, 0, Stored(None, encode(LawForwarded(through=2)), {}))
        assert len((await get(d, "/v1/seals")).json()["seals"]) == 1
