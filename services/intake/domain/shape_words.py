"""A defect of form in words an officer reads: what was expected at a field, in Vietnamese.

The decoder says what it found in English and quotes patterns; nobody at a counter reads either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

_FORMS: Final[Mapping[str, str]] = {
    "procedure": "Mã thủ tục có dạng 2.000635 hoặc 2.000635.000.00.00.H52",
    "agency": "Mã cơ quan gồm 3–35 chữ in hoa, chữ số và dấu chấm, ví dụ H52.18",
    "successor": "Mã cơ quan gồm 3–35 chữ in hoa, chữ số và dấu chấm, ví dụ H52.18",
    "reason": "Lý do là một mã gồm chữ thường không dấu, chữ số và gạch dưới, ví dụ papers_missing",
    "key": "Khóa gồm 1–128 ký tự ASCII in được, không có dấu cách",
    "dossier_key": "Khóa gồm 1–128 ký tự ASCII in được, không có dấu cách",
    "dossier_id": "Mã định danh hồ sơ gồm 32 chữ số thập lục phân viết thường",
    "province": "Mã tỉnh có dạng H52",
    "to_agency": "Mã cơ quan gồm 3–35 chữ in hoa, chữ số và dấu chấm, ví dụ H52.18",
    "seal": "Mã con dấu gồm 3–63 chữ in hoa, chữ số, dấu chấm và gạch nối, ví dụ H52.18-01",
    "evidence": "Chứng cứ là mã do /v1/signatures cấp, nhiều nhất 4096 ký tự ASCII in được",
    "fingerprint": "Dấu vân tay chứng thư là SHA-256 gồm 64 chữ số thập lục phân viết thường",
    "keeper": "Người giữ dấu ghi bằng bí danh gồm 32 chữ số thập lục phân viết thường",
    "holder": "Chủ chứng thư ghi bằng bí danh gồm 32 chữ số thập lục phân viết thường",
}
"""What stands for a pattern, by the name of the field."""

_CHOICES: Final[Mapping[str, str]] = {
    "channel": "Kênh là một trong: counter, online, postal",
    "action": "Thao tác không có trong danh mục",
    "place": "Nơi thực hiện là centre (tại trung tâm) hoặc office (tại cơ quan)",
    "step": "Bước là một trong: receive, appraise, approve, stamp, return",
    "online": "Mức trực tuyến là một trong: none, partial, full",
    "days.kind": "Loại ngày là off hoặc work",
    "kind": "Loại con dấu là một trong: agency, second, received, copy, cross_page; loại chứng thư là "
    "organisation hoặc person",
}

_KINDS: Final[Mapping[str, str]] = {
    "str": "chuỗi ký tự",
    "int": "số nguyên",
    "float": "số thập phân",
    "bool": "true hoặc false",
    "object": "một đối tượng JSON",
    "array": "một danh sách",
    "null": "null",
    "datetime": "thời điểm",
    "date": "ngày",
    "time": "giờ",
}

_MOMENTS: Final[Mapping[str, str]] = {
    "datetime": "Thời điểm theo RFC 3339, ví dụ 2026-03-05T08:00:00+07:00",
    "date": "Ngày có thật, dạng 2026-03-05",
    "time": "Giờ có dạng 07:30:00",
}

_AT: Final = re.compile(r" - at `\$.*`$")
_LIMIT: Final = re.compile(r"Expected `(\w+)`( of length)? (>=|<=|>|<) (\S+)")
_TYPES: Final = re.compile(r"Expected `([^`]+)`, got `(\w+)`")
_MOMENT: Final = re.compile(r"Invalid RFC3339 encoded (\w+)")
_FIELD: Final = re.compile(r"Object (missing required|contains unknown) field `(.{0,80}?)`")
_INDEX: Final = re.compile(r"\[\d+\]")


def in_words(defect: str, field: str | None) -> str:
    """What the decoder's message `defect` says about `field` (a dotted path)."""
    text = _AT.sub("", defect)
    within, _, name = _INDEX.sub("", field or "").rpartition(".")
    if found := _FIELD.match(text):
        missing = found[1].startswith("missing")
        return f"Thiếu trường {found[2]}" if missing else f"Không có trường nào tên là {found[2]}"
    if "matching regex" in text:
        return _FORMS.get(name, "Giá trị không đúng mẫu quy định")
    if text.startswith("Invalid enum value") or text.startswith("Invalid value"):
        where = f"{within.rpartition('.')[2]}.{name}"
        return _CHOICES.get(where) or _CHOICES.get(name, "Giá trị không có trong danh mục")
    if found := _MOMENT.match(text):
        return _MOMENTS.get(found[1], "Thời gian không đúng mẫu quy định")
    if "timezone" in text:
        return "Thời điểm phải ghi rõ múi giờ, ví dụ +07:00"
    if found := _LIMIT.match(text):
        return _limit(found[1], bool(found[2]), found[3], found[4])
    if found := _TYPES.match(text):
        # That a field may be null is said to nobody: who has nothing to say leaves it out.
        said = [kind.strip() for kind in found[1].split("|") if kind.strip() != "null"]
        kinds = [_KINDS.get(kind, "giá trị khác") for kind in said]
        return f"Cần {' hoặc '.join(kinds)}, nhận được {_KINDS.get(found[2], 'giá trị khác')}"
    if text == "Number out of range":
        return "Số nằm ngoài phạm vi cho phép"
    return "Giá trị không hợp lệ"


def _limit(kind: str, length: bool, sign: str, bound: str) -> str:
    words = {">=": "ít nhất", "<=": "nhiều nhất", ">": "lớn hơn", "<": "nhỏ hơn"}[sign]
    if not length:
        return f"Giá trị phải {words.replace('ít nhất', 'từ').replace('nhiều nhất', 'không quá')} {bound}"
    return f"Cần {words} {bound} {'phần tử' if kind == 'array' else 'ký tự'}"


def why_no_document(data: bytes) -> str:
    """Why `data`, which the decoder could not read, is no JSON document."""
    if not data.strip():
        return "Nội dung trống"
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return "Không phải văn bản mã UTF-8"
    try:
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "Chuỗi ký tự chứa một nửa cặp thay thế Unicode (\\ud800 đến \\udfff) đứng lẻ"
    except json.JSONDecodeError as error:
        ended = error.pos >= len(text.rstrip())
        return "JSON bị cắt cụt" if ended else f"JSON sai cú pháp ở ký tự thứ {error.pos + 1}"
    except (RecursionError, ValueError):
        return TOO_DEEP
    return "Không phải tài liệu JSON hợp lệ"


TOO_DEEP: Final = "JSON lồng quá sâu hoặc có số nằm ngoài phạm vi"
