"""Reading a history and cutting it into bodies."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from motcua.failure import Failure
from motcua.replaying.history import MOST_BYTES, HistoryError, Recording

HEADER = (
    b'{"history":{"profile":"p","seed":1,"scale":1.0,"period":{"from":"2020-01-01","to":"2020-12-31"},'
    b'"dossiers":3,"time_to":"2020-12-31T23:59:59+07:00"}}\n'
)


def _line(number: int, action: str = "accept", at: str = "2020-03-01T08:00:00+07:00") -> bytes:
    return f'{{"key":"k{number}","action":"{action}","at":"{at}"}}\n'.encode()


def test_the_header_is_read_and_not_sent() -> None:
    three = [_line(number, "register") for number in range(3)]
    recording = Recording([HEADER, *three])
    assert recording.about is not None
    assert recording.about.dossiers == 3
    assert recording.about.period is not None
    assert recording.about.period.last == date(2020, 12, 31)
    assert [chunk.lines for chunk in recording.chunks()] == [[line.strip() for line in three]]
    assert recording.time_to == datetime.fromisoformat("2020-12-31T23:59:59+07:00")


def test_without_a_header_the_clock_goes_to_the_last_command() -> None:
    recording = Recording([_line(1, at="2020-05-01T08:00:00+07:00"), b"\n", _line(2)])
    assert [len(chunk.lines) for chunk in recording.chunks()] == [2]
    assert recording.time_to == datetime.fromisoformat("2020-05-01T08:00:00+07:00")


def test_bodies_are_cut_by_lines_and_keep_the_order() -> None:
    lines = [_line(number, "register" if number % 2 else "accept") for number in range(7)]
    chunks = list(Recording(lines).chunks(3))
    assert [len(chunk.lines) for chunk in chunks] == [3, 3, 1]
    assert [line for chunk in chunks for line in chunk.lines] == [line.strip() for line in lines]
    assert [chunk.registrations for chunk in chunks] == [1, 2, 0]


def test_bodies_are_cut_by_size() -> None:
    line = b'{"key":"' + b"k" * (MOST_BYTES // 3) + b'"}\n'
    chunks = list(Recording([line] * 7).chunks())
    assert [len(chunk.lines) for chunk in chunks] == [2, 2, 2, 1]
    assert all(chunk.size <= MOST_BYTES for chunk in chunks)


@pytest.mark.parametrize(
    "wrong", [b'{"key":"k"', b"\xff\xfe", b"<html>", b'{"key":"\xff"}', b'{"key":"k"} {}'], ids=range(5)
)
def test_a_line_that_is_not_json_is_named_by_its_number(wrong: bytes) -> None:
    with pytest.raises(HistoryError, match=r"^line 1 is not JSON: "):
        Recording([wrong + b"\n", _line(1)])
    recording = Recording([HEADER, b"\n", _line(1, "register"), wrong + b"\n", _line(2)])
    with pytest.raises(HistoryError, match=r"^line 4 is not JSON: "):
        list(recording.chunks())


@pytest.mark.parametrize("wrong", [b"[]", b"1", b'"text"', b"null"])
def test_a_line_that_is_no_object_is_named_by_its_number(wrong: bytes) -> None:
    with pytest.raises(HistoryError, match=r"^line 2 is not a JSON object$"):
        list(Recording([_line(1), wrong]).chunks())


def test_a_member_of_a_wrong_type_is_left_to_the_door() -> None:
    wrong = b'{"key":"k","action":7,"at":"yesterday"}'
    assert [chunk.lines for chunk in Recording([wrong]).chunks()] == [[wrong]]
    with pytest.raises(HistoryError, match=r"^line 1 is not JSON"):
        Recording([wrong.removesuffix(b"}")])


@pytest.mark.parametrize(("registered", "told"), [(2, "holds 2"), (4, "holds 4")])
def test_a_history_that_does_not_hold_what_its_header_says_is_refused(registered: int, told: str) -> None:
    lines = [HEADER, *(_line(number, "register") for number in range(registered))]
    sent: list[object] = []
    with pytest.raises(HistoryError, match=f"the header says 3 dossiers, the history {told}"):
        sent.extend(Recording(lines).chunks())
    with pytest.raises(HistoryError, match=f"the header says 3 dossiers, the history {told}"):
        Recording(lines).check()


def test_a_whole_history_passes_the_check() -> None:
    Recording([HEADER, *(_line(number, "register") for number in range(3)), _line(9)]).check()
    Recording([_line(1)]).check()


@pytest.mark.parametrize("source", [[], [b"\n", b"  \n"]])
def test_an_empty_history_is_refused(source: list[bytes]) -> None:
    with pytest.raises(Failure, match="empty"):
        Recording(source)


@pytest.mark.parametrize(
    "header", [b'{"history":{}}', b'{"history":{"time_to":"2020-12-31T00:00:00"}}', b'{"history":7}']
)
def test_a_header_that_cannot_be_read_is_refused(header: bytes) -> None:
    with pytest.raises(Failure, match="header"):
        Recording([header])


def test_commands_without_a_time_give_no_time_to_go_to() -> None:
    recording = Recording([b'{"key":"k"}'])
    assert len(list(recording.chunks())) == 1
    with pytest.raises(Failure, match="says when it happened"):
        _ = recording.time_to
