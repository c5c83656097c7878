"""CloudEvents 1.0 attributes as Kafka headers (binary mode): routing data, never the truth.

The value of a record is complete without them; they let a tool route and filter without decoding.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

Headers = list[tuple[str, bytes]]

CONTENT_TYPE: Final = b"application/json"


def cloud_event(*, id: str, source: str, type: str, time: datetime, subject: str) -> Headers:
    """The headers of one record. `type` is the message type, `subject` the dossier or table it is about."""
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", id.encode()),
        ("ce_source", f"/motcua/{source}".encode()),
        ("ce_type", f"vn.motcua.{type}.v1".encode()),
        ("ce_time", time.isoformat().encode()),
        ("ce_subject", subject.encode()),
        ("content-type", CONTENT_TYPE),
    ]
