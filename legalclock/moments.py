"""Instants and local days: the one time zone of the law, and the way in and out of it."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

LOCAL: Final = ZoneInfo("Asia/Ho_Chi_Minh")


def local(instant: datetime) -> datetime:
    """`instant` on the clock of Việt Nam. Raises ValueError for a time without a zone."""
    if instant.tzinfo is None:
        raise ValueError(f"expected an instant with a time zone, got {instant.isoformat()}")
    return instant.astimezone(LOCAL)


def moment(day: date, at: time) -> datetime:
    """The instant of a local day and time of day."""
    return datetime.combine(day, at, tzinfo=LOCAL)
