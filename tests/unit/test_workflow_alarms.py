"""What goes off while a dossier's clock runs: warnings, the due date, the steps' own times, the escalation.

Three working days from Monday 3 March 2025, 08:00. Sessions: 07:30 to 11:30, 13:30 to 17:00; 450 minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from contracts import commands, facts
from contracts.law import CalendarAmended, DayKind
from contracts.outcomes import ActionName
from contracts.words import Channel, Outcome, Step
from services.workflow.domain.law import Law
from tests.fakes.workflow import AGENCY, OTHER_AGENCY, PROCEDURE, officer, procedure
from tests.fakes.workflow_desk import (
    DAY,
    GOLDEN,
    LAW,
    PAUSES,
    Desk,
    body_of,
    enact,
    finish,
    law_with,
    local,
    names,
    of_days,
    off,
    reason,
    shared,
)

# ---- what goes off -------------------------------------------------------------------------------


def test_the_alarms_of_three_working_days() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    assert desk.alarms == GOLDEN
    accepted = desk.last
    assert isinstance(accepted, facts.DossierAccepted)
    assert [(alarm.name.value, alarm.at) for alarm in accepted.alarms or ()] == GOLDEN


def test_each_alarm_is_a_fact_of_its_own_and_comes_once() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    assert desk.wait(local("2025-03-04T07:30")) == []  # not before its time has passed
    gone = desk.wait(local("2025-04-01T00:00"))
    due = local("2025-03-06T17:00")
    assert [(fact.at, fact.body) for fact in gone] == [
        (local("2025-03-04T07:30"), facts.DueDateNear(2, due)),
        (local("2025-03-05T07:30"), facts.DueDateNear(1, due)),
        (local("2025-03-05T17:00"), facts.ApologyDeadlinePassed(due)),
        (due, facts.DueDatePassed(due)),
        (local("2025-03-07T17:00"), facts.Escalated(Step.APPRAISE, local("2025-03-07T17:00"))),
    ]
    assert [fact.overdue for fact in gone] == [False, False, False, True, True]
    assert desk.wait(local("2025-12-01T00:00")) == []


@pytest.mark.parametrize(("name", "when"), GOLDEN[:4])
def test_an_alarm_at_the_very_time_of_a_command_is_not_lost(name: str, when: datetime) -> None:
    """A replay speaks in whole minutes: commands do come at 07:30 sharp."""
    desk = Desk(law_with(steps=shared(20, 20, 20, 20, 20))).up_to(Step.RECEIVE)
    assert (name, when) in desk.alarms
    desk.do(commands.CompleteStep(Step.APPRAISE), at=when)
    assert (name, when) in desk.alarms
    gone = desk.wait(when + timedelta(microseconds=1))
    assert when in [fact.at for fact in gone]
    assert (name, when) not in desk.alarms


def test_a_command_behind_the_dossiers_time_fires_what_lies_before_that_time() -> None:
    """The clocks of two doors differ; within a dossier the later one holds."""
    desk = Desk().up_to(Step.RECEIVE)
    desk.do(commands.CompleteStep(Step.APPRAISE), at=local("2025-03-06T16:59"))
    desk.amend(off("2025-03-04"), at=local("2025-03-06T16:59"))
    desk.amend(of_days(DayKind.WORK, "2025-03-04"), at=local("2025-03-06T17:30"))  # a day off after all not
    assert desk.known.due == local("2025-03-06T17:00")
    assert desk.known.at == local("2025-03-06T17:30")
    outcome = desk.give(commands.ExtendTerm("complex_case", 1), at=local("2025-03-06T16:58"))
    assert reason(outcome) == "overdue"
    assert [fact.at for fact in desk.facts] == sorted(fact.at for fact in desk.facts)


def test_pauses_clear_the_alarms_and_going_on_sets_those_of_the_new_date() -> None:
    for pause, go_on in PAUSES:
        desk = Desk().up_to(Step.RECEIVE).do(pause, at=local("2025-03-03T17:00"))
        assert desk.alarms == []
        assert desk.known.remaining_minutes == 3 * DAY
        assert desk.wait(local("2025-03-10T07:30")) == []
        desk.do(go_on, at=local("2025-03-10T07:30"))
        assert desk.alarms == [
            ("warn1", local("2025-03-11T07:30")),
            ("apology", local("2025-03-11T17:00")),
            ("due", local("2025-03-12T17:00")),
            ("escalation", local("2025-03-13T17:00")),
        ]  # warn2 would be this very morning
        assert getattr(desk.last, "paused_minutes", None) == 4 * DAY
        assert desk.known.due_original == local("2025-03-06T17:00")


def test_ends_clear_the_alarms() -> None:
    ends: list[commands.CommandBody] = [commands.WithdrawDossier(), commands.StopDossier("applicant_died")]
    for end in ends:
        assert Desk().up_to(Step.RECEIVE).do(end).alarms == []
    assert Desk().up_to(Step.STAMP).alarms == []
    assert Desk().up_to(Step.APPRAISE).do(commands.DeclineDossier("conditions_not_met")).alarms == []


# ---- the steps' own times ------------------------------------------------------------------------


def test_each_step_has_its_own_time_and_its_holder_is_named_when_it_is_up() -> None:
    desk = Desk(law_with(steps=shared(0, 50, 30, 20, 0))).up_to(Step.RECEIVE)
    # 08:00 on Monday to 17:00 on Thursday: 420 + 3 * 450 = 1770 minutes; half of them are 885.
    assert ("step", local("2025-03-04T17:00") + timedelta(0)) not in desk.alarms
    assert ("step", local("2025-03-05T07:45")) in desk.alarms
    assert ("escalation", local("2025-03-06T17:00")) in desk.alarms
    desk.do(commands.HandOver(OTHER_AGENCY, officer("an")), at=local("2025-03-04T09:00"))
    desk.wait(local("2025-03-06T17:01"))
    gone = [fact for fact in desk.facts if isinstance(fact.body, facts.StepDuePassed)]
    assert [(fact.at, fact.body) for fact in gone] == [
        (local("2025-03-05T07:45"), facts.StepDuePassed(Step.APPRAISE, local("2025-03-05T07:45")))
    ]
    assert gone[0].holder == facts.Holder(OTHER_AGENCY, officer("an"))
    escalated = [fact for fact in desk.facts if isinstance(fact.body, facts.Escalated)]
    assert [fact.body for fact in escalated] == [facts.Escalated(Step.APPRAISE, local("2025-03-06T17:00"))]
    assert escalated[0].holder == facts.Holder(OTHER_AGENCY, officer("an"))


def test_a_step_that_is_late_is_told_once_whoever_has_it() -> None:
    desk = Desk(law_with(steps=shared(0, 50, 30, 20, 0))).up_to(Step.RECEIVE)
    desk.wait(local("2025-03-05T08:00"))
    desk.do(commands.HandOver(OTHER_AGENCY))
    gone = names(desk.wait(local("2025-06-01T00:00")))
    assert "StepDuePassed" not in gone
    assert gone.count("Escalated") == 1


def test_a_late_step_whose_time_lies_ahead_again_is_told_of_again() -> None:
    desk = Desk(law_with(steps=shared(0, 50, 30, 20, 0))).up_to(Step.RECEIVE)
    desk.wait(local("2025-03-06T17:01"))
    assert (desk.known.late_step, desk.known.escalated_step) == (Step.APPRAISE, Step.APPRAISE)
    desk = Desk(law_with(steps=shared(0, 50, 30, 20, 0))).up_to(Step.RECEIVE)
    desk.wait(local("2025-03-05T08:00"))
    desk.do(commands.ExtendTerm("complex_case", 5))
    gone = names(desk.wait(local("2025-06-01T00:00")))
    assert (gone.count("StepDuePassed"), gone.count("Escalated")) == (1, 1)


def test_a_step_taken_up_after_its_time_is_late_at_once_and_the_next_one_has_its_own() -> None:
    desk = Desk(law_with(steps=shared(0, 50, 30, 20, 0))).up_to(Step.RECEIVE)
    late = local("2025-03-07T08:00")
    desk.do(commands.CompleteStep(Step.APPRAISE, None), at=late)
    done = desk.last
    assert isinstance(done, facts.StepCompleted)
    assert (done.due, done.outcome) == (local("2025-03-05T07:45"), Outcome.LATE)
    assert done.since == desk.facts[1].at
    gone = desk.wait(late + timedelta(minutes=1))
    # 885 + 531 of 1770 minutes: 531 after 07:45 on Wednesday.
    assert [(fact.at, fact.body) for fact in gone] == [
        (late, facts.StepDuePassed(Step.APPROVE, local("2025-03-06T08:51") + timedelta(minutes=15)))
    ]


def test_a_correction_is_another_turn_of_the_steps() -> None:
    """The appraiser was late, and has it again; nobody else was."""
    desk = Desk(law_with(steps=shared(0, 10, 70, 20, 0))).up_to(Step.RECEIVE)
    desk.wait(local("2025-03-05T08:00"))
    assert (desk.known.late_step, desk.known.escalated_step) == (Step.APPRAISE, Step.APPRAISE)
    desk.do(commands.ExtendTerm("complex_case", 20), at=local("2025-03-05T08:10"))
    finish(desk, local("2025-03-05T09:00"))
    desk.do(commands.CorrectResult("wrong_name"), at=local("2025-03-05T09:30"))
    # 1770 and 9000 minutes: a tenth is 1077, and 420 + 450 of them passed on the Monday and the Tuesday.
    again = [alarm for alarm in desk.alarms if alarm[0] in ("step", "escalation")]
    assert again == [("step", local("2025-03-05T10:57")), ("escalation", local("2025-03-06T17:00"))]


def test_what_was_amended_while_it_was_finished_holds_once_it_is_open_again() -> None:
    for body in (commands.CorrectResult("wrong_name"), commands.RevokeStamp("wrong_seal")):
        desk = Desk().up_to(Step.STAMP)
        assert desk.amend(off("2025-03-06"), at=local("2025-03-04T08:00")) is None
        assert desk.known.due == local("2025-03-06T17:00")
        desk.do(body, at=local("2025-03-04T09:00"))
        assert ("due", local("2025-03-07T17:00")) in desk.alarms
        assert desk.known.due == desk.facts[-1].due == local("2025-03-07T17:00")
        assert desk.amend(off("2025-11-20"), at=local("2025-03-04T10:00")) is None


def test_a_correction_after_the_due_date_is_overdue_at_once() -> None:
    desk = Desk().up_to(Step.STAMP)
    corrected = desk.give(commands.CorrectResult("wrong_name"), at=local("2025-03-20T09:00"))
    assert ActionName.EXTEND not in corrected.allowed_actions
    assert desk.known.outcome is None
    assert names(desk.wait(local("2025-03-20T09:01"))) == ["DueDatePassed", "Escalated"]
    assert desk.known.overdue
    assert finish(desk, local("2025-03-20T10:00")).outcome is Outcome.LATE


# ---- calendars -----------------------------------------------------------------------------------


def test_warnings_of_a_year_nobody_has_enacted_are_left_out_until_it_is() -> None:
    """Due on the last day of the known year: nobody can say yet when the head has to know."""
    at = local("2025-12-26T08:00")  # a Friday
    desk = Desk().up_to(Step.RECEIVE, at)
    assert desk.known.due == local("2025-12-31T17:00")
    assert [name for name, _ in desk.alarms] == ["warn2", "warn1", "apology", "due"]
    amended = desk.amend(CalendarAmended(years=(2026,), days=(), source="t"), at=at)
    assert amended is not None
    assert amended.due == local("2025-12-31T17:00")
    assert desk.alarms[-1] == ("escalation", local("2026-01-01T17:00"))


def test_warnings_before_the_first_known_year_are_left_out_too() -> None:
    law = enact(LAW, procedure("1.000004", 0), CalendarAmended(years=(2030,), days=(), source="t"))
    desk = Desk(law, "1.000004").up_to(Step.RECEIVE, local("2030-01-01T08:00"))
    assert [name for name, _ in desk.alarms] == ["due", "escalation"]


@pytest.mark.parametrize(
    "end", [commands.CompleteStep(Step.STAMP), commands.DeclineDossier("conditions_not_met")]
)
def test_a_date_pushed_into_an_unknown_year_stops_nobody(end: commands.CommandBody) -> None:
    """The last day of the known year becomes a day off: until the next year is known nothing is judged."""
    at = local("2025-12-26T08:00")
    done = Step.APPROVE if isinstance(end, commands.CompleteStep) else Step.APPRAISE
    desk = Desk().up_to(done, at)
    assert desk.amend(off("2025-12-31"), at=at) is None
    before = desk.known
    outcome = desk.give(end, at=local("2025-12-29T08:00"))
    assert reason(outcome) == "no_calendar"
    assert (desk.known.step, desk.known.status) == (before.step, before.status)
    desk.amend(CalendarAmended(years=(2026,), days=(), source="t"))
    desk.do(end, at=local("2025-12-29T09:00"))
    assert desk.known.outcome is Outcome.EARLY


def test_a_procedure_whose_steps_cannot_be_is_rejected_and_seen() -> None:
    """The door refuses it; one that got past it must not stop the worker at every acceptance."""
    for steps in (shared(10, 10, 10, 10, 10), shared(0, 50, 30, 20, 0)[1:], shared(0, 50, 30, 20, 0)[::-1]):
        law = law_with(steps=steps)
        assert law.procedures[PROCEDURE] == procedure()
        assert len(law.rejected) == 1
        Desk(law).up_to(Step.RETURN)
    assert law_with(steps=shared(0, 0, 0, 0, 0)).rejected == ()


def test_actions_that_need_no_due_date_need_no_calendar() -> None:
    law = Law(procedures=LAW.procedures, history=LAW.history)
    desk = Desk(law)
    desk.do(commands.RegisterDossier(PROCEDURE, AGENCY, Channel.COUNTER))
    assert reason(desk.give(body_of(ActionName.ACCEPT, desk.now))) == "no_calendar"
    desk.do(commands.RefuseDossier("not_competent"))
