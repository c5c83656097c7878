"""`motcua due` and `motcua calendar`: one question, files of them, and what an amendment would move."""

from __future__ import annotations

import csv
import json
import tracemalloc
from datetime import date, time, timedelta
from pathlib import Path

import pytest

from legalclock.calendar import Day, DayKind
from motcua.__main__ import main
from motcua.default_calendar import calendar_with, day, hour, instant, shipped
from motcua.due_rows import COLUMNS, RESULTS

GOLDEN = [
    ("2025-04-25", 1, "working_day", "2025-04-26"),
    ("2025-04-28", 5, "working_day", "2025-05-08"),
    ("2024-04-26", 3, "working_day", "2024-05-04"),
    ("2026-08-21", 3, "working_day", "2026-08-25"),
    ("2026-08-28", 5, "working_day", "2026-09-09"),
    ("2026-02-13", 5, "working_day", "2026-02-27"),
    ("2026-04-24", 1, "working_day", "2026-04-28"),
    ("2026-11-23", 1, "working_day", "2026-11-25"),
    ("2025-04-17", 15, "calendar_day", "2025-05-05"),
    ("2025-08-17", 15, "calendar_day", "2025-09-03"),
    ("2025-04-11", 15, "calendar_day", "2025-04-26"),
]

Capture = pytest.CaptureFixture[str]


def sheet(path: Path, *lines: str) -> Path:
    file = path / "in.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def batch(path: Path, *lines: str, options: tuple[str, ...] = ()) -> tuple[int, list[dict[str, str]]]:
    """The exit code and the answers for a file with these lines."""
    out = path / "out.csv"
    code = main(["due", "--batch", str(sheet(path, *lines)), "--out", str(out), *options])
    with out.open(encoding="utf-8", newline="") as file:
        return code, list(csv.DictReader(file))


@pytest.mark.parametrize(("received", "term", "unit", "expected"), GOLDEN)
def test_the_golden_vectors_by_the_shipped_calendar(
    received: str, term: int, unit: str, expected: str, capsys: Capture
) -> None:
    assert main(["due", "--received", f"{received}T09:15", "--term", str(term), "--unit", unit]) == 0
    assert capsys.readouterr().out == f"{expected}T17:00:00+07:00\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--received", "2025-06-02T03:17Z"], "2025-06-03T17:00:00+07:00"),
        (["--received", "2025-06-02T10:17", "--mode", "working_hours"], "2025-06-03T10:17:00+07:00"),
        (["--received", "2025-06-02T10:17", "--sessions", "07:00-11:00"], "2025-06-03T11:00:00+07:00"),
        (
            ["--received", "2025-06-06T10:17", "--sessions", ";".join(["08:00-10:30"] * 6)],
            "2025-06-07T10:30:00+07:00",
        ),
        (
            ["--received", "2025-06-06T10:17", "--province", "H52", "--rules", "nd118"],
            "2025-06-09T17:00:00+07:00",
        ),
    ],
)
def test_options_of_one_question(options: list[str], expected: str, capsys: Capture) -> None:
    assert main(["due", *options, "--term", "1", "--unit", "working_day"]) == 0
    assert capsys.readouterr().out.strip() == expected


