"""Instants and local days: the one time zone of the law, and the way in and out of it."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

LOCAL: Final = ZoneInfo("Asia/Ho_Chi_Minh")


def local(instant: datetime) -> datetime:
    """`instant` on the clock of Việt Nam.

    Raises ValueError for a time without a zone, or one at the edge of time that has no local form.
    """
    zone = instant.tzinfo
    if zone is LOCAL:
        return instant
    if zone is None:
        raise ValueError(f"expected an instant with a time zone, got {instant.isoformat()}")
    try:
        return instant.astimezone(LOCAL)
    except OverflowError as error:
        raise ValueError(f"{instant.isoformat()} is beyond the calendar") from error


def moment(day: date, at: time) -> datetime:
    """The instant of a local day and time of day."""
    return datetime.combine(day, at, tzinfo=LOCAL)
