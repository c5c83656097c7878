"""Bytes from outside to a request, strictly: every defect names its field.

Refused are: what is not UTF-8 JSON of the right shape, an object that names a member twice, and text
with control characters (NUL among them), also where a pattern would let a trailing line feed through.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from services.intake.domain.refusals import Refused, bad_shape
from services.intake.domain.requests import ActionRequest, BulkLine, LawRequest, RegisterRequest, TimeRequest
from services.intake.domain.shape_words import TOO_DEEP, in_words, why_no_document

T = TypeVar("T", bound=msgspec.Struct)

# C0 and C1 controls, and the two separators that break a line in logs and scripts.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_PLACE: Final = re.compile(r" - at `\$\.?(.*?)`$")
_NAMED: Final = re.compile(r"field `([^`]{1,80})`")

_register: Final = msgspec.json.Decoder(RegisterRequest)
_action: Final = msgspec.json.Decoder(ActionRequest)
_line: Final = msgspec.json.Decoder(BulkLine)
_law: Final = msgspec.json.Decoder(LawRequest)
_time: Final = msgspec.json.Decoder(TimeRequest)

LINE_LIMIT: Final = 64 * 1024
"""Bytes of one line of a bulk request."""


def decode_register(data: bytes) -> RegisterRequest:
    """Body of a registration. Raises Refused (bad_shape)."""
    return _decode(_register, data)


def decode_action(data: bytes) -> ActionRequest:
    """Body of an action; no body means no fields. Raises Refused (bad_shape)."""
    return _decode(_action, data or b"{}")


def decode_line(data: bytes) -> BulkLine:
    """One line of a bulk request. Raises Refused (bad_shape)."""
    if len(data) > LINE_LIMIT:
        raise bad_shape(None, f"Một dòng dài tối đa {LINE_LIMIT} byte")
    if not data.strip():
        raise bad_shape(None, "Dòng trống: mỗi dòng phải là một đối tượng JSON")
    return _decode(_line, data)


def decode_time(data: bytes) -> TimeRequest:
    """Body of a clock move. Raises Refused (bad_shape)."""
    return _decode(_time, data)


def decode_law(data: bytes) -> LawRequest:
    """Body of a law change; unknown members are refused at every depth. Raises Refused (bad_shape)."""
    request = _decode(_law, data)
    known = msgspec.to_builtins(request)
    _check_known(json.loads(data), known, "")
    return request


def _decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    try:
        value = decoder.decode(data)
        # A typed decoder takes the last of two members of one name without a word; this pass does not.
        json.loads(data, object_pairs_hook=_members_once)
    except msgspec.ValidationError as error:
        raise _explain(error) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_shape(None, why_no_document(data)) from error
    except (RecursionError, ValueError) as error:
        raise bad_shape(None, TOO_DEEP) from error
    check_text(msgspec.to_builtins(value), "")
    return value


def _members_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = max(Counter(name for name, _ in pairs).items(), key=lambda item: item[1])[0]
        raise bad_shape(twice[:80], "Trường này xuất hiện hai lần trong một đối tượng")
    return members


def _explain(error: msgspec.ValidationError) -> Refused:
    text = str(error)
    place = _PLACE.search(text)
    parts = [place.group(1)] if place and place.group(1) else []
    named = _NAMED.search(text)
    if named:
        parts.append(named.group(1))
    field = ".".join(parts) or None
    return bad_shape(field, in_words(text, field))


def check_text(value: object, path: str) -> None:
    """No control characters in any text of plain data. Raises Refused (bad_shape) naming the place."""
    if isinstance(value, str):
        if _CONTROL.search(value):
            raise bad_shape(path, "Không được chứa ký tự điều khiển")
    elif isinstance(value, dict):
        for name, member in value.items():
            if member is not None:
                check_text(member, f"{path}.{name}" if path else str(name))
    elif isinstance(value, Sequence):
        for place, member in enumerate(value):
            check_text(member, f"{path}[{place}]")


def _check_known(raw: object, known: object, path: str) -> None:
    """Every member of `raw` is one the shape knows; `known` is the decoded value as plain data."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for name, member in raw.items():
            place = f"{path}.{name}" if path else str(name)
            if name not in known:
                raise bad_shape(place, f"Không có trường nào tên là {name[:80]}")
            _check_known(member, known[name], place)
    elif isinstance(raw, list) and isinstance(known, list | tuple):
        for place_no, (member, decoded) in enumerate(zip(raw, known, strict=True)):
            _check_known(member, decoded, f"{path}[{place_no}]")
