"""What a change of the law must be before it may be enacted, beyond its shape."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from msgspec.structs import replace

from contracts.codes import CodeError, parse_agency_code
from contracts.law import (
    AgencyPublished,
    CalendarAmended,
    CertificateRegistered,
    ProcedurePublished,
    SealRegistered,
)
from contracts.outcomes import ActionName
from contracts.roles import may
from contracts.transitions import ACTION_OF_STEP
from contracts.words import CertificateKind, Place, Step
from legalclock.amendment import enacted
from legalclock.calendar import Calendar
from legalclock.sessions import BadCalendarError
from services.intake.domain.refusals import Refused, bad_shape
from services.intake.domain.times import check_range

_DOES: Final = {Step.RECEIVE: ActionName.ACCEPT, **ACTION_OF_STEP}
"""The action that completes a step."""


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


def check_procedure(change: ProcedurePublished, place: str) -> None:
    """The parts of a procedure agree. Raises Refused (bad_shape) naming the one that does not."""
    _check_statutory(change, place)
    _check_steps(change, f"{place}.steps")
    for number, fee in enumerate(change.fees):
        if fee.channel is not None and fee.channel not in change.channels:
            rule = f"Thủ tục không tiếp nhận qua kênh {fee.channel} mà khoản thu này nêu"
            raise bad_shape(f"{place}.fees[{number}].channel", rule)


def _check_statutory(change: ProcedurePublished, place: str) -> None:
    value, unit = change.statutory_value, change.statutory_unit
    if (value is None) != (unit is None):
        missing = "statutory_value" if value is None else "statutory_unit"
        raise bad_shape(f"{place}.{missing}", "Thời hạn theo luật cần cả số và đơn vị")
    # Terms in different units cannot be compared without a calendar.
    if value is not None and unit is change.term_unit and value < change.term_value:
        rule = f"Thời hạn theo luật ({value}) ngắn hơn thời hạn cam kết ({change.term_value})"
        raise bad_shape(f"{place}.statutory_value", rule)


def _check_steps(change: ProcedurePublished, place: str) -> None:
    steps = change.steps
    if not steps:
        return
    if tuple(plan.step for plan in steps) != tuple(Step):
        raise bad_shape(place, f"Cần nêu đủ năm bước theo thứ tự: {', '.join(Step)}")
    for number, plan in enumerate(steps):
        if not may(plan.role, _DOES[plan.step]):
            rule = f"Vai trò {plan.role} không được thực hiện bước {plan.step}"
            raise bad_shape(f"{place}[{number}].role", rule)
        if change.on_site and plan.place is not Place.CENTRE:
            rule = "Thủ tục đăng ký năm bước tại chỗ thì bước nào cũng ở trung tâm"
            raise bad_shape(f"{place}[{number}].place", rule)
    total = sum(plan.share for plan in steps)
    if total not in (0, 100):
        raise bad_shape(
            place, f"Tỷ lệ thời gian của năm bước phải cộng lại bằng 100, hoặc đều là 0; đây là {total}"
        )


def check_seal(change: SealRegistered, agencies: Collection[str], place: str) -> None:
    """A seal of a known agency, valid for a day at least. Raises Refused (unknown_agency, bad_shape)."""
    _check_owner(change.agency, agencies, place)
    if change.valid_to is not None and change.valid_to < change.valid_from:
        raise bad_shape(f"{place}.valid_to", "Con dấu hết hiệu lực trước ngày bắt đầu có hiệu lực")


def check_certificate(change: CertificateRegistered, agencies: Collection[str], place: str) -> None:
    """A certificate of a known agency, valid for a while, and of somebody when it is a person's.

    Raises Refused (unknown_agency, bad_shape).
    """
    _check_owner(change.agency, agencies, place)
    for name in ("valid_from", "valid_to", "revoked_at"):
        moment = getattr(change, name)
        if moment is not None:
            check_range(moment, f"{place}.{name}")
    if change.valid_to <= change.valid_from:
        raise bad_shape(f"{place}.valid_to", "Chứng thư phải hết hạn sau lúc bắt đầu có hiệu lực")
    if change.kind is CertificateKind.PERSON and change.holder is None:
        raise bad_shape(f"{place}.holder", "Chứng thư của cá nhân phải có chủ chứng thư")


def _check_owner(agency: str, agencies: Collection[str], place: str) -> None:
    if agency not in agencies:
        rule = f"Cơ quan {agency} không có trong danh mục"
        raise Refused("unknown_agency", rule, field=f"{place}.agency")


def version_taken(change: ProcedurePublished, place: str) -> Refused:
    """The refusal of a version that stands already, or that a higher one has overtaken.

    Dossiers are pinned to versions, so one version must not mean two things.
    """
    rule = f"Thủ tục {change.code} phiên bản {change.version} đã được ban hành với nội dung khác"
    return Refused("version_not_newer", rule, field=f"{place}.version")


def seal_taken(change: SealRegistered, place: str) -> Refused:
    """The refusal of a seal that another one is registered as.

    Its register of numbers goes by its code: another agency's seal, or another kind of it, is another seal.
    """
    rule = (
        f"Mã con dấu {change.code} đã đăng ký cho con dấu khác (khác cơ quan, loại hoặc hình thức điện tử); "
        "con dấu mới cần mã mới"
    )
    return Refused("seal_taken", rule, field=f"{place}.code")


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
