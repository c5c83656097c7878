"""One dossier's clock: pauses, apologies, extensions, re-dating, judging, the steps' shares, what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time

import pytest

from legalclock.calendar import Calendar, Day, DayKind, differing_days
from legalclock.dossier_clock import (
    Apology,
    DossierClock,
    GoesOn,
    Judged,
    PauseCause,
    Term,
    judge,
    read,
    started,
)
from legalclock.left import left_now, left_text
from legalclock.moments import LOCAL
from legalclock.moves import (
    MoveRefusedError,
    Refusal,
    apologise,
    apology_deadline,
    extend,
    pause,
    resume,
)
from legalclock.outcome import Outcome
from legalclock.rulesets import RULE_SETS, OnSupplement, named, rule_set
from legalclock.units import DueMode, TermUnit

CALENDAR = Calendar().amended(years=[2024, 2025])
SUPPLEMENT, PAYMENT, SUSPENSION = PauseCause
EARLY, ON_TIME, LATE = Outcome
FIVE_DAYS = Term(5, TermUnit.WORKING_DAY)


def at(text: str) -> datetime:
    """A local time of June 2025; the 2nd, 9th, 16th and 23rd are Mondays."""
    return datetime.fromisoformat(f"2025-06-{text}").replace(tzinfo=LOCAL)


def clock(received: str, value: int, unit: str, on_supplement: str | None = None) -> DossierClock:
    how = None if on_supplement is None else OnSupplement(on_supplement)
    return started(CALENDAR, at(received), Term(value, TermUnit(unit), on_supplement=how))


def paused(start: DossierClock, since: str, until: str, cause: PauseCause = SUPPLEMENT) -> DossierClock:
    return resume(CALENDAR, pause(CALENDAR, start, at(since), cause), at(until))


# Rule sets


def test_the_rule_set_is_that_of_the_local_day_and_a_dossier_keeps_its_own() -> None:
    assert rule_set(date(2025, 6, 30)).name == "nd61"
    assert rule_set(date(2025, 7, 1)).name == "nd118"
    assert rule_set(date(2010, 1, 1)).name == "nd61"
    last_evening = datetime(2025, 6, 30, 18, tzinfo=LOCAL)  # counts from 1 July, and was received in June
    assert started(CALENDAR, last_evening, FIVE_DAYS).rules == "nd61"
    assert started(CALENDAR, last_evening, FIVE_DAYS, "nd118").rules == "nd118"
    for unknown in ("", "nd62"):
        with pytest.raises(ValueError, match="nd61, nd118"):
            named(unknown)


def test_what_awaits_confirmation_is_marked() -> None:
    assert [rules.valid_from for rules in RULE_SETS] == sorted(rules.valid_from for rules in RULE_SETS)
    assert named("nd61").confirm == {"on_supplement"}
    assert named("nd118").confirm >= {"apologies", "apology_days", "on_supplement"}
    fields = set(RULE_SETS[0].__dataclass_fields__)
    assert all(rules.confirm <= fields for rules in RULE_SETS)


# Pausing


@pytest.mark.parametrize(
    ("unit", "value", "received", "since", "until", "due"),
    [
        ("working_day", 5, "02T08:00", "04T10:00", "06T10:00", "11T17:00"),  # two working days more
        ("working_day", 5, "02T08:00", "04T10:00", "04T10:00", "09T17:00"),
        ("working_day", 5, "02T08:00", "06T17:00", "09T07:30", "09T17:00"),  # no working time between
        ("working_day", 5, "02T08:00", "07T08:00", "08T20:00", "09T17:00"),  # a week-end costs nothing
        ("calendar_day", 5, "02T08:00", "03T08:00", "04T08:00", "10T17:00"),
        ("month", 0, "02T08:00", "02T09:00", "04T08:00", "04T17:00"),
        ("working_hour", 8, "02T08:00", "02T10:00", "05T14:00", "06T10:30"),
        ("clock_hour", 8, "02T08:00", "02T10:00", "05T14:00", "05T20:00"),
        ("working_day", 0, "02T08:00", "02T10:00", "03T10:00", "03T17:00"),
    ],
)
def test_a_pause_adds_its_working_time(
    unit: str, value: int, received: str, since: str, until: str, due: str
) -> None:
    before = clock(received, value, unit)
    after = read(CALENDAR, paused(before, since, until))
    assert after.due_current == after.due_term == after.due_counted == at(due)
    assert after.due_original == before.due_original == read(CALENDAR, before).due_current


def test_a_working_day_in_hours_goes_on_to_the_minute() -> None:
    term = Term(1, TermUnit.WORKING_DAY, DueMode.WORKING_HOURS)
    dossier = started(CALENDAR, at("02T10:17"), term)
    assert read(CALENDAR, paused(dossier, "02T11:00", "03T11:00")).due_current == at("04T10:17")


def test_while_paused_the_reading_says_so_and_keeps_what_was_left() -> None:
    dossier = pause(CALENDAR, clock("02T08:00", 5, "working_day"), at("04T10:00"), PAYMENT)
    reading = read(CALENDAR, dossier)
    assert reading.paused is not None
    assert (reading.paused.cause, reading.paused.at) == (PAYMENT, at("04T10:00"))
    assert reading.remaining_minutes == 3 * 450 + 300
    assert reading.due_current == at("09T17:00")
    assert left_text(left_now(CALENDAR, dossier, at("20T10:00"))) == "Còn 3 ngày 5 giờ"
    going = resume(CALENDAR, dossier, at("20T10:00"))
    assert read(CALENDAR, going).remaining_minutes is None
    assert left_text(left_now(CALENDAR, going, at("20T10:00"))) == "Còn 3 ngày 5 giờ"


def test_several_supplements_add_up() -> None:
    once = paused(clock("02T08:00", 5, "working_day"), "03T08:00", "04T08:00")
    twice = paused(once, "05T09:00", "06T09:00", PAYMENT)
    thrice = paused(twice, "06T10:00", "06T11:00", SUSPENSION)
    dues = [read(CALENDAR, dossier).due_current for dossier in (once, twice, thrice)]
    assert dues == [at("10T17:00"), at("11T17:00"), at("12T17:00")]  # an hour more rounds up to the day


@pytest.mark.parametrize(
    ("policy", "cause", "due"),
    [
        ("pause", SUPPLEMENT, "11T17:00"),
        ("restart", SUPPLEMENT, "13T17:00"),
        ("continue", SUPPLEMENT, "09T17:00"),
        (None, SUPPLEMENT, "11T17:00"),
        ("restart", PAYMENT, "11T17:00"),  # the policy is about supplements
        ("continue", SUSPENSION, "11T17:00"),
    ],
)
def test_what_a_pause_does_is_a_policy_of_the_procedure(
    policy: str | None, cause: PauseCause, due: str
) -> None:
    dossier = paused(clock("02T08:00", 5, "working_day", policy), "04T10:00", "06T10:00", cause)
    assert read(CALENDAR, dossier).due_current == at(due)


def test_beginning_anew_never_brings_the_due_time_forward() -> None:
    dossier = extend(CALENDAR, clock("02T08:00", 2, "working_day", "restart"), at("03T09:00"), 10)
    assert read(CALENDAR, paused(dossier, "03T10:00", "03T11:00")).due_current == at("18T17:00")


@pytest.mark.parametrize("policy", ["pause", "restart"])
@pytest.mark.parametrize("since", ["09T17:00", "09T17:01", "11T08:00"])
def test_what_is_over_neither_goes_on_nor_begins_again(policy: str, since: str) -> None:
    dossier = paused(clock("02T08:00", 5, "working_day", policy), since, "20T10:00")
    reading = read(CALENDAR, dossier)
    assert reading.due_current == at("09T17:00")
    assert reading.running == ((at("02T08:00"), at("09T17:00")),)
    assert judge(CALENDAR, dossier, at("20T11:00")).by_current is LATE


def test_a_due_time_never_comes_earlier_by_a_pause_over_lunch() -> None:
    dossier = started(CALENDAR, at("02T12:00"), Term(0, TermUnit.MINUTE))
    assert dossier.due_original == at("02T13:30")
    again = pause(CALENDAR, extend(CALENDAR, dossier, at("02T12:10"), 1), at("02T12:20"), PAYMENT)
    assert read(CALENDAR, resume(CALENDAR, again, at("02T12:30"))).due_current == at("02T13:31")


def test_a_history_that_cannot_be_is_an_error() -> None:
    with pytest.raises(ValueError, match="without having stood"):
        read(CALENDAR, replace(clock("02T08:00", 5, "working_day"), moves=(GoesOn(at("03T08:00")),)))


# Apologies and extensions


@pytest.mark.parametrize(
    ("due", "until"),
    [
        ("09T17:00", "06T17:00"),
        ("11T17:00", "10T17:00"),
        ("11T10:00", "10T17:00"),  # terms in hours too: the working day before
        ("08T10:00", "06T17:00"),
    ],
)
def test_an_apology_comes_at_the_latest_one_working_day_before_due(due: str, until: str) -> None:
    assert apology_deadline(CALENDAR, at(due)) == at(until)


def test_an_apology_in_time_moves_the_date_once_and_counts() -> None:
    dossier = apologise(CALENDAR, clock("02T08:00", 5, "working_day"), at("06T17:00"), at("12T09:00"))
    reading = read(CALENDAR, dossier)
    assert (reading.due_original, reading.due_term) == (at("09T17:00"), at("09T17:00"))
    assert (reading.due_counted, reading.due_current) == (at("12T17:00"), at("12T17:00"))
    assert reading.apologies == 1
    assert judge(CALENDAR, dossier, at("12T16:00")) == Judged(LATE, LATE, ON_TIME)
    assert judge(CALENDAR, dossier, at("11T16:00")) == Judged(LATE, LATE, EARLY)
    assert judge(CALENDAR, dossier, at("06T17:30")) == Judged(EARLY, EARLY, EARLY)


def test_a_second_apology_needs_an_override_and_is_late_still_against_the_first() -> None:
    first = apologise(CALENDAR, clock("02T08:00", 5, "working_day"), at("06T10:00"), at("12T17:00"))
    with pytest.raises(MoveRefusedError, match="apology_again"):
        apologise(CALENDAR, first, at("10T10:00"), at("16T17:00"))
    second = apologise(CALENDAR, first, at("10T10:00"), at("16T17:00"), override=True)
    reading = read(CALENDAR, second)
    assert (reading.due_counted, reading.due_current) == (at("12T17:00"), at("16T17:00"))
    assert judge(CALENDAR, second, at("13T10:00")).by_current is LATE
    assert judge(CALENDAR, second, at("12T10:00")).by_current is ON_TIME


def test_a_late_apology_needs_an_override_and_does_not_count() -> None:
    dossier = clock("02T08:00", 5, "working_day")
    with pytest.raises(MoveRefusedError, match="apology_too_late"):
        apologise(CALENDAR, dossier, at("06T17:00:01"), at("12T17:00"))
    late = apologise(CALENDAR, dossier, at("09T08:00"), at("12T17:00"), override=True)
    assert judge(CALENDAR, late, at("12T10:00")) == Judged(LATE, LATE, LATE)
    assert isinstance(late.moves[0], Apology)
    assert not late.moves[0].counts


def test_a_new_date_is_a_due_time_and_later_than_the_old_one() -> None:
    dossier = clock("02T08:00", 5, "working_day")
    on_sunday = apologise(CALENDAR, dossier, at("05T08:00"), at("15T08:00"))
    assert read(CALENDAR, on_sunday).due_current == at("16T17:00")
    in_hours = apologise(CALENDAR, clock("02T08:00", 24, "working_hour"), at("03T08:00"), at("06T12:00"))
    assert read(CALENDAR, in_hours).due_current == at("06T13:30")
    day_and_night = apologise(CALENDAR, clock("02T08:00", 96, "clock_hour"), at("03T08:00"), at("08T03:00"))
    assert read(CALENDAR, day_and_night).due_current == at("08T03:00")
    with pytest.raises(MoveRefusedError, match="not_later"):
        apologise(CALENDAR, dossier, at("05T08:00"), at("09T23:00"))


def test_an_extension_lengthens_the_term_itself() -> None:
    dossier = extend(CALENDAR, clock("02T08:00", 5, "working_day"), at("09T17:00"), 3)
    reading = read(CALENDAR, dossier)
    assert (reading.due_original, reading.due_term) == (at("09T17:00"), at("12T17:00"))
    assert judge(CALENDAR, dossier, at("12T10:00")) == Judged(LATE, ON_TIME, ON_TIME)
    with pytest.raises(ValueError, match="got 0"):
        extend(CALENDAR, clock("02T08:00", 5, "working_day"), at("03T08:00"), 0)


STANDING = pause(CALENDAR, clock("02T08:00", 5, "working_day"), at("04T10:00"), SUPPLEMENT)
RUNNING = clock("02T08:00", 5, "working_day")


@pytest.mark.parametrize(
    ("move", "reason"),
    [
        (lambda: pause(CALENDAR, STANDING, at("04T11:00"), PAYMENT), Refusal.STANDS),
        (lambda: apologise(CALENDAR, STANDING, at("04T11:00"), at("20T17:00")), Refusal.STANDS),
        (lambda: extend(CALENDAR, STANDING, at("04T11:00"), 1), Refusal.STANDS),
        (lambda: resume(CALENDAR, RUNNING, at("04T11:00")), Refusal.RUNS),
        (lambda: resume(CALENDAR, STANDING, at("04T09:59:59")), Refusal.BEFORE_THE_LAST),
        (lambda: pause(CALENDAR, RUNNING, at("02T07:59"), PAYMENT), Refusal.BEFORE_THE_LAST),
        (lambda: extend(CALENDAR, RUNNING, at("09T17:00:01"), 1), Refusal.OVERDUE),
    ],
)
def test_a_move_the_rules_forbid_is_refused_with_its_reason(
    move: Callable[[], DossierClock], reason: Refusal
) -> None:
    with pytest.raises(MoveRefusedError, match=reason) as caught:
        move()
    assert caught.value.reason is reason


# Judging


def test_a_dossier_finished_while_its_clock_stands_is_judged_by_the_moment_it_stopped() -> None:
    stopped = pause(CALENDAR, clock("02T08:00", 5, "working_day"), at("06T10:00"), SUPPLEMENT)
    assert judge(CALENDAR, stopped, at("27T10:00")) == Judged(EARLY, EARLY, EARLY)
    running_on = pause(CALENDAR, clock("02T08:00", 5, "working_day", "continue"), at("06T10:00"), SUPPLEMENT)
    assert judge(CALENDAR, running_on, at("27T10:00")) == Judged(LATE, LATE, LATE)


def test_day_terms_are_judged_by_date_and_hour_terms_by_time() -> None:
    days, hours = clock("02T08:00", 5, "working_day"), clock("02T08:00", 4, "working_hour")
    assert judge(CALENDAR, days, at("09T07:00")).by_original is ON_TIME
    assert judge(CALENDAR, hours, at("02T13:29")).by_original is EARLY
    assert judge(CALENDAR, hours, at("02T14:00")).by_original is ON_TIME
    assert judge(CALENDAR, hours, at("02T14:00:01")).by_original is LATE


# Amendments


def test_an_amendment_redates_from_the_history_and_keeps_what_was_promised() -> None:
    dossier = paused(clock("02T08:00", 5, "working_day"), "04T10:00", "06T10:00")
    amended = CALENDAR.amended(days=[Day(date(2025, 6, 3), DayKind.OFF), Day(date(2025, 6, 7), DayKind.WORK)])
    reading = read(amended, dossier)
    fresh = started(amended, at("02T08:00"), FIVE_DAYS)
    as_if = resume(amended, pause(amended, fresh, at("04T10:00"), SUPPLEMENT), at("06T10:00"))
    assert reading.due_current == read(amended, as_if).due_current
    assert reading.due_original == at("09T17:00") == dossier.due_original
    assert differing_days(CALENDAR, amended, date(2025, 6, 1), date(2025, 6, 30)) == [
        date(2025, 6, 3),
        date(2025, 6, 7),
    ]


def test_a_promised_date_that_becomes_a_day_off_moves_on() -> None:
    dossier = apologise(CALENDAR, clock("02T08:00", 5, "working_day"), at("06T10:00"), at("12T17:00"))
    amended = CALENDAR.amended(days=[Day(date(2025, 6, 12), DayKind.OFF)])
    assert read(amended, dossier).due_current == at("13T17:00")


def test_nobody_is_late_before_the_term_is_up_even_when_it_outgrows_a_promise() -> None:
    dossier = apologise(CALENDAR, clock("02T08:00", 5, "working_day"), at("06T10:00"), at("10T17:00"))
    amended = CALENDAR.amended(days=[Day(date(2025, 6, day), DayKind.OFF) for day in (3, 4, 5)])
    reading = read(amended, dossier)
    assert reading.due_term == reading.due_counted == reading.due_current == at("12T17:00")


def test_a_cut_off_is_part_of_the_term() -> None:
    term = Term(0, TermUnit.WORKING_DAY, late_cutoff=time(15))
    assert started(CALENDAR, at("06T15:01"), term).due_original == at("09T17:00")
