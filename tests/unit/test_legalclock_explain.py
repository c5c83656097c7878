"""Explanations: the steps as data, their arithmetic, the sentences in both languages."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from legalclock import steps
from legalclock.calendar import Calendar, Day, DayKind
from legalclock.dossier_clock import DossierClock, PauseCause, Term, read, started
from legalclock.explain import Explanation, explain, explain_clock
from legalclock.moments import LOCAL
from legalclock.moves import apologise, extend, pause, resume
from legalclock.policy import Policy, ReceiptRule
from legalclock.rulesets import OnSupplement
from legalclock.sentences import sentences
from legalclock.sentences_en import english
from legalclock.sentences_vi import vietnamese
from legalclock.steps import Step, StepsError, replay
from legalclock.units import DueMode, TermUnit

CALENDAR = Calendar().amended(
    years=[2025],
    days=[
        Day(date(2025, 4, 26), DayKind.WORK, "Làm bù", "thông báo"),
        Day(date(2025, 4, 30), DayKind.OFF, "Ngày Chiến thắng", "Điều 112"),
        Day(date(2025, 5, 1), DayKind.OFF, "Quốc tế Lao động"),
        Day(date(2025, 5, 2), DayKind.OFF),
    ],
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2025-{text}").replace(tzinfo=LOCAL)


def told(found: Explanation, language: str = "vi") -> str:
    """The sentences, once the steps have been added up."""
    assert replay(found.steps) == found.due
    return " ".join(sentences(found, language))


def test_the_days_skipped_are_named_with_their_sources_and_those_worked_in_lieu_too() -> None:
    found = explain(CALENDAR, at("04-25T17:10"), 5, "working_day")
    assert told(found) == (
        "Nộp lúc 17:10 thứ Sáu 25/04/2025, thời hạn 5 ngày làm việc, áp dụng Nghị định 61/2018/NĐ-CP (nd61). "
        "Nộp sau giờ làm việc nên tính là nhận lúc 07:30 thứ Bảy 26/04/2025. "
        "Không tính ngày đầu; đếm 5 ngày làm việc đến thứ Tư 07/05/2025; bỏ qua 3 ngày nghỉ hằng tuần, "
        "30/04/2025 (Ngày Chiến thắng, Điều 112), 01/05/2025 (Quốc tế Lao động), 02/05/2025. "
        "Hạn là hết giờ làm việc, 17:00 thứ Tư 07/05/2025."
    )
    counted = explain(CALENDAR, at("04-25T09:00"), 1, "working_day").steps[1]
    assert counted == steps.DaysCounted(
        1,
        True,
        date(2025, 4, 26),
        (),
        (steps.MarkedDay(date(2025, 4, 26), steps.Why.WORKED, "Làm bù", "thông báo"),),
    )


def test_the_same_in_english() -> None:
    found = explain(CALENDAR, at("04-25T09:00"), 1, "working_day", rules="nd118")
    assert told(found, "en") == (
        "Handed in at 09:00 Fri 2025-04-25 with a term of 1 working day, under Decree 118/2025/NĐ-CP "
        "(nd118). The first day is not counted; 1 working day on is Sat 2025-04-26; 2025-04-26 (Làm bù, "
        "thông báo) counts. It is due at the end of working hours, 17:00 Sat 2025-04-26."
    )
    with pytest.raises(ValueError, match="vi, en"):
        sentences(found, "fr")


@pytest.mark.parametrize(
    ("handed_in", "value", "unit", "mode", "cutoff", "vi", "en"),
    [
        ("06-02T06:59", 1, "working_day", "end_of_day", None, "trước giờ làm việc", "before working hours"),
        ("06-02T11:45:30", 1, "working_day", "end_of_day", None, "giữa hai buổi", "between two sessions"),
        ("06-07T09:00", 1, "working_day", "end_of_day", None, "vào ngày nghỉ", "on a day off"),
        ("06-06T15:01", 0, "working_day", "end_of_day", time(15), "Nhận sau 15:00", "Received after 15:00"),
        ("06-06T15:00", 0, "working_day", "end_of_day", time(15), "trong ngày thứ Sáu", "within the day"),
        ("04-17T09:00", 15, "calendar_day", "end_of_day", None, "hạn chuyển sang", "the end moves to"),
        ("01-31T09:00", 1, "month", "end_of_day", None, "cuối tháng", "so its last"),
        ("01-30T09:00", 2, "month", "end_of_day", None, "Đếm 2 tháng", "2 months on"),
        ("06-06T16:00", 1, "working_day", "working_hours", None, "3 buổi; bỏ qua 2", "3 sessions; left out"),
        ("06-06T16:00", 90, "minute", "end_of_day", None, "1 giờ 30 phút làm việc", "1 h 30 min of work"),
        ("06-06T16:00", 10, "minute", "end_of_day", None, "Tính 10 phút", "10 min of work in 1 session"),
        ("06-06T16:00", 0, "minute", "end_of_day", None, "hạn là ngay lúc ấy", "due at that moment"),
        ("06-07T23:00:01", 3, "clock_hour", "end_of_day", None, "3 giờ liên tục", "3 h day and night"),
        ("06-07T23:00", 0, "clock_hour", "end_of_day", None, "hạn là ngay lúc ấy", "due at that moment"),
        ("06-06T16:00", 0, "working_day", "working_hours", None, "trong ngày", "within the day"),
        ("06-06T16:00", 2, "working_day", "working_hours", None, "giờ làm việc của ngày đủ", "session hours"),
    ],
)
def test_each_rule_has_its_words(
    handed_in: str, value: int, unit: str, mode: str, cutoff: time | None, vi: str, en: str
) -> None:
    found = explain(CALENDAR, at(handed_in), value, unit, cutoff, mode=mode)
    assert vi in told(found)
    assert en in told(found, "en")


def test_a_receipt_by_the_hours_of_the_counter() -> None:
    monday = CALENDAR.sessions[0]
    open_saturday = CALENDAR.amended(
        counter=[monday] * 4 + [()] + [monday[:1], ()],  # closed on Fridays, which are worked
    )
    policy = Policy(receipt=ReceiptRule.COUNTER)
    found = explain(open_saturday, at("06-05T18:00"), 1, "working_day", policy=policy)
    assert "bỏ qua 1 ngày không tiếp nhận" in told(found)
    assert "1 day with the counter closed" in told(found, "en")
    assert found.due == at("06-09T17:00")
    early = explain(open_saturday, at("06-07T06:00"), 0, "working_day", policy=policy)
    assert [step.kind for step in early.steps[:3]] == ["handed_in", "counted_from", "counted_from"]
    assert told(early).count("tính là nhận") == 2
    at_night = explain(CALENDAR, at("06-06T19:00"), 0, "minute", policy=Policy(receipt=ReceiptRule.ACTUAL))
    assert "sau giờ làm việc" in told(at_night)


# The history of a dossier


def dossier(how: OnSupplement | None = None, unit: TermUnit = TermUnit.WORKING_DAY) -> DossierClock:
    return started(CALENDAR, at("06-02T08:00"), Term(5, unit, on_supplement=how))


def stopped(start: DossierClock, since: str, until: str, cause: PauseCause) -> DossierClock:
    return resume(CALENDAR, pause(CALENDAR, start, at(since), cause), at(until))


@pytest.mark.parametrize(
    ("how", "unit", "cause", "since", "until", "vi", "en"),
    [
        (
            "pause",
            "working_day",
            "supplement",
            "06-04T10:00",
            "06-06T10:00",
            "chờ bổ sung hồ sơ, thời hạn dừng còn 27 giờ 30 phút. Lúc 10:00 thứ Sáu 06/06/2025 hồ sơ "
            "được xử lý tiếp: tính tiếp phần thời gian còn lại. Tính 27 giờ 30 phút làm việc",
            "the clock stands, with 27 h 30 min left",
        ),
        (
            "restart",
            "working_day",
            "supplement",
            "06-04T10:00",
            "06-06T10:00",
            "tính lại từ đầu",
            "begins anew",
        ),
        ("continue", "working_day", "supplement", "06-04T10:00", "06-06T10:00", "vẫn chạy", "runs on"),
        (
            "restart",
            "working_day",
            "payment",
            "06-04T10:00",
            "06-06T10:00",
            "nghĩa vụ tài chính",
            "a payment",
        ),
        ("pause", "working_day", "suspension", "06-10T10:00", "06-11T10:00", "đã quá hạn", "overdue already"),
        (
            "pause",
            "working_day",
            "suspension",
            "06-09T17:00",
            "06-11T10:00",
            "từ trước khi dừng",
            "was up before",
        ),
        (
            "pause",
            "clock_hour",
            "payment",
            "06-02T10:00",
            "06-02T23:00",
            "3 giờ liên tục",
            "3 h day and night",
        ),
        ("pause", "working_hour", "payment", "06-02T10:00", "06-02T23:00", "3 giờ làm việc", "3 h of work"),
    ],
)
def test_pauses_have_their_words(
    how: str, unit: str, cause: str, since: str, until: str, vi: str, en: str
) -> None:
    clock = stopped(dossier(OnSupplement(how), TermUnit(unit)), since, until, PauseCause(cause))
    found = explain_clock(CALENDAR, clock)
    assert found.due == read(CALENDAR, clock).due_current
    assert en in told(found, "en")
    assert vi in told(found)


def test_a_dossier_that_waits_is_explained_up_to_there() -> None:
    waiting = pause(CALENDAR, dossier(), at("06-04T10:00:40"), PauseCause.SUSPENSION)
    assert told(explain_clock(CALENDAR, waiting)).endswith(
        "Từ 10:00:40 thứ Tư 04/06/2025 tạm đình chỉ giải quyết, thời hạn dừng còn 27 giờ 30 phút."
    )


def test_apologies_and_extensions_have_their_words() -> None:
    first = apologise(CALENDAR, dossier(), at("06-06T10:00"), at("06-12T10:00"))
    again = apologise(CALENDAR, first, at("06-12T10:00"), at("06-16T10:00"), override=True)
    longer = extend(CALENDAR, again, at("06-13T10:00"), 2)
    found = explain_clock(CALENDAR, longer)
    assert found.due == at("06-18T17:00")
    vi, en = told(found), told(found, "en")
    assert "hẹn lại đến 17:00 thứ Năm 12/06/2025 (trước hạn xin lỗi 17:00 thứ Sáu 06/06/2025, lần đầu" in vi
    assert "hẹn lại đến 17:00 thứ Hai 16/06/2025 (không đúng lúc hoặc không phải lần đầu" in vi
    assert "Gia hạn ngày thứ Sáu 13/06/2025 thêm 2 ngày làm việc kể từ hạn cũ." in vi
    assert "by the apology deadline 17:00 Fri 2025-06-06 and the first, so it counts" in en
    assert "not in time or not the first" in en
    assert "adds 2 working days to the due time" in en


def test_what_is_kept_later_is_said() -> None:
    longer = extend(CALENDAR, dossier(OnSupplement.RESTART), at("06-03T10:00"), 10)
    found = explain_clock(CALENDAR, stopped(longer, "06-03T11:00", "06-03T12:00", PauseCause.SUPPLEMENT))
    assert told(found).endswith("Hạn đã có muộn hơn nên giữ nguyên: 17:00 thứ Hai 23/06/2025.")
    assert told(found, "en").endswith("What stood before is later and stays: 17:00 Mon 2025-06-23.")


def test_an_amendment_is_explained_by_the_days_it_changed() -> None:
    amended = CALENDAR.amended(
        days=[
            Day(date(2025, 6, 4), DayKind.OFF, "Nghỉ bão", "Công điện 01"),
            Day(date(2025, 6, 7), DayKind.WORK, sessions=CALENDAR.sessions[0][:1]),
        ]
    )
    found = explain_clock(amended, dossier(), amended_from=CALENDAR)
    assert found.due == at("06-09T17:00")
    assert told(found).endswith(
        "Lịch làm việc đã thay đổi (04/06/2025 từ 7 giờ 30 phút thành 0 phút, Nghỉ bão, Công điện 01; "
        "07/06/2025 từ 0 phút thành 4 giờ); theo lịch trước hạn là 17:00 thứ Hai 09/06/2025."
    )
    assert "2025-06-04 from 7 h 30 min to 0 min, Nghỉ bão, Công điện 01" in told(found, "en")
    fridays_off = CALENDAR.amended(sessions=[CALENDAR.sessions[0]] * 4 + [(), (), ()])
    by_week = explain_clock(fridays_off, dossier(), amended_from=CALENDAR)
    assert "06/06/2025 từ 7 giờ 30 phút thành 0 phút)" in told(by_week)
    none = explain_clock(CALENDAR, dossier(), amended_from=CALENDAR)
    assert "không ngày nào" in told(none)
    assert "no day of this count" in told(none, "en")


# Steps that do not add up are no explanation


GOOD = explain(CALENDAR, at("04-25T17:10"), 5, "working_day").steps
HOURS = explain(CALENDAR, at("06-06T16:00"), 2, "working_hour").steps
DAY = timedelta(days=1)


def changed(found: tuple[Step, ...], place: int, **fields: object) -> tuple[Step, ...]:
    """The steps with one of them told differently."""
    return (*found[:place], replace(found[place], **fields), *found[place + 1 :])  # type: ignore[arg-type]  # any field


ROLLED = explain(CALENDAR, at("04-17T09:00"), 15, "calendar_day").steps
MONTHS = explain(CALENDAR, at("01-31T09:00"), 1, "month").steps
SAME = explain(CALENDAR, at("06-06T15:01"), 0, "working_day", time(15)).steps
HISTORY = explain_clock(CALENDAR, stopped(dossier(), "06-04T10:00", "06-06T10:00", PauseCause.PAYMENT)).steps
OVERDUE = explain_clock(CALENDAR, stopped(dossier(), "06-11T10:00", "06-12T10:00", PauseCause.PAYMENT)).steps
KEPT = (*GOOD, steps.KeptLater(at("05-07T16:59")))


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        GOOD[1:],
        (*GOOD, GOOD[0]),
        changed(GOOD, 1, at=at("04-25T07:30")),
        changed(GOOD, 1, at=at("04-28T07:30")),
        changed(GOOD, 2, count=4),
        changed(GOOD, 2, skipped=()),
        changed(GOOD, 2, to=date(2025, 5, 8)),
        changed(GOOD, 2, worked=(steps.MarkedDay(date(2025, 4, 26), steps.Why.WORKED),)),
        changed(GOOD, 3, at=at("05-08T17:00")),
        changed(HOURS, 1, minutes=121),
        changed(HOURS, 1, spans=((at("06-06T15:00"), at("06-06T17:00")),)),
        changed(HOURS, 1, spans=((at("06-06T17:00"), at("06-06T16:00")),)),
        changed(ROLLED, 2, skipped=()),
        changed(ROLLED, 2, to=date(2025, 5, 6)),
        changed(MONTHS, 1, to=date(2025, 2, 27)),
        changed(MONTHS, 1, clamped=False),
        changed(SAME, 1, past=False),
        changed(HISTORY, 3, minutes=60),
        changed(HISTORY, 3, at=at("06-04T11:00")),
        changed(HISTORY, 3, at=at("06-10T11:00")),
        changed(HISTORY, 5, minutes=1, spans=((at("06-06T10:00"), at("06-06T10:01")),)),
        changed(OVERDUE, 3, at=at("06-04T11:00")),
        KEPT,
    ],
)
def test_steps_that_do_not_add_up_are_refused(wrong: tuple[Step, ...]) -> None:
    with pytest.raises(StepsError):
        replay(wrong)


def test_an_explanation_whose_steps_lead_elsewhere_is_none() -> None:
    with pytest.raises(StepsError, match="lead to"):
        Explanation(GOOD, at("05-07T16:59"))


def test_what_is_no_step_has_no_words() -> None:
    for say in (vietnamese, english):
        with pytest.raises(TypeError, match="no step"):
            say("a step")


def test_the_mode_in_the_explanation_is_that_of_the_question() -> None:
    first = explain(CALENDAR, at("06-02T08:00"), 1, "working_day", mode="working_hours").steps[0]
    assert isinstance(first, steps.HandedIn)
    assert (first.mode, first.unit) == (DueMode.WORKING_HOURS, TermUnit.WORKING_DAY)
