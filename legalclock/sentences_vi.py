"""The steps of a count in Vietnamese."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from functools import singledispatch
from typing import Final

from legalclock import steps
from legalclock.dossier_clock import PauseCause
from legalclock.rulesets import OnSupplement
from legalclock.steps import MarkedDay, ReceiptReason, Since, Why
from legalclock.units import DueMode, TermUnit

WEEKDAYS: Final = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_UNITS: Final = {
    TermUnit.MINUTE: "phút làm việc",
    TermUnit.WORKING_HOUR: "giờ làm việc",
    TermUnit.CLOCK_HOUR: "giờ",
    TermUnit.WORKING_DAY: "ngày làm việc",
    TermUnit.CALENDAR_DAY: "ngày",
    TermUnit.MONTH: "tháng",
}
_REASONS: Final = {
    ReceiptReason.BEFORE_HOURS: "Nộp trước giờ làm việc",
    ReceiptReason.BETWEEN_SESSIONS: "Nộp giữa hai buổi làm việc",
    ReceiptReason.AFTER_HOURS: "Nộp sau giờ làm việc",
    ReceiptReason.DAY_OFF: "Nộp vào ngày nghỉ",
}
_CAUSES: Final = {
    PauseCause.SUPPLEMENT: "chờ bổ sung hồ sơ",
    PauseCause.PAYMENT: "chờ thực hiện nghĩa vụ tài chính",
    PauseCause.SUSPENSION: "tạm đình chỉ giải quyết",
}
_GOES_ON: Final = {
    Since.REST: "tính tiếp phần thời gian còn lại",
    Since.ANEW: "thời hạn được tính lại từ đầu",
    Since.AS_BEFORE: "thời hạn vẫn chạy trong lúc chờ, hạn không đổi",
    Since.UP_BEFORE: "thời hạn đã hết từ trước khi dừng, hạn không đổi",
}


@singledispatch
def vietnamese(step: object) -> str:
    """One step as a sentence."""
    raise TypeError(f"no step of a count: {step!r}")


@vietnamese.register
def _(step: steps.HandedIn) -> str:
    hours = step.mode is DueMode.WORKING_HOURS and step.unit is TermUnit.WORKING_DAY and step.value
    how = ", tính theo giờ làm việc của ngày đủ" if hours else ""
    return (
        f"Nộp lúc {_at(step.at)}, thời hạn {step.value} {_UNITS[step.unit]}{how}, áp dụng {step.decree} "
        f"({step.rules})."
    )


@vietnamese.register
def _(step: steps.CountedFrom) -> str:
    return f"{_REASONS[step.reason]} nên tính là nhận lúc {_at(step.at)}{_besides(step.skipped)}."


@vietnamese.register
def _(step: steps.DaysCounted) -> str:
    unit = "ngày làm việc" if step.working else "ngày"
    worked = "".join(f"; {_named(day)} được tính" for day in step.worked)
    return (
        f"Không tính ngày đầu; đếm {step.count} {unit} đến {_day(step.to)}{_besides(step.skipped)}{worked}."
    )


@vietnamese.register
def _(step: steps.MonthsCounted) -> str:
    clamped = " (tháng không có ngày tương ứng nên lấy ngày cuối tháng)" if step.clamped else ""
    return f"Đếm {step.count} tháng đến {_day(step.to)}{clamped}."


@vietnamese.register
def _(step: steps.SameDay) -> str:
    if step.past and step.cutoff:
        late = f"Nhận sau {_time(step.cutoff)} nên trả vào ngày làm việc tiếp theo"
        return f"{late}, {_day(step.to)}{_besides(step.skipped)}."
    return f"Giải quyết trong ngày {_day(step.to)}."


@vietnamese.register
def _(step: steps.Rolled) -> str:
    return f"Ngày cuối là ngày nghỉ nên hạn chuyển sang {_day(step.to)}{_besides(step.skipped)}."


@vietnamese.register
def _(step: steps.DayEnds) -> str:
    return f"Hạn là hết giờ làm việc, {_at(step.at)}."


@vietnamese.register
def _(step: steps.Ran) -> str:
    if not step.spans:
        return "Không có thời gian phải tính thêm, hạn là ngay lúc ấy."
    kind = "liên tục cả ngày đêm" if step.on_clock else f"làm việc trong {len(step.spans)} buổi"
    end = _at(step.spans[-1][1])
    return f"Tính {_minutes(step.minutes)} {kind}{_besides(step.skipped)}, hạn là {end}."


@vietnamese.register
def _(step: steps.Stood) -> str:
    start = f"Từ {_at(step.at)} {_CAUSES[step.cause]}"
    if step.how is OnSupplement.CONTINUE:
        return f"{start}; thời hạn vẫn chạy."
    rest = "khi đã quá hạn" if step.minutes < 0 else f"còn {_minutes(step.minutes)}"
    return f"{start}, thời hạn dừng {rest}."


@vietnamese.register
def _(step: steps.WentOn) -> str:
    return f"Lúc {_at(step.at)} hồ sơ được xử lý tiếp: {_GOES_ON[step.how]}."


@vietnamese.register
def _(step: steps.Promised) -> str:
    counts = (
        f"trước hạn xin lỗi {_at(step.deadline)}, lần đầu, nên được tính"
        if step.counts
        else "không đúng lúc hoặc không phải lần đầu nên hồ sơ vẫn bị coi là quá hạn cũ"
    )
    return f"Xin lỗi ngày {_day(step.at.date())} và hẹn lại đến {_at(step.until)} ({counts})."


@vietnamese.register
def _(step: steps.Extended) -> str:
    return f"Gia hạn ngày {_day(step.at.date())} thêm {step.value} {_UNITS[step.unit]} kể từ hạn cũ."


@vietnamese.register
def _(step: steps.KeptLater) -> str:
    return f"Hạn đã có muộn hơn nên giữ nguyên: {_at(step.at)}."


@vietnamese.register
def _(step: steps.Amended) -> str:
    days = "; ".join(_changed(day) for day in step.days) or "không ngày nào trên đường tính"
    return f"Lịch làm việc đã thay đổi ({days}); theo lịch trước hạn là {_at(step.before)}."


def _at(at: datetime) -> str:
    return f"{_time(at.time())} {_day(at.date())}"


def _time(at: time) -> str:
    return at.strftime("%H:%M:%S" if at.second or at.microsecond else "%H:%M")


def _day(day: date) -> str:
    return f"{WEEKDAYS[day.weekday()]} {day:%d/%m/%Y}"


def _minutes(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    parts = [f"{hours} giờ"] if hours else []
    return " ".join([*parts, f"{rest} phút"] if rest or not hours else parts)


def _named(day: MarkedDay) -> str:
    about = ", ".join(filter(None, (day.name, day.source)))
    return f"{day.day:%d/%m/%Y}" + (f" ({about})" if about else "")


def _changed(day: steps.ChangedDay) -> str:
    about = ", ".join(filter(None, (day.name, day.source)))
    hours = f"{day.day:%d/%m/%Y} từ {_minutes(day.before)} thành {_minutes(day.after)}"
    return hours + (f", {about}" if about else "")


def _besides(days: Sequence[MarkedDay]) -> str:
    """What was left out, the weekly days off as a number."""
    weekly = sum(day.why is Why.WEEKLY for day in days)
    closed = sum(day.why is Why.CLOSED for day in days)
    parts = [f"{weekly} ngày nghỉ hằng tuần"] if weekly else []
    parts += [f"{closed} ngày không tiếp nhận"] if closed else []
    parts += [_named(day) for day in days if day.why is Why.OFF]
    return f"; bỏ qua {', '.join(parts)}" if parts else ""
