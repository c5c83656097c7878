"""The catalogue: the seed calendar, the samples, versions, and the commands."""

from __future__ import annotations

import argparse
import csv
import os
from collections import Counter
from datetime import date, time
from pathlib import Path

import httpx
import msgspec
import pytest

from contracts.codes import Generation, parse_agency_code, parse_procedure_code
from contracts.law import CalendarAmended, DayKind, LawChange, LawEnacted, LawForwarded
from contracts.outcomes import ActionName
from contracts.roles import may
from contracts.words import Channel, Place, SealKind, Step, TermUnit
from motcua import catalogue, client
from motcua.failure import Failure
from motcua.procedure_rows import read_procedures
from motcua.seed_calendar import ADDED, REMOVED, UNCONFIRMED, YEARS
from services.intake.domain.lawbook import LawBook

DATA = os.environ.get("MOTCUA_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="MOTCUA_DATA names no folder of real data")
HEADER = (
    "code,name_vi,field_vi,level,term_value,term_unit,term_raw,late_cutoff,fee_vnd,channels,result_vi,source"
)
GOOD = "1.004837,Đăng ký giám hộ,Hộ tịch,commune,3,working_day,3 Ngày,,0,direct|online|postal,,nguồn"


def folder() -> Path:
    assert DATA is not None
    return Path(DATA)


def sheet(path: Path, *rows: str, header: str = HEADER) -> Path:
    file = path / "procedures.csv"
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return file


def days(change: CalendarAmended, kind: DayKind) -> set[date]:
    return {day.date for day in change.days if day.kind is kind}


# The seed calendar


def test_the_seed_covers_its_years_in_order_with_a_source_for_each_day() -> None:
    change = catalogue.calendar_change()
    assert change.years == YEARS == tuple(range(2018, 2028))
    assert [day.date for day in change.days] == sorted({day.date for day in change.days})
    assert {day.date.year for day in change.days} == set(YEARS)
    assert all(day.name_vi and day.source for day in change.days)
    assert all("chưa đọc được văn bản" in day.source for day in change.days if day.date in UNCONFIRMED)
    assert set(UNCONFIRMED) <= days(change, DayKind.OFF)
    assert msgspec.json.decode(msgspec.json.encode(change), type=CalendarAmended) == change


def test_the_seed_holds_its_corrections() -> None:
    change = catalogue.calendar_change()
    assert set(ADDED) <= set(change.days)
    assert not REMOVED & {day.date for day in change.days}
    worked = ["2019-01-05", "2019-05-04", "2024-05-04", "2025-04-26", "2026-01-10", "2026-08-22"]
    assert days(change, DayKind.WORK) == {date.fromisoformat(day) for day in worked}


@needs_data
def test_the_seed_is_the_official_list_exactly() -> None:
    with (folder() / "holidays_official.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    # A day in lieu ("substitute") is a day off.
    official = {
        date.fromisoformat(row["date"]): DayKind.WORK if row["kind"] == "work" else DayKind.OFF
        for row in rows
    }
    assert {day.date: day.kind for day in catalogue.calendar_change().days} == official


@needs_data
def test_the_corrections_are_the_known_differences_to_the_package() -> None:
    with (folder() / "holidays_disagreements.csv").open(encoding="utf-8", newline="") as file:
        known = {date.fromisoformat(row["date"]) for row in csv.DictReader(file)}
    assert {day.date for day in ADDED} | REMOVED == known


# The sample


def test_the_sample_agencies_serve_the_simulated_offices_and_today() -> None:
    agencies = catalogue.sample_agencies()
    codes = [agency.code for agency in agencies]
    assert len(set(codes)) == len(codes)
    parts = [parse_agency_code(code) for code in codes]
    old = Counter((part.root, part.levels[0]) for part in parts if part.generation is Generation.OLD)
    assert old == {("H52", "18"): 16, ("H49", "12"): 11}
    assert all(
        "suy theo mẫu" in a.source
        for a, p in zip(agencies, parts, strict=True)
        if p.generation is Generation.OLD
    )
    assert sum(agency.valid_to is None for agency in agencies) >= 5
    assert agencies[0].valid_to is None
    assert {agency.successor for agency in agencies if agency.successor} <= set(codes)


def test_every_sample_agency_has_a_seal_as_long_as_it_is_open() -> None:
    agencies = {agency.code: agency for agency in catalogue.sample_agencies()}
    seals = catalogue.sample_seals()
    assert len({seal.code for seal in seals}) == len(seals)
    first = {seal.agency: seal for seal in seals if seal.kind is SealKind.AGENCY}
    assert set(first) == set(agencies)
    assert len(first) + 1 == len(seals)
    (second,) = (seal for seal in seals if seal.kind is SealKind.SECOND)
    assert agencies[second.agency].valid_to is None
    for seal in seals:
        agency = agencies[seal.agency]
        assert seal.code.removeprefix(f"{agency.code}-") in {"1", "2"}
        assert not seal.electronic
        assert seal.valid_to == agency.valid_to
        assert seal.valid_from == (agency.valid_from or date(2000, 1, 1))
        assert "chưa đối chiếu sổ đăng ký mẫu dấu" in seal.source


def test_nobody_has_to_name_a_seal_of_the_agency_that_up_shows() -> None:
    shown = catalogue.sample_agencies()[0].code
    assert [seal.code for seal in catalogue.sample_seals() if seal.agency == shown] == [f"{shown}-1"]


def test_some_sample_procedures_have_their_steps_and_the_rest_what_the_catalogue_says() -> None:
    rich = {p.code: p for p in catalogue.sample_procedures() if p.steps}
    assert set(rich) == {"1.004837", "1.004222", "1.002693"}
    for procedure in rich.values():
        assert [(plan.step, plan.share) for plan in procedure.steps] == list(
            zip(Step, (5, 55, 20, 10, 10), strict=True)
        )
        assert all(
            may(plan.role, ActionName(plan.step)) for plan in procedure.steps if plan.step != "receive"
        )
        assert may(procedure.steps[0].role, ActionName.ACCEPT)
        assert procedure.statutory_value is not None
        assert procedure.statutory_unit is TermUnit.WORKING_DAY
        assert procedure.term_value <= procedure.statutory_value
        assert procedure.posted_on is not None
        assert procedure.announced_on is not None
        assert procedure.announced_on <= procedure.posted_on
        assert procedure.forms
        assert procedure.source.startswith("Cơ sở dữ liệu quốc gia")
        assert "mẫu để chạy thử" in procedure.source
    on_site = [p for p in rich.values() if p.on_site]
    assert [p.code for p in on_site] == ["1.004837"]
    assert {plan.place for plan in on_site[0].steps} == {Place.CENTRE}
    plain = [p for p in catalogue.sample_procedures() if not p.steps]
    assert len(plain) == 25
    assert not any(p.fees or p.forms or p.on_site for p in plain)


def test_the_sample_procedures_are_complete_and_mixed() -> None:
    procedures = catalogue.sample_procedures()
    assert len(procedures) == len({p.code for p in procedures}) == 28
    assert {p.term_unit for p in procedures} == {TermUnit.WORKING_DAY}
    assert {0, 1, 3, 5, 10, 15, 20, 30} <= {p.term_value for p in procedures}
    same_day = [p for p in procedures if p.term_value == 0]
    assert len(same_day) == 5
    assert {p.late_cutoff for p in same_day} == {time(15)}
    assert {p.late_cutoff for p in procedures if p.term_value} == {None}
    assert Channel.COUNTER in procedures[0].channels
    assert all(p.source and parse_procedure_code(p.code).local is None for p in procedures)


@needs_data
def test_the_sample_says_what_the_real_catalogue_says() -> None:
    found = read_procedures(folder() / "procedures.csv")
    real = {p.code: p for p in found.changes}
    with (folder() / "procedures.csv").open(encoding="utf-8", newline="") as file:
        names = {row["code"]: row["name_vi"] for row in csv.DictReader(file)}
    for procedure in catalogue.sample_procedures():
        assert procedure.name_vi == names[procedure.code]
        if procedure.term_value:
            # Steps, forms and the like, which the real one does not say, stay when it is imported.
            standing = {procedure.code: procedure}
            assert not catalogue.next_versions([real[procedure.code]], standing, found.unsaid)
        else:
            assert procedure.code not in real  # its term rests on the ground its source names


# Versions


def test_versions_go_on_from_what_stands(tmp_path: Path) -> None:
    (procedure,) = read_procedures(sheet(tmp_path, GOOD)).changes
    standing = msgspec.structs.replace(procedure, version=4, source="nguồn khác")
    longer = msgspec.structs.replace(procedure, term_value=5)
    assert catalogue.next_versions([procedure], {}) == [procedure]
    assert catalogue.next_versions([procedure], {procedure.code: standing}) == []
    assert catalogue.next_versions([longer], {procedure.code: standing}) == [
        msgspec.structs.replace(longer, version=5)
    ]


def test_what_a_file_does_not_say_stays_as_it_stands(tmp_path: Path) -> None:
    (rich,) = (p for p in catalogue.sample_procedures() if p.on_site)
    standing = {rich.code: rich}
    row = (
        f"{rich.code},{rich.name_vi},{rich.field_vi},{rich.level},{rich.term_value},{rich.term_unit},x,,,"
        "direct|online|postal,,nguồn"
    )
    found = read_procedures(sheet(tmp_path, row))
    assert found.changes[0].steps == ()
    assert catalogue.next_versions(found.changes, standing, found.unsaid) == []
    posted = row + ",2025-08-01,no"
    said = read_procedures(sheet(tmp_path, posted, header=HEADER + ",posted_on,on_site"))
    (changed,) = catalogue.next_versions(said.changes, standing, said.unsaid)
    assert (changed.posted_on, changed.on_site, changed.steps) == (date(2025, 8, 1), False, rich.steps)
    assert (changed.version, changed.online) == (rich.version + 1, rich.online)


# The commands


class Door:
    """Intake's law over a transport: its own law book decides what is new."""

    def __init__(self) -> None:
        self.book = LawBook()
        self.posts: list[int] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == "Bearer k"
        if request.method == "GET":
            return self._json(self._standing(request.url.path))
        assert request.url.path == "/v1/law"
        changes = msgspec.convert(
            msgspec.json.decode(request.content)["changes"], list[LawChange], strict=False
        )
        self.posts.append(len(changes))
        news = self.book.news(changes)
        if news:
            self.book.apply(LawEnacted(author="test", changes=tuple(news)))
            self.book.apply(LawForwarded(through=self.book.enacted))
        return self._json(
            {"version": self.book.enacted, "enacted": len(news), "unchanged": len(changes) - len(news)}
        )

    def _standing(self, path: str) -> dict[str, object]:
        known = self.book.in_force
        told: dict[str, dict[str, object]] = {
            "/v1/about": {},
            "/v1/procedures": {"procedures": [*known.procedures.values()]},
            "/v1/agencies": {"agencies": [*known.agencies.values()]},
            "/v1/seals": {"seals": [*known.seals.values()]},
        }
        return {"law_version": self.book.forwarded, **told[path]}

    @staticmethod
    def _json(body: object) -> httpx.Response:
        return httpx.Response(
            200, content=msgspec.json.encode(body), headers={"Content-Type": "application/json"}
        )


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    door = Door()

    def connect(args: argparse.Namespace) -> client.Client:
        assert args.url == "http://intake"
        return client.Client(args.url, args.key, transport=httpx.MockTransport(door))

    monkeypatch.setattr(client, "connect", connect)
    return door


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    catalogue.configure(parser)
    return catalogue.run(parser.parse_args([*words, "--url", "http://intake", "--key", "k"]))


def test_a_stack_without_a_law_lacks_everything_and_one_with_its_own_what_it_does_not_know(
    door: Door,
) -> None:
    shipped = [catalogue.calendar_change(), *catalogue.sample_changes()]
    with client.connect(argparse.Namespace(url="http://intake", key="k")) as stack:
        assert catalogue.lacking(stack, shipped) == shipped
        assert command("seed") == 0
        assert catalogue.lacking(stack, shipped) == []
        procedure, agency = catalogue.sample_procedures()[0], catalogue.sample_agencies()[0]
        own: list[LawChange] = [
            msgspec.structs.replace(procedure, version=2, term_value=9),
            msgspec.structs.replace(agency, valid_to=date(2026, 1, 1)),
        ]
        stack.post("/v1/law", {"changes": own})
        assert catalogue.lacking(stack, shipped) == [], "what stands is the stack's own affair"
        others: list[LawChange] = [
            msgspec.structs.replace(procedure, code="1.999999"),
            msgspec.structs.replace(agency, code="H44.199"),
            msgspec.structs.replace(catalogue.sample_seals()[0], code="H44.199-1"),
        ]
        assert catalogue.lacking(stack, [*shipped, *others]) == others


def test_seeding_twice_changes_nothing_the_second_time(
    door: Door, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("seed") == 0
    changes = 1 + len(catalogue.sample_changes())
    assert f"enacted {changes} changes, 0 stood already; the law is at version 1" in capsys.readouterr().out
    assert len(door.book.in_force.procedures) == 28
    assert command("seed") == 0
    assert "enacted 0 changes" in capsys.readouterr().out
    assert door.book.enacted == 1


def test_import_posts_in_groups_and_reports(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [GOOD.replace("1.004837", f"1.{number:06}") for number in range(450)]
    file = sheet(tmp_path, *rows, GOOD.replace(",3,working_day,3 Ngày,", ",1,,1 (không đơn vị),"))
    assert command("import", str(file)) == 0
    said = capsys.readouterr().out
    assert "450 procedures read, 1 rows refused" in said
    assert "refused 1.004837: term without a unit: 1 (không đơn vị)" in said
    assert door.posts == [200, 200, 50]
    assert "enacted 450 changes, 0 stood already; the law is at version 3" in said


def test_importing_again_enacts_only_what_differs(
    door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [GOOD.replace("1.004837", f"1.{number:06}") for number in range(3)]
    command("import", str(sheet(tmp_path, *rows)))
    command("import", str(sheet(tmp_path, *rows)))
    assert door.book.enacted == 1
    command("import", str(sheet(tmp_path, rows[0], rows[1].replace(",3,", ",7,"), rows[2])))
    assert door.posts == [3, 1]
    assert door.book.in_force.procedures["1.000001"].version == 2
    assert door.book.in_force.procedures["1.000001"].term_value == 7
    assert "1 new or changed, 2 as they stand" in capsys.readouterr().out


def test_a_dry_run_enacts_nothing(door: Door, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        command("import", str(sheet(tmp_path, GOOD.replace(",3 Ngày,,", ",3 Ngày,15:00,"))), "--dry-run") == 0
    )
    assert "left out of 1.004837: late cut-off 15:00" in capsys.readouterr().out
    assert (door.posts, door.book.enacted) == ([], 0)


def test_the_file_left_out_is_that_of_the_data_folder(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet(tmp_path, GOOD)
    monkeypatch.setenv("MOTCUA_DATA", str(tmp_path))
    assert command("import") == 0
    assert set(door.book.in_force.procedures) == {"1.004837"}
    monkeypatch.delenv("MOTCUA_DATA")
    with pytest.raises(Failure, match="MOTCUA_DATA"):
        command("import")


def test_what_the_stack_refuses_is_a_failure_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(status: int, body: bytes) -> None:
        transport = httpx.MockTransport(lambda request: httpx.Response(status, content=body))
        monkeypatch.setattr(
            client, "connect", lambda args: client.Client("http://intake", "k", transport=transport)
        )

    answers(403, '{"detail":"chỉ admin"}'.encode())
    with pytest.raises(Failure, match="403 chỉ admin"):
        command("seed")
    answers(200, b'{"procedures":[{"code":1}]}')
    with pytest.raises(Failure, match="not a list of procedures"):
        command("seed")
