"""Explanations prove what they say: steps that are wrong by one are refused, and nothing is said too much."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest

from legalclock import steps
from legalclock.calendar import Calendar, Day, DayKind
from legalclock.dossier_clock import DossierClock, PauseCause, Term, started
from legalclock.explain import Explanation, explain, explain_clock
from legalclock.moments import LOCAL
from legalclock.moves import apologise, pause, resume
from legalclock.policy import Policy, ReceiptRule
from legalclock.rulesets import OnSupplement
from legalclock.sentences import sentences
from legalclock.sessions import Session
from legalclock.steps import MarkedDay, Step, StepsError, Why, replay
from legalclock.units import DueMode, TermUnit

WHOLE = (Session(time(7, 30), time(11, 30)), Session(time(13, 30), time(17)))
PLAIN = Calendar().amended(years=[2024, 2025])
SATURDAY_HOURS = (Session(time(8), time(10)),)
COUNTER = PLAIN.amended(counter=[*[WHOLE] * 5, SATURDAY_HOURS, ()])
PAYMENT = PauseCause.PAYMENT


def local(day: int, hour: int = 9, minute: int = 0, second: int = 0, month: int = 6) -> datetime:
    return datetime(2025, month, day, hour, minute, second, tzinfo=LOCAL)


def handed_in(at: datetime) -> steps.HandedIn:
    return steps.HandedIn(at, 1, TermUnit.WORKING_DAY, DueMode.END_OF_DAY, "nd61", "NĐ 61")


def weekly(*days: int) -> tuple[MarkedDay, ...]:
    return tuple(MarkedDay(date(2025, 6, day), Why.WEEKLY) for day in days)


def stood(at: datetime, minutes: int, *spans: tuple[datetime, datetime]) -> steps.Stood:
    return steps.Stood(at, PAYMENT, OnSupplement.PAUSE, minutes, spans)


def kinds(explanation: Explanation) -> list[str]:
    return [step.kind for step in explanation.steps]


START = handed_in(local(2))
NEXT_DAY = steps.DaysCounted(1, True, date(2025, 6, 3), (), ())
RIGHT: list[tuple[str, list[Step]]] = [
    ("a day", [START, NEXT_DAY, steps.DayEnds(local(3, 17))]),
    ("a month", [START, steps.MonthsCounted(1, date(2025, 7, 2), False)]),
    ("a month to its own last day", [handed_in(local(30)), steps.MonthsCounted(1, date(2025, 7, 30), False)]),
    ("a month from the last day", [handed_in(local(30)), steps.MonthsCounted(3, date(2025, 9, 30), False)]),
    ("a pause a minute after the term", [START, stood(local(2, 9, 1), -1)]),
    (
        "a pause in which the last hours are free",
        [START, stood(local(2, 8), 30, (local(2, 8), local(2, 8, 30)))],
    ),
    (
        "anew after a pause: what was left says nothing",
        [
            *(
                START,
                stood(local(2, 8), 60, (local(2, 8), local(2, 9))),
                steps.WentOn(local(3), steps.Since.ANEW),
            ),
            steps.Ran(30, ((local(3), local(3, 9, 30)),), ()),
        ],
    ),
]
WRONG: list[tuple[str, list[Step]]] = [
    ("a day too early", [START, steps.DaysCounted(2, True, date(2025, 6, 3), (), ())]),
    ("a day too late", [START, steps.DaysCounted(1, True, date(2025, 6, 4), (), ())]),
    ("the same day twice", [START, steps.DaysCounted(1, True, date(2025, 6, 5), weekly(4, 4), ())]),
    ("a day before the count", [START, steps.DaysCounted(1, True, date(2025, 6, 4), weekly(1), ())]),
    ("a month too early", [START, steps.MonthsCounted(1, date(2025, 7, 1), False)]),
    ("a month too late", [START, steps.MonthsCounted(1, date(2025, 7, 3), False)]),
    ("clamped though the day exists", [START, steps.MonthsCounted(1, date(2025, 7, 2), True)]),
    ("the end of the day before", [START, NEXT_DAY, steps.DayEnds(local(2, 17))]),
    ("the end of the day after", [START, NEXT_DAY, steps.DayEnds(local(4, 17))]),
    ("received earlier", [START, steps.CountedFrom(local(2, 8), steps.ReceiptReason.BETWEEN_SESSIONS, ())]),
    (
        "received at the same time",
        [START, steps.CountedFrom(local(2), steps.ReceiptReason.BETWEEN_SESSIONS, ())],
    ),
    ("days off forgotten", [START, steps.CountedFrom(local(4), steps.ReceiptReason.DAY_OFF, weekly(2))]),
    ("a span of nothing", [START, steps.Ran(0, ((local(2), local(2)),), ())]),
    ("a span backwards", [START, steps.Ran(-60, ((local(2), local(2, 8)),), ())]),
    ("more than the minutes", [START, steps.Ran(30, ((local(2), local(2, 10)),), ())]),
    ("less than the minutes", [START, steps.Ran(90, ((local(2), local(2, 10)),), ())]),
    ("kept, and not later", [START, steps.KeptLater(local(2))]),
    ("overdue at the due time", [START, stood(local(2), -1)]),
    ("more left than there is", [START, stood(local(2, 8), 90, (local(2, 8), local(2, 9, 30)))]),
]


@pytest.mark.parametrize("found", [found for _, found in RIGHT], ids=[name for name, _ in RIGHT])
def test_steps_that_add_up_are_taken(found: list[Step]) -> None:
    assert replay(found) >= local(2)


@pytest.mark.parametrize("found", [found for _, found in WRONG], ids=[name for name, _ in WRONG])
def test_steps_that_are_wrong_are_refused(found: list[Step]) -> None:
    with pytest.raises(StepsError):
        replay(found)


@pytest.mark.parametrize("minutes", [29, 31])
def test_what_goes_on_is_what_was_left(minutes: int) -> None:
    pause_of_30 = stood(local(2, 8, 30), 30, (local(2, 8, 30), local(2)))
    goes_on = steps.WentOn(local(3), steps.Since.REST)
    ran = steps.Ran(minutes, ((local(3), local(3) + timedelta(minutes=minutes)),), ())
    with pytest.raises(StepsError):
        replay([START, pause_of_30, goes_on, ran])


@pytest.mark.parametrize("due", [local(2, 8), local(2, 10)])
def test_steps_that_lead_elsewhere_explain_nothing(due: datetime) -> None:
    with pytest.raises(StepsError):
        Explanation((START,), due)


# --- what is explained


def test_past_the_cut_off_on_a_monday_no_day_is_skipped() -> None:
    explanation = explain(PLAIN, local(2, 16), 0, "working_day", time(15))
    assert explanation.due == local(3, 17)
    [same_day] = [step for step in explanation.steps if isinstance(step, steps.SameDay)]
    assert (same_day.past, same_day.skipped) == (True, ())


def test_calendar_days_are_no_working_days_and_roll_only_from_a_day_off() -> None:
    explanation = explain(PLAIN, local(2), 1, "calendar_day")
    assert kinds(explanation) == ["handed_in", "days_counted", "day_ends"]
    [counted] = [step for step in explanation.steps if isinstance(step, steps.DaysCounted)]
    assert not counted.working


@pytest.mark.parametrize(
    ("unit", "policy", "reason"),
    [
        ("working_hour", Policy(), steps.ReceiptReason.DAY_OFF),
        ("working_hour", Policy(receipt=ReceiptRule.COUNTER), steps.ReceiptReason.BEFORE_HOURS),
        ("clock_hour", Policy(clock_hour_receipt=ReceiptRule.COUNTER), steps.ReceiptReason.BEFORE_HOURS),
        ("clock_hour", Policy(clock_hour_receipt=ReceiptRule.NEXT_SESSION), steps.ReceiptReason.DAY_OFF),
    ],
)
def test_the_reason_of_a_receipt_is_that_of_the_hours_it_goes_by(
    unit: str, policy: Policy, reason: steps.ReceiptReason
) -> None:
    saturday = local(7, 7)
    found = explain(COUNTER, saturday, 1, unit, policy=policy).steps
    assert [step.reason for step in found if isinstance(step, steps.CountedFrom)] == [reason]


def test_an_actual_receipt_of_no_term_is_explained_by_the_sessions() -> None:
    actual = Policy(receipt=ReceiptRule.ACTUAL)
    early = explain(COUNTER, local(2, 6), 0, "working_day", policy=actual)
    assert kinds(early) == ["handed_in", "same_day", "day_ends"]
    at_once = explain(COUNTER, local(2, 6), 0, "minute", policy=actual)
    assert at_once.due == local(2, 7, 30)
    saturday = explain(COUNTER, local(7, 7), 0, "minute", policy=actual)
    assert [step.reason for step in saturday.steps if isinstance(step, steps.CountedFrom)] == [
        steps.ReceiptReason.DAY_OFF
    ]


def paused(term: Term, begun: datetime, over: datetime) -> DossierClock:
    clock = pause(PLAIN, started(PLAIN, local(2), term), begun, PAYMENT)
    return resume(PLAIN, clock, over)


@pytest.mark.parametrize(
    ("term", "begun", "due", "vi", "en"),
    [
        (Term(60, TermUnit.MINUTE), local(2, 9, 59), local(3, 11, 31), "dừng còn 1 phút", "with 1 min left"),
        (Term(1, TermUnit.CLOCK_HOUR), local(2, 10), local(2, 10), "dừng còn 0 phút", "with 0 min left"),
        (Term(1, TermUnit.CLOCK_HOUR), local(2, 10, 0, 1), local(2, 10), "khi đã quá hạn", "overdue already"),
        (Term(1, TermUnit.CLOCK_HOUR), local(2, 11), local(2, 10), "khi đã quá hạn", "overdue already"),
        (Term(60, TermUnit.MINUTE), local(2, 9, 30), local(3, 12, 0), "dừng còn 30 phút", "with 30 min left"),
    ],
)
def test_a_pause_is_explained_down_to_the_last_minute(
    term: Term, begun: datetime, due: datetime, vi: str, en: str
) -> None:
    clock = paused(term, begun, local(3, 11, 30))
    explanation = explain_clock(PLAIN, clock)
    # From 11:30 on it is the afternoon that runs.
    assert explanation.due == (due if due.hour < 11 else due + timedelta(hours=2))
    assert any(vi in said for said in sentences(explanation))
    assert any(en in said for said in sentences(explanation, "en"))


def test_the_words_name_the_end_the_days_left_out_and_the_seconds() -> None:
    two_sessions = explain(PLAIN, local(2, 11, 0, 5), 1, "working_hour")
    assert two_sessions.due == local(2, 14, 0, 5)
    assert "14:00:05" in sentences(two_sessions, "vi")[-1]
    assert "14:00:05" in sentences(two_sessions, "en")[-1]
    holiday = PLAIN.amended(days=[Day(date(2025, 6, 9), DayKind.OFF, "Holiday", "notice")])
    said = " ".join(sentences(explain(holiday, local(6, 16), 2, "working_hour"), "en"))
    assert "left out are 2 weekly days off, 2025-06-09 (Holiday, notice)" in said
    assert "closed" not in said


def test_an_amendment_on_no_day_and_no_minutes_read_as_plurals() -> None:
    clock = apologise(PLAIN, started(PLAIN, local(2), Term(5, TermUnit.WORKING_DAY)), local(3), local(20))
    said = sentences(explain_clock(PLAIN, clock, PLAIN), "en")
    assert "on no day of this count" in said[-1]
    zero = explain(PLAIN, local(2), 0, "clock_hour")
    assert "a term of 0 hours" in sentences(zero, "en")[0]
