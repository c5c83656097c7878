"""What a change of the law must be before it may be enacted, beyond its shape."""

from __future__ import annotations

from msgspec.structs import replace

from contracts.codes import CodeError, parse_agency_code
from contracts.law import AgencyPublished, CalendarAmended, ProcedurePublished
from legalclock.amendment import enacted
from legalclock.calendar import Calendar
from legalclock.sessions import BadCalendarError
from services.intake.domain.refusals import Refused, bad_shape


def check_agency_code(change: AgencyPublished, place: str) -> None:
    """An agency whose code cannot stand in a dossier's code could never accept one. Raises Refused."""
    try:
        parse_agency_code(change.code)
    except CodeError as error:
        raise bad_shape(f"{place}.code", f"Mã cơ quan không đúng mẫu: {change.code!r}") from error


def check_calendar(change: CalendarAmended, calendar: Calendar, place: str) -> None:
    """`change` can be made to `calendar`. Raises Refused (bad_shape) naming the part that cannot be."""
    try:
        enacted(calendar, change)
    except BadCalendarError as error:
        rule = f"Lịch làm việc không hợp lệ ({error})"
        raise bad_shape(place + _wrong_part(change), rule) from error


def version_taken(change: ProcedurePublished, place: str) -> Refused:
    """The refusal of a version that stands already, or that a higher one has overtaken.

    Dossiers are pinned to versions, so one version must not mean two things.
    """
    rule = f"Thủ tục {change.code} phiên bản {change.version} đã được ban hành với nội dung khác"
    return Refused("version_not_newer", rule, field=f"{place}.version")


def _wrong_part(change: CalendarAmended) -> str:
    """The first part that is wrong by itself; empty when only the whole is."""
    empty = replace(change, years=(), days=(), sessions=None, counter=None, valid_from=None, valid_to=None)
    parts = [(f".days[{number}]", replace(empty, days=(day,))) for number, day in enumerate(change.days)]
    parts.append((".sessions", replace(empty, sessions=change.sessions)))
    parts.append((".counter", replace(empty, counter=change.counter)))
    parts.append((".valid_to", replace(change, years=(), days=())))
    return next((name for name, part in parts if not _can_be(part)), "")


def _can_be(change: CalendarAmended) -> bool:
    try:
        enacted(Calendar(), change)
    except BadCalendarError:
        return False
    return True
