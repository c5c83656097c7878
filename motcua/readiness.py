"""What a process of the running stack says of itself when it is asked now, in words for people."""

from __future__ import annotations

import http.client
from typing import Final
from urllib.parse import urlsplit

import msgspec

from deploy.local.home import ProcessState
from deploy.local.reasons import in_words

_SECONDS: Final = 2.0
_MOST_BYTES: Final = 65_536
BROKER: Final = "broker"
"""What the names of a stack's brokers begin with."""


def why_not(one: ProcessState) -> str:
    """Why a process that is alive is not ready, empty when it is. Blocking, seconds at most.

    The supervisor only sees whether a broker takes connections, which the kernel does for a frozen one too:
    it must answer a question. A service that is not ready is asked for its reasons.
    """
    if one.name.startswith(BROKER):
        return _no_metadata(one.url)
    if one.ready or urlsplit(one.url).scheme != "http":
        return "" if one.ready else one.why
    return _own_words(one.url) or one.why


def _no_metadata(address: str) -> str:
    # Here, because the Kafka client takes a while to import and only brokers need it.
    from deploy.kafka.admin import Admin, BrokerUnavailableError

    try:
        with Admin(address, connect_seconds=_SECONDS) as admin:
            admin.servers()
    except BrokerUnavailableError:
        return f"the broker does not answer within {_SECONDS:g} s"
    return ""


def _own_words(url: str) -> str:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_SECONDS)
    try:
        connection.request("GET", "/readyz")
        said = msgspec.json.decode(connection.getresponse().read(_MOST_BYTES), type=dict[str, object])
    except (OSError, http.client.HTTPException, msgspec.DecodeError, UnicodeDecodeError):
        return ""
    finally:
        connection.close()
    return in_words(said)
