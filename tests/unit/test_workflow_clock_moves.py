"""What moves a dossier's clock, and what goes off while it runs: instants reckoned by hand.

Three working days from Monday 3 March 2025, 08:00. Sessions: 07:30 to 11:30, 13:30 to 17:00; 450 minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from contracts import commands, facts
from contracts.words import DueMode, OnSupplement, Outcome, Role, Step, TermUnit
from tests.fakes.workflow import HOURLY, PROCEDURE, procedure
from tests.fakes.workflow_desk import (
    DAY,
    GOLDEN,
    GOT,
    LAW,
    PAID,
    PAYMENT,
    SUPPLEMENT,
    Desk,
    enact,
    finish,
    law_with,
    local,
    names,
    off,
    reason,
    shared,
)


def test_the_clock_restarts_with_the_papers_where_the_procedure_says_so() -> None:
    desk = Desk(law_with(on_supplement=OnSupplement.RESTART)).up_to(Step.RECEIVE)
    desk.do(SUPPLEMENT, at=local("2025-03-06T09:00")).do(GOT, at=local("2025-03-10T10:00"))
    assert desk.known.due == local("2025-03-13T17:00")
    assert desk.alarms[-2:] == [("due", local("2025-03-13T17:00")), ("escalation", local("2025-03-14T17:00"))]
    desk.do(PAYMENT, at=local("2025-03-11T17:00")).do(PAID, at=local("2025-03-12T07:30"))
    assert desk.known.due == local("2025-03-13T17:00")  # a payment only pauses


def test_the_clock_runs_on_where_the_procedure_says_so_and_so_do_its_alarms() -> None:
    desk = Desk(law_with(on_supplement=OnSupplement.CONTINUE)).up_to(Step.RECEIVE)
    desk.do(SUPPLEMENT, at=local("2025-03-04T10:00"))
    assert desk.alarms == GOLDEN[1:]
    assert names(desk.wait(local("2025-03-07T00:00"))) == [
        "DueDateNear",
        "ApologyDeadlinePassed",
        "DueDatePassed",
    ]
    assert desk.known.overdue
    desk.do(GOT, at=local("2025-03-07T08:00"))
    assert desk.known.due == local("2025-03-06T17:00")
    assert desk.alarms == GOLDEN[4:]
    assert finish(desk, local("2025-03-07T09:00")).outcome is Outcome.LATE


def test_while_the_clock_runs_on_an_amendment_does_not_take_back_that_it_is_overdue() -> None:
    desk = Desk(law_with(on_supplement=OnSupplement.CONTINUE)).up_to(Step.RECEIVE)
    desk.do(SUPPLEMENT, at=local("2025-03-04T10:00"))
    desk.wait(local("2025-03-12T00:00"))
    amended = desk.amend(off("2025-03-05"), at=local("2025-03-12T08:00"))
    assert amended is not None
    assert amended.due == local("2025-03-07T17:00")
    assert amended.overdue
    assert "DueDatePassed" not in names(desk.wait(local("2025-03-13T00:00")))


def test_a_paused_dossier_is_amended_to_what_is_left_of_it() -> None:
    desk = Desk().up_to(Step.RECEIVE).do(SUPPLEMENT, at=local("2025-03-04T17:00"))
    assert desk.known.remaining_minutes == 2 * DAY
    amended = desk.amend(off("2025-03-05"), at=local("2025-03-06T08:00"))
    assert amended is not None
    assert isinstance(amended.body, facts.DueDateAmended)
    assert amended.body.remaining_minutes == 2 * DAY  # the Thursday and, now, the Friday
    assert amended.due == local("2025-03-07T17:00")
    assert desk.alarms == []


def test_working_days_in_hours_end_in_the_middle_of_a_day() -> None:
    desk = Desk(law_with(due_mode=DueMode.WORKING_HOURS)).up_to(Step.RECEIVE)
    assert desk.known.due == local("2025-03-06T08:00")
    assert desk.alarms == [
        ("warn2", local("2025-03-04T07:30")),
        ("warn1", local("2025-03-05T07:30")),
        ("apology", local("2025-03-05T17:00")),
        ("due", local("2025-03-06T08:00")),
        ("escalation", local("2025-03-07T17:00")),
    ]
    desk.do(SUPPLEMENT, at=local("2025-03-05T11:00")).do(GOT, at=local("2025-03-07T13:30"))
    assert desk.known.due == local("2025-03-10T08:30")  # 270 minutes: 210 that Friday, 60 on Monday


def test_hours_have_no_morning_before_the_last_day() -> None:
    desk = Desk(procedure=HOURLY).up_to(Step.RECEIVE)
    assert desk.alarms == [("due", local("2025-03-03T14:00")), ("escalation", local("2025-03-04T17:00"))]


# ---- apologies and extensions --------------------------------------------------------------------


def apology(until: str, *, override: bool = False) -> commands.Apologise:
    return commands.Apologise("staff_shortage", local(until), override)


def test_an_apology_in_time_moves_the_date_that_is_judged() -> None:
    desk = Desk().up_to(Step.RECEIVE).do(apology("2025-03-10T09:00"), at=local("2025-03-05T17:00"))
    given = desk.last
    assert isinstance(given, facts.ApologyGiven)
    assert (given.due, given.counts) == (local("2025-03-10T17:00"), True)
    assert desk.known.due == given.due
    assert [name for name, _ in desk.alarms] == ["warn2", "warn1", "due", "escalation"]  # no second apology
    finished = finish(desk, local("2025-03-10T16:00"))
    assert (finished.outcome, finished.by_original, finished.by_term) == (
        Outcome.ON_TIME,
        Outcome.LATE,
        Outcome.LATE,
    )


@pytest.mark.parametrize(
    ("at", "until", "why"),
    [
        ("2025-03-05T17:01", "2025-03-10T09:00", "apology_too_late"),
        ("2025-03-07T09:00", "2025-03-10T09:00", "apology_too_late"),
        ("2025-03-05T16:00", "2025-03-06T09:00", "not_later"),
        ("2025-03-05T16:00", "2026-01-05T09:00", "no_calendar"),
        ("2025-03-05T16:00", "9999-12-31T23:59", "no_calendar"),
    ],
)
def test_apologies_that_are_refused(at: str, until: str, why: str) -> None:
    desk = Desk().up_to(Step.RECEIVE)
    assert reason(desk.give(apology(until), at=local(at))) == why
    assert desk.known.moves == ()


@pytest.mark.parametrize("procedure", [PROCEDURE, HOURLY, "1.000003"])
def test_a_date_beyond_all_calendars_is_refused_and_stops_nobody(procedure: str) -> None:
    ports = replace(PORTS, code="1.000003")
    desk = Desk(enact(LAW, ports), procedure=procedure).up_to(Step.RECEIVE)
    body = commands.Apologise("staff_shortage", datetime.max.replace(tzinfo=UTC), override=True)
    assert reason(desk.give(body)) == "no_calendar"
    assert reason(desk.give(apology("9999-12-30T00:00", override=True))) == "no_calendar"


PORTS = replace(procedure(), term_unit=TermUnit.CLOCK_HOUR, term_value=72)


def test_a_second_apology_needs_an_override_and_the_dossier_is_late_all_the_same() -> None:
    desk = Desk().up_to(Step.RECEIVE).do(apology("2025-03-10T09:00"), at=local("2025-03-04T08:00"))
    assert reason(desk.give(apology("2025-03-14T09:00"), at=local("2025-03-05T08:00"))) == "apology_again"
    desk.do(apology("2025-03-14T09:00", override=True), at=local("2025-03-06T08:00"))
    given = desk.last
    assert isinstance(given, facts.ApologyGiven)
    assert (given.due, given.counts) == (local("2025-03-14T17:00"), False)
    assert desk.known.due == local("2025-03-14T17:00")
    assert ("due", local("2025-03-10T17:00")) in desk.alarms
    gone = desk.wait(local("2025-03-11T00:00"))
    near, passed = gone[0].body, gone[-1].body
    assert near == facts.DueDateNear(1, local("2025-03-10T17:00"))  # near the date that is judged by
    assert passed == facts.DueDatePassed(local("2025-03-10T17:00"))
    finished = finish(desk, local("2025-03-13T16:00"))
    assert (finished.outcome, finished.due) == (Outcome.LATE, local("2025-03-10T17:00"))
    assert desk.known.due == local("2025-03-14T17:00")


def test_a_late_apology_with_an_override_leaves_the_dossier_late() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    desk.do(apology("2025-03-14T09:00", override=True), at=local("2025-03-07T08:00"))
    assert desk.known.overdue
    assert desk.known.due == local("2025-03-14T17:00")
    assert finish(desk, local("2025-03-10T16:00")).outcome is Outcome.LATE


def test_an_amendment_also_moves_the_date_an_apology_that_does_not_count_has_left() -> None:
    """Promised until Friday week, judged by Thursday; then the Thursday is off, and judged by Friday."""
    desk = Desk().up_to(Step.RECEIVE)
    desk.do(apology("2025-03-14T09:00", override=True), at=local("2025-03-06T08:00"))
    desk.amend(off("2025-03-06"), at=local("2025-03-06T09:00"))
    assert ("due", local("2025-03-07T17:00")) in desk.alarms
    finished = finish(desk, local("2025-03-07T16:00"))
    assert finished.outcome is Outcome.ON_TIME
    assert not desk.known.overdue


def test_an_amendment_moves_the_alarms_also_where_the_due_date_stays() -> None:
    """Calendar days: a day off before the due date moves the last day for an apology, and the warnings."""
    desk = Desk(law_with(term_unit=TermUnit.CALENDAR_DAY, term_value=10)).up_to(Step.RECEIVE)
    assert desk.known.due == local("2025-03-13T17:00")
    assert ("apology", local("2025-03-12T17:00")) in desk.alarms
    amended = desk.amend(off("2025-03-12"), at=local("2025-03-05T08:00"))
    assert amended is not None
    assert amended.due == local("2025-03-13T17:00")
    assert desk.alarms[:3] == [
        ("warn2", local("2025-03-10T07:30")),
        ("warn1", local("2025-03-11T07:30")),
        ("apology", local("2025-03-11T17:00")),
    ]
    assert desk.amend(off("2025-03-12"), at=local("2025-03-06T08:00")) is None


def test_an_amendment_that_moves_nothing_is_no_fact_whatever_has_gone_off() -> None:
    for until in ["03-03T09:00", "03-04T08:00", "03-05T18:00", "03-06T18:00", "03-09T00:00"]:
        desk = Desk(law_with(steps=shared(0, 40, 20, 20, 20))).up_to(Step.RECEIVE)
        desk.wait(local(f"2025-{until}"))
        assert desk.amend(off("2025-11-20"), at=local("2025-03-10T08:00")) is None, until


def test_an_extension_before_the_date_and_none_after_it() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    desk.do(commands.ExtendTerm("complex_case", 2), at=local("2025-03-06T17:00"))
    given = desk.last
    assert isinstance(given, facts.TermExtended)
    assert (given.due, given.unit, given.value) == (local("2025-03-10T17:00"), TermUnit.WORKING_DAY, 2)
    outcome = desk.give(commands.ExtendTerm("complex_case", 2), at=local("2025-03-10T17:01"))
    assert reason(outcome) == "overdue"
    finished = finish(desk, local("2025-03-11T09:00"))
    assert (finished.outcome, finished.by_original) == (Outcome.LATE, Outcome.LATE)


def test_an_extended_dossier_is_on_time_by_its_term_and_late_by_what_was_promised() -> None:
    desk = Desk().up_to(Step.RECEIVE).do(commands.ExtendTerm("complex_case", 2))
    finished = finish(desk, local("2025-03-10T09:00"))
    assert (finished.outcome, finished.by_term, finished.by_original) == (
        Outcome.ON_TIME,
        Outcome.ON_TIME,
        Outcome.LATE,
    )


def test_a_term_is_extended_once() -> None:
    desk = Desk().up_to(Step.RECEIVE).do(commands.ExtendTerm("complex_case", 2))
    assert reason(desk.give(commands.ExtendTerm("complex_case", 2))) == "extended_already"


def test_the_head_who_apologises_does_not_override_the_rule() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    late = commands.Apologise("staff_shortage", local("2025-03-12T17:00"), override=True)
    at = local("2025-03-06T08:00")  # the due date itself: too late to apologise
    assert reason(desk.give(late, at=at, role=Role.LEADER)) == "role_not_allowed"
    assert reason(desk.give(late, at=at, role=Role.ADMIN)) is None


def test_an_hour_brought_in_after_the_alarm_makes_no_late_dossier_of_one_in_time() -> None:
    """An offline counter's stamp of before the due time comes in after it went by."""
    desk = Desk().up_to(Step.APPROVE)
    desk.wait(local("2025-03-06T18:00"))
    assert desk.known.overdue
    desk.do(commands.CompleteStep(Step.STAMP), at=local("2025-03-06T16:30"))
    assert (desk.known.outcome, desk.known.overdue) == (Outcome.ON_TIME, False)


def test_what_ended_in_time_after_the_alarm_and_is_reopened_is_told_to_be_overdue_once_more() -> None:
    """It was overdue no more: without another notice nobody would look for it."""
    desk = Desk().up_to(Step.APPROVE)
    desk.wait(local("2025-03-06T18:00"))
    desk.do(commands.CompleteStep(Step.STAMP), at=local("2025-03-06T16:30"))
    desk.do(commands.RevokeStamp("wrong_seal"), at=local("2025-03-06T17:00"))
    assert not desk.known.overdue
    assert names(desk.wait(local("2025-03-06T18:00"))) == ["DueDatePassed"]
    assert names(desk.wait(local("2025-03-07T07:00"))) == []
