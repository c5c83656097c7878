"""Defects of form in words: what an officer reads quotes no pattern and no message of a decoder."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from services.intake.domain.decoding import (
    decode_action,
    decode_law,
    decode_line,
    decode_register,
    decode_time,
)
from services.intake.domain.refusals import Refused
from services.intake.domain.shape_words import in_words

REGISTER = {"procedure": "2.000635", "agency": "H52.18", "channel": "counter"}
CALENDAR = {"type": "CalendarAmended", "years": [2026], "days": [], "source": "x"}
ENGLISH = re.compile(r"expected|invalid|object|truncated|malformed|\^|\\d", re.IGNORECASE)


def _refusal(decode: Any, data: bytes) -> Refused:
    with pytest.raises(Refused) as refused:
        decode(data)
    assert refused.value.reason == "bad_shape"
    return refused.value


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"procedure": "two"}, "procedure", "Mã thủ tục có dạng 2.000635"),
        ({"procedure": 2}, "procedure", "Cần chuỗi ký tự, nhận được số nguyên"),
        ({"agency": "h"}, "agency", "Mã cơ quan gồm 3–35 chữ in hoa"),
        ({"channel": "pigeon"}, "channel", "Kênh là một trong: counter, online, postal"),
        ({"applicant": ""}, "applicant", "Cần ít nhất 1 ký tự"),
        ({"applicant": "x" * 201}, "applicant", "Cần nhiều nhất 200 ký tự"),
        ({"applicant": 1.5}, "applicant", "Cần chuỗi ký tự, nhận được số thập phân"),
        ({"at": "2026-02-30T00:00:00Z"}, "at", "Thời điểm theo RFC 3339"),
        ({"at": "2026-03-05T10:00:00"}, "at", "múi giờ"),
        ({"colour": 1}, "colour", "Không có trường nào tên là colour"),
        ({"channel": None}, "channel", "Cần chuỗi ký tự, nhận được null"),
        ({"applicant": "a\x01"}, "applicant", "ký tự điều khiển"),
    ],
    ids=range(12),
)
def test_a_registration(change: dict[str, Any], field: str, words: str) -> None:
    refused = _refusal(decode_register, json.dumps({**REGISTER, **change}).encode())
    assert refused.field == field
    assert words in refused.rule
    assert not ENGLISH.search(refused.rule)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (b'{"procedure":"2.000635"}', "agency", "Thiếu trường agency"),
        (b'{"procedure":[}', "procedure", "Cần chuỗi ký tự, nhận được một danh sách"),
        (b"[]", None, "Cần một đối tượng JSON, nhận được một danh sách"),
        (b'{"at":1e400}', "at", "Số nằm ngoài phạm vi"),
        (b"", None, "Nội dung trống"),
        (b'{"procedure":', None, "JSON bị cắt cụt"),
        (b'{"procedure" 1}', None, "JSON sai cú pháp ở ký tự thứ 14"),
        (b'{"procedure":"\xff"}', None, "Không phải văn bản mã UTF-8"),
        (b'{"procedure":"\\ud800"}', None, "nửa cặp thay thế Unicode"),
        (b'{"procedure":NaN}', None, "Không phải tài liệu JSON hợp lệ"),
        (b'{"procedure":NaN,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", None, "lồng quá sâu"),
        (
            b'{"procedure":"2.000635","agency":"H52","agency":"H52","channel":"postal"}',
            "agency",
            "hai lần",
        ),
    ],
    ids=range(12),
)
def test_a_document(body: bytes, field: str | None, words: str) -> None:
    refused = _refusal(decode_register, body)
    assert refused.field == field
    assert words in refused.rule
    assert not ENGLISH.search(refused.rule)


@pytest.mark.parametrize(
    ("decode", "body", "words"),
    [
        (decode_action, b'{"reason":"Too long a text"}', "Lý do là một mã"),
        (decode_action, b'{"score":0}', "Giá trị phải từ 1"),
        (decode_action, b'{"score":6}', "Giá trị phải không quá 5"),
        (decode_action, b'{"place":"home"}', "Nơi thực hiện là centre"),
        (decode_action, b'{"seal":"a"}', "Mã con dấu gồm 3–63 chữ in hoa"),
        (decode_action, b'{"evidence":"a b"}', "Chứng cứ là mã do /v1/signatures cấp"),
        (decode_action, b'{"to_agency":"h"}', "Mã cơ quan gồm 3–35 chữ in hoa"),
        (decode_action, b'{"override":"yes"}', "Cần true hoặc false, nhận được chuỗi ký tự"),
        (decode_action, b'{"score":"5"}', "Cần số nguyên, nhận được chuỗi ký tự"),
        (decode_action, b'{"value":0}', "Giá trị phải từ 1"),
        (decode_line, b"", "Dòng trống"),
        (decode_line, b"  \r", "Dòng trống"),
        (decode_line, b'{"key":"k","action":"explode"}', "Thao tác không có trong danh mục"),
        (decode_line, b'{"key":"a b","action":"stamp"}', "Khóa gồm 1–128 ký tự"),
        (decode_line, b'{"key":"k","action":"stamp","dossier_key":"a b"}', "Khóa gồm 1–128 ký tự"),
        (decode_line, b'{"key":"k","action":"stamp","dossier_id":"x"}', "32 chữ số thập lục phân"),
        (decode_line, b'{"key":"\\udc00","action":"stamp"}', "nửa cặp thay thế Unicode"),
        (decode_time, b'{"to":"noon"}', "Thời điểm theo RFC 3339"),
        (decode_law, b'{"changes":[]}', "Cần ít nhất 1 phần tử"),
        (decode_law, b'{"changes":[{"type":"N"}]}', "Giá trị không có trong danh mục"),
    ],
    ids=range(20),
)
def test_other_bodies(decode: Any, body: bytes, words: str) -> None:
    refused = _refusal(decode, body)
    assert words in refused.rule
    assert not ENGLISH.search(refused.rule)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"years": [1]}, "changes[0].years[0]", "Giá trị phải từ 1990"),
        ({"days": [{"date": "x"}]}, "changes[0].days[0].date", "Ngày có thật"),
        ({"sessions": []}, "changes[0].sessions", "Cần ít nhất 7 phần tử"),
        ({"sessions": [[["7", "8"]]] * 7}, "changes[0].sessions[0][0][0]", "Giờ có dạng 07:30:00"),
        ({"province": "x"}, "changes[0].province", "Mã tỉnh có dạng H52"),
        ({"colour": 1}, "changes[0].colour", "Không có trường nào tên là colour"),
        (
            {"days": [{"date": "2026-01-01", "kind": "x", "name_vi": "", "source": ""}]},
            "changes[0].days[0].kind",
            "Loại ngày là off hoặc work",
        ),
        ({"type": "SealRegistered", "kind": "wax"}, "changes[0].kind", "Loại con dấu là một trong: agency"),
        ({"type": "CertificateRegistered", "fingerprint": "x"}, "changes[0].fingerprint", "SHA-256"),
    ],
    ids=range(9),
)
def test_law(change: dict[str, Any], field: str, words: str) -> None:
    refused = _refusal(decode_law, json.dumps({"changes": [{**CALENDAR, **change}]}).encode())
    assert refused.field == field
    assert words in refused.rule
    assert not ENGLISH.search(refused.rule)


@pytest.mark.parametrize(
    ("defect", "words"),
    [
        ("Expected `str` matching regex '^x$' - at `$.colour`", "Giá trị không đúng mẫu quy định"),
        ("Expected `int` > 3", "Giá trị phải lớn hơn 3"),
        ("Expected `str` of length < 3", "Cần nhỏ hơn 3 ký tự"),
        ("Invalid RFC3339 encoded week", "Thời gian không đúng mẫu quy định"),
        ("Expected `uuid`, got `bytes`", "Cần giá trị khác, nhận được giá trị khác"),
        ("Something nobody foresaw", "Giá trị không hợp lệ"),
    ],
)
def test_what_the_shapes_do_not_use_yet_has_words_too(defect: str, words: str) -> None:
    assert in_words(defect, "colour") == words
