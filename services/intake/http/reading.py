"""Reading a request: caller, headers, body. Each defect is a Refused naming the header or field."""

from __future__ import annotations

import asyncio
import re
from typing import Final
from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect, Request

from contracts.access import Client
from services.intake.domain.persons import name_of
from services.intake.domain.refusals import Refused, bad_shape

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
PDF: Final = "application/pdf"
PKCS7: Final = "application/pkcs7-signature"
MAX_WAIT: Final = 30.0
MOST_DAYS: Final = 3650
BODY_SECONDS: Final = 30.0
"""How long a body may take to arrive; it holds a share of the byte budget meanwhile."""

_KEY: Final = re.compile(r"[!-~]{1,128}")
# RFC 3986: a percent sign stands only before the two digits of a byte.
_ACTOR: Final = re.compile(r"(?:[ -$&-~]|%[0-9A-Fa-f]{2})*")
_WAIT: Final = re.compile(r"wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)
_DAYS: Final = re.compile(r"[0-9]{1,4}")
_DOSSIER: Final = re.compile(r"[0-9a-f]{32}")


def caller(request: Request) -> Client:
    """Who calls; the guard has identified them."""
    client = request.state.client
    assert isinstance(client, Client)
    return client


def idempotency_key(request: Request) -> str:
    """The Idempotency-Key. Raises Refused (idempotency_key_missing, idempotency_key_malformed)."""
    keys = request.headers.getlist("idempotency-key")
    if not keys:
        raise Refused(
            "idempotency_key_missing",
            "Mỗi lệnh phải có Idempotency-Key để gửi lại được an toàn",
            field="Idempotency-Key",
        )
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise Refused(
            "idempotency_key_malformed",
            "Một khóa gồm 1–128 ký tự ASCII in được, không có dấu cách",
            field="Idempotency-Key",
        )
    return keys[0]


def actor(request: Request) -> str | None:
    """Who typed it, as their system calls them: ASCII as it is, all else percent-encoded UTF-8 (RFC 3986).

    Raises Refused (actor_malformed) for what is not so encoded, is no name, or names two.
    """
    named = request.headers.getlist("motcua-actor")
    if not named:
        return None
    if len(named) > 1:
        raise _no_actor("Một lệnh chỉ có một Motcua-Actor")
    if not _ACTOR.fullmatch(named[0]):
        raise _no_actor("Gồm ký tự ASCII in được; chữ có dấu và dấu % mã hóa UTF-8 kiểu %E1%BB%85")
    try:
        text = unquote_to_bytes(named[0]).decode()
        name_of(text, "Motcua-Actor")
    except UnicodeDecodeError as error:
        raise _no_actor("Không phải văn bản mã UTF-8") from error
    except Refused as refused:
        raise _no_actor(refused.rule) from refused
    return text


def _no_actor(rule: str) -> Refused:
    return Refused("actor_malformed", rule, field="Motcua-Actor")


def preferred_wait(request: Request) -> float:
    """Seconds to wait for the outcome, at most 30; a preference that cannot be read is none (RFC 7240)."""
    for header in request.headers.getlist("prefer"):
        for preference in header.split(","):
            match = _WAIT.fullmatch(preference.partition(";")[0].strip())
            if match:
                return min(float(match.group(1)), MAX_WAIT)
    return 0.0


def dossier_in(path_value: str) -> str:
    """The dossier named by the path. Raises Refused (bad_shape)."""
    if not _DOSSIER.fullmatch(path_value):
        raise bad_shape("dossier_id", "Mã định danh hồ sơ gồm 32 chữ số thập lục phân viết thường")
    return path_value


def media_type(request: Request, allowed: tuple[str, ...]) -> str:
    """Which of the allowed types the body is said to be. Raises Refused (unsupported_media_type)."""
    given = _given_type(request)
    if given not in allowed:
        raise Refused(
            "unsupported_media_type", f"Nội dung phải là {' hoặc '.join(allowed)}", field="Content-Type"
        )
    return given


def _given_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def days(name: str, text: str | None) -> int | None:
    """The days in query parameter `name`, 1 to 3650; None without it. Raises Refused (bad_shape)."""
    if text is None:
        return None
    if not _DAYS.fullmatch(text) or not 1 <= int(text) <= MOST_DAYS:
        raise bad_shape(name, f"Số ngày là số nguyên từ 1 đến {MOST_DAYS}")
    return int(text)


async def body(request: Request, media_type: str, *, optional: bool = False) -> bytes:
    """The body. `optional` lets an empty one through without a content type.

    Raises Refused (unsupported_media_type, body_too_large, body_too_slow, bad_request).
    """
    given = _given_type(request)
    encoded = request.headers.get("content-encoding", "identity").strip().lower() != "identity"
    if encoded or (given != media_type and (given or not optional)):
        raise Refused(
            "unsupported_media_type", f"Nội dung phải là {media_type}, không nén", field="Content-Type"
        )
    try:
        async with asyncio.timeout(BODY_SECONDS):
            data = await request.body()
    except TimeoutError as error:
        raise Refused("body_too_slow", f"Nội dung phải đến đủ trong {BODY_SECONDS:.0f} giây") from error
    except ClientDisconnect as error:
        raise Refused("bad_request", "Kết nối ngắt trước khi nhận đủ nội dung") from error
    if data and not given:
        raise Refused("unsupported_media_type", f"Nội dung phải là {media_type}", field="Content-Type")
    return data
