"""When something happened, as far as a caller may say it.

All instants are aware. The law counts days in Asia/Ho_Chi_Minh, which has had no change of offset since
1975, so the day of an instant is a matter of adding seven hours.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from contracts.access import Client
from contracts.words import Clock
from services.intake.domain.refusals import Refused, bad_shape
from services.intake.domain.roles import OWN_TIME

VIETNAM: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
OFFLINE_WINDOW: Final = timedelta(hours=8)
"""How far back a counter that was off line may date what it did, in a stack on the system clock."""

_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2099


def local_day(at: datetime) -> date:
    """The day of `at` in Asia/Ho_Chi_Minh."""
    return at.astimezone(VIETNAM).date()


def check_range(at: datetime, field: str) -> datetime:
    """`at` in UTC. Raises Refused (bad_shape) outside the years 2000 to 2099."""
    # The year first: instants at the edge of the calendar cannot be converted to UTC at all.
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise bad_shape(field, f"Thời điểm phải nằm trong các năm {_FIRST_YEAR}–{_LAST_YEAR}")
    return at.astimezone(UTC)


def command_time(at: datetime | None, now: datetime, client: Client, clock: Clock) -> datetime:
    """The time of a command, UTC: what the caller said, where it may say it, or `now`.

    On the log clock time comes from the caller alone, so a command without one is refused. Raises
    Refused (time_required, time_not_allowed, time_out_of_window, bad_shape).
    """
    if at is None:
        if clock is Clock.LOG:
            rule = "Hệ thống chạy theo đồng hồ nhật ký: mỗi lệnh phải tự ghi thời điểm"
            raise Refused("time_required", rule, field="at")
        return now
    if client.role not in OWN_TIME:
        raise Refused("time_not_allowed", f"Vai trò {client.role} không được tự ghi thời điểm", field="at")
    moment = check_range(at, "at")
    if clock is Clock.SYSTEM and not now - OFFLINE_WINDOW <= moment <= now:
        raise Refused(
            "time_out_of_window",
            "Thời điểm phải nằm trong 8 giờ vừa qua và không ở tương lai",
            field="at",
        )
    return moment