def test_a_question_explained_in_words_and_as_data(capsys: Capture) -> None:
    asked = [
        "due",
        "--received",
        "2025-08-22T15:01",
        "--term",
        "0",
        "--unit",
        "working_day",
        "--cutoff",
        "15:00",
    ]
    assert main([*asked, "--explain"]) == 0
    words = capsys.readouterr().out.splitlines()
    assert words[0] == "2025-08-25T17:00:00+07:00"
    assert "Nhận sau 15:00 nên trả vào ngày làm việc tiếp theo" in words[2]
    assert main([*asked, "--explain", "--json", "--lang", "en"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["due"], data["received_at"]) == ("2025-08-25T17:00:00+07:00", "2025-08-22T15:01:00+07:00")
    assert [step["kind"] for step in data["steps"]] == ["handed_in", "same_day", "day_ends"]
    assert data["explanation"][1].startswith("Received after 15:00")
    assert main([*asked, "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"due", "received_at"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--received", "2025-04-25"], "date and time"),
        (["--received", "2025-13-25T08:00"], "date and time"),
        (["--received", "0001-01-01T00:00"], "no data for the year 1"),
        (["--received", "2031-01-01T00:00"], "no data for the year 2031"),
        (["--received", "9999-12-31T23:59Z"], "beyond the calendar"),
        (
            ["--received", "2025-04-25T08:00", "--term", "-1"],
            "a term: a whole number from 0 to 100000, got '-1'",
        ),
        (["--received", "2025-04-25T08:00", "--term", "999999"], "at most 100000"),
        (["--received", "2025-04-25T08:00", "--term", "1,5"], "a whole number from 0 to 100000, got '1,5'"),
        (["--received", "2025-04-25T08:00", "--term", "soon"], "a whole number from 0 to 100000, got 'soon'"),
        (["--received", "2025-04-25T08:00", "--term", ""], "a whole number from 0 to 100000, got ''"),
        (["--received", "2025-04-25T08:00", "--term", "1000000"], "from 0 to 100000, got '1000000'"),
        (["--received", "2025-04-25T08:00", "--cutoff", "25:00"], "time of day"),
        (["--received", "2025-04-25T08:00", "--sessions", "08:00-07:00"], "does not end after it starts"),
        (["--received", "2025-04-25T08:00", "--sessions", ";08:00-09:00"], "Monday needs sessions"),
        (["--received", "2025-04-25T08:00", "--sessions", "08:00"], "time of day"),
        (["--received", "2025-04-25T08:00", "--sessions", ";" * 9], "a week has seven days"),
        (["--received", "2025-04-25T08:00", "--province", "52"], "a province code like H52"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(options: list[str], words: str, capsys: Capture) -> None:
    term = [] if "--term" in options else ["--term", "1"]
    assert main(["due", *options, *term, "--unit", "working_day"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("motcua due: ")
    assert error.count("\n") == 1
    assert words in error


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--received", "2025-04-25T08:00"],
        ["--received", "2025-04-25T08:00", "--term", "1", "--unit", "fortnight"],
        ["--received", "2025-04-25T08:00", "--term", "1", "--unit", "month", "--out", "x.csv"],
        ["--batch", "x.csv"],
        ["--batch", "x.csv", "--out", "y.csv", "--json"],
        ["--batch", "x.csv", "--out", "y.csv", "--received", "2025-04-25T08:00"],
    ],
)
def test_wrong_usage_is_exit_code_two(words: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["due", *words])
    assert caught.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_a_file_is_answered_row_by_row_and_a_bad_row_stops_no_other(tmp_path: Path, capsys: Capture) -> None:
    code, rows = batch(
        tmp_path,
        "id,received,term_value,term_unit,cutoff,mode,sessions,rules,error",
        "a,2025-04-28T09:00,5,working_day,,,,,old",
        "b,2025-04-31T09:00,5,working_day,,,,,",
        "",
        "c,2025-08-22T15:01,0,working_day,15:00,,,nd61,",
        'd,2025-06-02T09:00,1,working_day,,working_hours,"08:00-12:00,13:00-17:00",,',
        "e,2025-06-02T09:00,5,fortnight,,,,,",
        "f,2025-06-02T09:00,5,working_day,,sometimes,,,",
        "g,2025-06-02T09:00,5,working_day,,,,nd99,",
        "h,2025-06-02",
        "i,2031-06-02T09:00,5,working_day,,,,,",
        "k,2025-06-02T09:00,1,month,,,,,,too,many",
    )
    assert code == 1
    assert "10 rows, 7 without an answer" in capsys.readouterr().err
    assert list(rows[0])[-3:] == list(RESULTS)
    assert [row["id"] for row in rows] == list("abcdefghik")
    dues = {row["id"]: row["due"] for row in rows if row["due"]}
    assert dues == {
        "a": "2025-05-08T17:00:00+07:00",
        "c": "2025-08-25T17:00:00+07:00",
        "d": "2025-06-03T09:00:00+07:00",
    }
    errors = {row["id"]: row["error"] for row in rows}
    assert not any(errors[name] for name in dues)
    assert "date and time" in errors["b"]
    assert "fortnight" in errors["e"]
    assert "sometimes" in errors["f"]
    assert "nd99" in errors["g"]
    assert errors["h"] == "expected 9 fields, got 2"
    assert "2031" in errors["i"]
    assert errors["k"] == "expected 9 fields, got 11"
    assert "(nd61)" in rows[2]["explanation"]
    assert all(bool(row["due"]) == bool(row["explanation"]) for row in rows)


def test_options_fill_what_a_file_leaves_out(tmp_path: Path) -> None:
    code, rows = batch(
        tmp_path,
        "\ufeffterm_value,received",
        "1,2025-06-02T10:17",
        ",2025-06-02T10:17",
        options=("--term", "3", "--unit", "working_day", "--mode", "working_hours", "--lang", "en"),
    )
    assert code == 0
    assert [row["due"][:10] for row in rows] == ["2025-06-03", "2025-06-05"]
    assert rows[0]["explanation"].startswith("Handed in")


def test_a_file_that_cannot_be_read_is_a_failure_and_leaves_nothing(tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "out.csv"
    for source, words in (
        (tmp_path / "none.csv", "No such file"),
        (sheet(tmp_path, "name,age", "x,1"), "expected a header"),
    ):
        assert main(["due", "--batch", str(source), "--out", str(out)]) == 1
        assert words in capsys.readouterr().err
    assert (
        main(["due", "--batch", str(sheet(tmp_path, *COLUMNS[:1])), "--out", str(tmp_path / "no" / "x")]) == 1
    )
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_bytes_that_are_no_text_and_fields_without_end_stop_no_other_row(tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    good = b"2025-06-02T09:00,1,working_day,ok\n"
    source.write_bytes(
        b"received,term_value,term_unit,note\n"
        + good
        + b"\xff\xfe,1,month,\xff\n"
        + good
        + b"x" * 200_000
        + b",1,month,\n"
        + good
    )
    assert main(["due", "--batch", str(source), "--out", str(out)]) == 1
    lines = out.read_bytes().splitlines()
    assert len(lines) == 6
    assert lines[2].startswith(b"\xff\xfe,1,month,\xff,")
    assert [b"17:00:00+07:00" in line for line in lines] == [False, True, False, True, False, True]
    assert b"field larger than field limit" in lines[4]


def test_the_memory_of_a_file_does_not_grow_with_its_rows(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        source = sheet(
            tmp_path,
            "received,term_value,term_unit,sessions",
            *(f"2025-06-02T09:00,{n % 9},working_day,07:{n % 60:02}-11:00" for n in range(rows)),
        )
        tracemalloc.start()
        assert main(["due", "--batch", str(source), "--out", str(tmp_path / "out.csv")]) == 0
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few = peak(300)
    assert peak(3000) < few + 2_000_000


# The calendar


def test_a_year_is_shown_with_names_and_sources(capsys: Capture) -> None:
    assert main(["calendar", "show", "2026"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("2026-01-10  thứ Bảy   làm" in line and "12729/VPCP-KGVX" in line for line in lines)
    assert "thứ Hai   07:30-11:30, 13:30-17:00" in lines
    assert "Chủ nhật  nghỉ" in lines
    assert lines[-1] == "249 ngày làm việc, 1867.5 giờ làm việc"
    assert main(["calendar", "show", "2031"]) == 1
    assert "no data for the year 2031" in capsys.readouterr().err


FILE = (
    "id,received,term_value,term_unit,sessions",
    "a,2025-04-28T09:00,5,working_day,",
    "b,2025-06-02T09:00,5,working_day,",
    "c,2025-08-22T09:00,1,working_day,07:00-11:00",
    ",2025-08-22T09:00,1,working_day,",
    "e,tomorrow,1,working_day,",
)


def test_an_amendment_is_tried_on_dossiers(tmp_path: Path, capsys: Capture) -> None:
    file = str(sheet(tmp_path, *FILE))
    tried = ["calendar", "what-if", "--dossiers", file]
    assert main([*tried, "--off", "2025-05-06", "--work", "2025-08-23"]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        "id,before,after",
        "a,2025-05-08T17:00:00+07:00,2025-05-09T17:00:00+07:00",
        "c,2025-08-25T11:00:00+07:00,2025-08-23T11:00:00+07:00",
        "line 5,2025-08-25T17:00:00+07:00,2025-08-23T17:00:00+07:00",
    ]
    assert "e: expected a date and time" in shown.err
    assert "5 rows, 3 due dates move, 1 could not be counted" in shown.err
    good = str(sheet(tmp_path, *FILE[:3]))
    assert main(["calendar", "--province", "H52", "what-if", "--dossiers", good, "--off", "2025-07-01"]) == 0
    assert capsys.readouterr().out == "id,before,after\r\n"


NEW_YEAR = date(2025, 1, 1)
ALL_OF_2025 = [word for n in range(365) for word in ("--off", str(NEW_YEAR + timedelta(days=n)))]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "name a day"),
        (["--off", "2025-05-06", "--work", "2025-05-06"], "2025-05-06 cannot be both"),
        (["--off", "06/05/2025"], "expected a date"),
        (ALL_OF_2025, "no working day"),
    ],
)
def test_an_amendment_that_cannot_be_is_refused(
    options: list[str], words: str, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["calendar", "what-if", "--dossiers", str(sheet(tmp_path, *FILE)), *options]) == 1
    assert words in capsys.readouterr().err


def test_texts_are_read_strictly() -> None:
    assert instant("2025-06-02 09:00") == instant("2025-06-02T02:00Z")
    assert day("2025-06-02") == date(2025, 6, 2)
    assert hour("15:00") == time(15)
    for wrong in ("24:00", "9:00", "15:60", "15:00:00", ""):
        with pytest.raises(ValueError, match="time of day"):
            hour(wrong)
    assert calendar_with("", "") is shipped()
    assert shipped().row(date(2026, 1, 10)) == Day(
        date(2026, 1, 10),
        DayKind.WORK,
        "Làm bù (thay cho ngày 02/01/2026)",
        "Văn bản 12729/VPCP-KGVX ngày 25/12/2025",
    )
