"""The steps' shares of a term, what is left of it in words, and the post's own clock."""

from __future__ import annotations

from datetime import datetime

import pytest

from legalclock.calendar import Calendar
from legalclock.dossier_clock import DossierClock, PauseCause, Term, started
from legalclock.left import Left, left, left_text
from legalclock.moments import LOCAL
from legalclock.moves import pause, resume
from legalclock.outcome import Outcome
from legalclock.postal import PostalDue, PostalOutcome, PostalTerm, postal_due, postal_outcome
from legalclock.rulesets import OnSupplement
from legalclock.shares import step_dues
from legalclock.units import TermUnit

CALENDAR = Calendar().amended(years=[2025])


def at(text: str) -> datetime:
    """A local time of June 2025; the 2nd, 9th, 16th and 23rd are Mondays."""
    return datetime.fromisoformat(f"2025-06-{text}").replace(tzinfo=LOCAL)


def clock(received: str, value: int, unit: str, on_supplement: str | None = None) -> DossierClock:
    how = None if on_supplement is None else OnSupplement(on_supplement)
    return started(CALENDAR, at(received), Term(value, TermUnit(unit), on_supplement=how))


def paused(start: DossierClock, since: str, until: str) -> DossierClock:
    return resume(CALENDAR, pause(CALENDAR, start, at(since), PauseCause.SUPPLEMENT), at(until))


RUNNING = clock("02T08:00", 5, "working_day")


# Shares


@pytest.mark.parametrize("shares", [[], [50, 49], [101, -1], [100, 1]])
def test_shares_sum_up_to_a_hundred(shares: list[int]) -> None:
    with pytest.raises(ValueError, match="sum up to 100"):
        step_dues(CALENDAR, RUNNING, shares)


def test_each_step_has_its_share_of_the_working_time_and_the_last_ends_with_the_term() -> None:
    dues = step_dues(CALENDAR, RUNNING, [10, 40, 20, 0, 30])
    assert [step.minutes for step in dues] == [267, 1068, 534, 0, 801]
    assert sum(step.minutes for step in dues) == 5 * 450 + 420
    assert [step.due for step in dues] == [
        at("02T14:27"),
        at("05T07:45"),
        at("06T09:09"),
        at("06T09:09"),
        at("09T17:00"),
    ]


def test_a_step_does_not_pay_for_a_pause() -> None:
    dossier = paused(RUNNING, "04T10:00", "06T10:00")
    dues = step_dues(CALENDAR, dossier, [30, 70])
    assert dues[0].due == step_dues(CALENDAR, RUNNING, [30, 70])[0].due
    assert dues[1].due == at("11T17:00")
    half = step_dues(CALENDAR, paused(RUNNING, "02T09:00", "04T09:00"), [30, 70])
    assert half[0].due == at("05T15:51")


def test_a_term_begun_anew_is_shared_anew() -> None:
    dossier = paused(clock("02T08:00", 5, "working_day", "restart"), "04T10:00", "09T08:00")
    assert step_dues(CALENDAR, dossier, [50, 50])[0].due == at("12T07:45")


def test_clock_hours_are_shared_day_and_night_and_a_part_of_a_minute_is_nobodys() -> None:
    night = clock("02T20:00:30", 4, "clock_hour")
    assert [step.due for step in step_dues(CALENDAR, night, [50, 50])] == [at("02T22:00"), at("03T00:00:30")]
    none = clock("02T08:00", 0, "minute")
    assert [step.due for step in step_dues(CALENDAR, none, [50, 50])] == [at("02T08:00")] * 2


# What is left, in words


@pytest.mark.parametrize(
    ("minutes", "vi", "en"),
    [
        (630, "Còn 1 ngày 3 giờ", "1 day 3 hours left"),
        (-120, "Quá 0 ngày 2 giờ", "0 days 2 hours overdue"),
        (-900, "Quá 2 ngày 0 giờ", "2 days 0 hours overdue"),
        (60, "Còn 0 ngày 1 giờ", "0 days 1 hour left"),
        (59, "Còn 0 ngày 0 giờ", "0 days 0 hours left"),
        (0, "Còn 0 ngày 0 giờ", "0 days 0 hours left"),
        (-1, "Quá 0 ngày 0 giờ", "0 days 0 hours overdue"),
        (-509, "Quá 1 ngày 0 giờ", "1 day 0 hours overdue"),
    ],
)
def test_what_is_left_in_words(minutes: int, vi: str, en: str) -> None:
    what = Left(minutes, 450)
    assert (left_text(what), left_text(what, "en")) == (vi, en)
    days, hours, rest = what.parts
    assert days * 450 + hours * 60 + rest == abs(minutes)


def test_a_day_left_is_the_sessions_of_a_full_day_or_a_day_and_night() -> None:
    assert left(CALENDAR, at("02T10:00"), at("03T17:00"), "working_day") == Left(750, 450)
    assert left(CALENDAR, at("02T10:00"), at("03T17:00"), "clock_hour") == Left(31 * 60, 1440)
    longer = CALENDAR.amended(sessions=[CALENDAR.sessions[0]] * 4 + [CALENDAR.sessions[0][:1], (), ()])
    assert left(longer, at("06T08:00"), at("06T11:30"), "working_day") == Left(210, 450)
    assert left(CALENDAR, at("09T08:00"), at("06T17:00"), "working_day").overdue


# The post


def test_the_post_has_its_own_term_and_its_own_outcome() -> None:
    with_saturday = CALENDAR.amended(sessions=[CALENDAR.sessions[0]] * 6 + [()])
    limit = postal_due(with_saturday, at("05T16:00"), PostalTerm(2))
    assert limit == PostalDue(at("07T17:00"))
    assert postal_outcome(limit, at("09T08:00"), at("07T17:00")) is PostalOutcome.DELIVERED_IN_TIME
    assert postal_outcome(limit, at("09T08:00"), at("07T17:00:01")) is PostalOutcome.DELIVERED_LATE
    assert postal_outcome(limit, at("07T17:00"), None) is PostalOutcome.UNDER_WAY
    assert postal_outcome(limit, at("07T17:01"), None) is PostalOutcome.OVERDUE
    assert not set(PostalOutcome) & set(Outcome)
