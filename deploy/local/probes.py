"""Is it ready? One question per kind of process; the answer is an empty text, or why not.

The only module here that imports the ClickHouse client.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import msgspec
from clickhouse_driver import Client
from clickhouse_driver import errors as clickhouse_errors

from deploy.local.ports import HOST
from deploy.local.reasons import in_words

Probe = Callable[[], Awaitable[str]]
_SECONDS = 2.0
_MOST_BYTES = 65_536

# It logs every failed attempt; a probe that polls would fill the terminal.
logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)


def listening(port: int) -> Probe:
    """Ready when something accepts connections on `port`."""

    async def probe() -> str:
        try:
            async with asyncio.timeout(_SECONDS):
                _, writer = await asyncio.open_connection(HOST, port)
        except (OSError, TimeoutError):
            return f"nothing accepts connections on {HOST}:{port}"
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return ""

    return probe


def answers_ready(url: str) -> Probe:
    """Ready when `GET url/readyz` says 200."""

    async def probe() -> str:
        return await asyncio.to_thread(why_not_ready, url)

    return probe


def answers_select(url: str) -> Probe:
    """Ready when the warehouse answers `SELECT 1`."""

    async def probe() -> str:
        return await asyncio.to_thread(why_no_select, url)

    return probe


def why_not_ready(url: str) -> str:
    """Why the service at `url` (http://host:port) is not ready, from its own answer. Blocking."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or HOST, place.port, timeout=_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        status, content = answer.status, answer.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return f"{url} does not answer: {error or type(error).__name__}"
    finally:
        connection.close()
    if status == http.HTTPStatus.OK:
        return ""
    try:
        said = msgspec.json.decode(content, type=dict[str, object])
    except msgspec.DecodeError:
        said = {}
    return in_words(said) or f"{url}/readyz says {status}"


def why_no_select(url: str) -> str:
    """Why the warehouse at `url` (clickhouse://…) does not answer. Blocking."""
    client = Client.from_url(f"{url}?connect_timeout={_SECONDS}&send_receive_timeout={_SECONDS}")
    try:
        rows = client.execute("SELECT 1")
    except (clickhouse_errors.Error, OSError, EOFError) as error:
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
        return f"the warehouse does not answer: {first_line}"
    finally:
        client.disconnect()
    return "" if rows == [(1,)] else f"the warehouse answered SELECT 1 with {rows!r}"
