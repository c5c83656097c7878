"""Rows of a catalogue: taken as they are, or refused with the reason; late cut-offs by their scope."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from datetime import date, time
from pathlib import Path

import pytest

from contracts.law import Fee, ProcedurePublished
from contracts.words import Channel, OnlineLevel, TermUnit
from motcua.failure import Failure
from motcua.procedure_extras import EXTRAS, SILENT
from motcua.procedure_rows import CUTOFFS_FILE, PORT_FIELDS, Remark, read_procedures

DATA = os.environ.get("MOTCUA_DATA")
HEADER = (
    "code,name_vi,field_vi,level,term_value,term_unit,term_raw,late_cutoff,fee_vnd,channels,result_vi,source"
)
GOOD = "1.004837,Đăng ký giám hộ,Hộ tịch,commune,3,working_day,3 Ngày,,0,direct|online|postal,,nguồn"


def sheet(path: Path, *rows: str, header: str = HEADER) -> Path:
    file = path / "procedures.csv"
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return file


def test_a_row_becomes_a_procedure(tmp_path: Path) -> None:
    found = read_procedures(sheet(tmp_path, GOOD))
    assert found.changes == [
        ProcedurePublished(
            code="1.004837",
            version=1,
            name_vi="Đăng ký giám hộ",
            field_vi="Hộ tịch",
            level="commune",
            term_value=3,
            term_unit=TermUnit.WORKING_DAY,
            channels=(Channel.COUNTER, Channel.ONLINE, Channel.POSTAL),
            fee_vnd=None,  # 0 means that there is no fee line
            source="nguồn",
        )
    ]
    assert (found.rejected, found.left_out) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "reason", "detail"),
    [
        (
            ",3,working_day,3 Ngày,",
            ",1,,1 (nguồn không ghi đơn vị),",
            "term without a unit",
            "1 (nguồn không ghi đơn vị)",
        ),
        (",3,working_day,3 Ngày,", ",,,Không có thông tin,", "no term", "Không có thông tin"),
        (",3,working_day,", ",3,fortnight,", "unknown unit of a term", "fortnight"),
        (",3,working_day,", ",-3,working_day,", "term is no whole number", "-3"),
        (",3,working_day,", ",٣,working_day,", "term is no whole number", "٣"),
        (",3,working_day,", ",9999,working_day,", "not a procedure", "term_value"),
        ("direct|online|postal", "direct|pigeon", "unknown channel", "direct|pigeon"),
        ("direct|online|postal", "", "no channel", ""),
        (",0,direct", ",free,direct", "fee is no whole number", "free"),
        ("1.004837", "1004837", "not a procedure", "code"),
        ("Đăng ký giám hộ", "", "not a procedure", "name_vi"),
    ],
)
def test_a_row_that_cannot_be_known_is_refused_with_the_reason(
    tmp_path: Path, old: str, new: str, reason: str, detail: str
) -> None:
    found = read_procedures(sheet(tmp_path, GOOD.replace(old, new), GOOD.replace("1.004837", "1.000001")))
    assert [change.code for change in found.changes] == ["1.000001"]
    (remark,) = found.rejected
    assert remark.reason == reason
    assert detail in remark.detail


def test_a_code_that_occurs_again_is_refused(tmp_path: Path) -> None:
    found = read_procedures(sheet(tmp_path, GOOD, GOOD.replace(",3,", ",5,")))
    assert [change.term_value for change in found.changes] == [3]
    assert found.rejected == [Remark("1.004837", "code occurs again", "Đăng ký giám hộ")]


@pytest.mark.parametrize("field", sorted(PORT_FIELDS))
def test_hours_at_ports_are_hours_of_the_clock(tmp_path: Path, field: str) -> None:
    hours = GOOD.replace(",3,working_day,", ",2,working_hour,")
    at_port = hours.replace("1.004837", "1.000001").replace("Hộ tịch", field)
    days_at_port = GOOD.replace("1.004837", "1.000002").replace("Hộ tịch", field)
    units = [
        change.term_unit for change in read_procedures(sheet(tmp_path, hours, at_port, days_at_port)).changes
    ]
    assert units == [TermUnit.WORKING_HOUR, TermUnit.CLOCK_HOUR, TermUnit.WORKING_DAY]


CUT_OFF = GOOD.replace(",3 Ngày,,", ",3 Ngày,15:00,")


@pytest.mark.parametrize(
    ("scopes", "cutoff", "left_out"),
    [
        ("1.004837,15:00,result", time(15), []),
        ("1.004837,15:00,registration", time(15), []),
        ("1.004837,15:00,reply_letter", None, ["15:00: it concerns reply_letter"]),
        ("1.004837,16:00,result", None, ["15:00: its scope is not known"]),
        ("1.000001,15:00,result", None, ["15:00: its scope is not known"]),
    ],
)
def test_a_late_cut_off_counts_only_in_a_scope_about_the_receipt(
    tmp_path: Path, scopes: str, cutoff: time | None, left_out: Sequence[str]
) -> None:
    (tmp_path / CUTOFFS_FILE).write_text(f"code,late_cutoff,scope\n{scopes}\n", encoding="utf-8")
    found = read_procedures(sheet(tmp_path, CUT_OFF))
    (procedure,) = found.changes
    assert procedure.late_cutoff == cutoff
    assert ("mốc nhận 15:00" in procedure.source) == (cutoff is not None)
    assert [remark.detail for remark in found.left_out] == left_out


def test_without_the_file_of_scopes_no_cut_off_is_imported(tmp_path: Path) -> None:
    found = read_procedures(sheet(tmp_path, CUT_OFF))
    assert found.changes[0].late_cutoff is None
    assert found.left_out == [Remark("1.004837", "late cut-off", "15:00: its scope is not known")]


def test_a_scope_column_comes_first(tmp_path: Path) -> None:
    (tmp_path / CUTOFFS_FILE).write_text(
        "code,late_cutoff,scope\n1.004837,15:00,reply_letter\n", encoding="utf-8"
    )
    header = HEADER + ",late_cutoff_scope"
    assert read_procedures(sheet(tmp_path, CUT_OFF + ",result", header=header)).changes[
        0
    ].late_cutoff == time(15)
    bad = CUT_OFF.replace("15:00", "3 giờ chiều") + ",result"
    assert read_procedures(sheet(tmp_path, bad, header=header)).rejected == [
        Remark("1.004837", "late cut-off is no time", "3 giờ chiều")
    ]


MORE = HEADER + ",fees,on_site,announced_on,posted_on,statutory_value,statutory_unit"
WHOLE = (
    GOOD.replace("direct|online|postal", "direct|online:partial|postal")
    + ",Lệ phí=20000|Lệ phí nộp trực tuyến@online=10000,yes,2025-06-01,2025-06-05,5,working_day"
)


def test_a_row_may_say_more(tmp_path: Path) -> None:
    found = read_procedures(sheet(tmp_path, WHOLE, header=MORE))
    (procedure,) = found.changes
    assert procedure.channels == (Channel.COUNTER, Channel.ONLINE, Channel.POSTAL)
    assert (procedure.online, procedure.on_site) == (OnlineLevel.PARTIAL, True)
    assert (procedure.announced_on, procedure.posted_on) == (date(2025, 6, 1), date(2025, 6, 5))
    assert (procedure.statutory_value, procedure.statutory_unit) == (5, TermUnit.WORKING_DAY)
    assert procedure.fees == (
        Fee(name_vi="Lệ phí", amount_vnd=20_000),
        Fee(name_vi="Lệ phí nộp trực tuyến", amount_vnd=10_000, channel=Channel.ONLINE),
    )
    assert found.unsaid == {"1.004837": frozenset({"due_mode", "on_supplement", "steps", "forms"})}


def test_an_empty_cell_says_nothing(tmp_path: Path) -> None:
    found = read_procedures(sheet(tmp_path, GOOD + ",,,,,,", header=MORE))
    assert found.changes == read_procedures(sheet(tmp_path, GOOD)).changes
    assert found.unsaid["1.004837"] == SILENT | EXTRAS


@pytest.mark.parametrize(
    ("old", "new", "reason", "detail"),
    [
        ("online:partial", "online:mostly", "unknown channel", "online:mostly"),
        ("online:partial", "online:none", "unknown channel", "online:none"),
        ("direct|", "direct:full|", "unknown channel", "direct:full"),
        ("direct|online:partial|postal", "direct", "not a procedure", "fees[1].channel"),
        ("Lệ phí=20000", "Lệ phí", "not a fee", "Lệ phí"),
        ("@online=", "@pigeon=", "not a fee", "pigeon"),
        (",yes,", ",có,", "on_site is neither yes nor no", "có"),
        ("2025-06-05", "5/6/2025", "not a procedure", "posted_on"),
        (",5,working_day", ",x,working_day", "statutory term is no whole number", "x"),
        (",5,working_day", ",5,fortnight", "not a procedure", "statutory_unit"),
        (",5,working_day", ",5,", "not a procedure", "statutory_unit"),
        (",5,working_day", ",2,working_day", "not a procedure", "statutory_value"),
    ],
)
def test_a_row_that_contradicts_itself_is_refused(
    tmp_path: Path, old: str, new: str, reason: str, detail: str
) -> None:
    assert WHOLE.count(old) == 1
    found = read_procedures(sheet(tmp_path, WHOLE.replace(old, new), header=MORE))
    assert found.changes == []
    (remark,) = found.rejected
    assert remark.reason == reason
    assert detail in remark.detail


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"code,name_vi\n1.004837,x\n", "expected columns"),
        (b"", "expected columns"),
        (HEADER.encode() + b"\n" + GOOD.encode() + b",more\n", "line 2"),
        (HEADER.encode() + b"\n1.004837,\xff\n", "utf-8"),
        (HEADER.encode() + b'\n1.004837,"' + b"x" * 200_000 + b'"\n', "field larger"),
        (HEADER.encode() + b'\n1.004837,"x\n', "unexpected end"),
    ],
)
def test_a_file_that_is_no_catalogue_is_a_failure_with_its_name(
    tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "procedures.csv"
    file.write_bytes(content)
    with pytest.raises(Failure, match=words) as caught:
        read_procedures(file)
    assert str(file) in str(caught.value)


def test_a_missing_file_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="No such file"):
        read_procedures(tmp_path / "none.csv")


@pytest.mark.skipif(not DATA, reason="MOTCUA_DATA names no folder of real data")
def test_the_real_catalogue_is_read_whole() -> None:
    found = read_procedures(Path(DATA or "") / "procedures.csv")
    assert len(found.changes) + len(found.rejected) == 2642
    assert Counter(remark.reason for remark in found.rejected) == {"term without a unit": 296, "no term": 187}
    assert len(found.left_out) == 26  # reply letters
    assert {p.late_cutoff for p in found.changes} == {None, time(15)}
    assert any(p.term_unit is TermUnit.CLOCK_HOUR for p in found.changes)
    assert not any(p.fee_vnd == 0 for p in found.changes)
