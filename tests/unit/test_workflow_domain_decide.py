"""One dossier's life, command by command: what follows, what is refused and why."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from contracts import commands, facts
from contracts.commands import CommandBody, LawChanged
from contracts.facts import Cause
from contracts.law import CalendarAmended, EngineVersion, Session
from contracts.outcomes import ActionName, Result
from contracts.words import Channel, NationalStatus, Outcome, Step
from services.workflow.domain.decide import decide, fire
from services.workflow.domain.dossier import DUE_TIMER, MEMORY
from services.workflow.domain.engines import ENGINES, UnknownEngineError, engine_of
from services.workflow.domain.law import Law, LawGapError
from tests.fakes.workflow import (
    AGENCY,
    HOURLY,
    OTHER_AGENCY,
    PROCEDURE,
    START,
    command,
    law_record,
    life,
    procedure,
)
from tests.fakes.workflow_desk import LAW, Desk, local, reason

SUPPLEMENT = commands.RequestSupplement("missing_document")


def test_an_ordinary_life() -> None:
    desk = Desk()
    answers = [desk.send(record).outcome for record in life()]
    assert [a.result for a in answers] == [Result.ACCEPTED] * 7
    assert [type(f.body).__name__ for f in desk.facts] == [
        "DossierRegistered",
        "DossierAccepted",
        "StepCompleted",
        "StepCompleted",
        "StampApplied",
        "StepCompleted",
        "ProcessingFinished",
        "StepCompleted",
        "ResultReturned",
        "DossierRated",
    ]
    assert [f.seq for f in desk.facts] == list(range(1, 11))
    assert [(f.cause.offset, f.cause.n) for f in desk.facts[4:7]] == [(4, 0), (4, 1), (4, 2)]
    assert [f.status for f in desk.facts] == [1, 2, 4, 4, 4, 4, 9, 10, 10, 10]
    assert answers[1].due == local("2025-03-06T17:00")  # three working days after Monday 3 March
    assert desk.known.outcome is Outcome.EARLY
    assert desk.known.score == 5
    assert answers[-1].allowed_actions == (ActionName.CORRECT, ActionName.REVOKE_STAMP)


def test_finished_on_the_due_date_is_on_time_and_later_is_late() -> None:
    for at, outcome in [("2025-03-06T16:59", Outcome.ON_TIME), ("2025-03-06T17:01", Outcome.LATE)]:
        desk = Desk().up_to(Step.APPROVE)
        desk.give(commands.CompleteStep(Step.STAMP), at=local(at))
        assert desk.known.outcome is outcome
        assert desk.known.overdue is (outcome is Outcome.LATE)


def test_a_command_after_the_due_date_fires_it_first() -> None:
    desk = Desk().up_to(Step.APPRAISE)
    desk.give(commands.CompleteStep(Step.APPROVE), at=local("2025-03-07T09:00"))
    *gone, approved = desk.facts[-5:]
    assert [(type(fact.body).__name__, fact.at) for fact in gone] == [
        ("DueDateNear", local("2025-03-04T07:30")),
        ("DueDateNear", local("2025-03-05T07:30")),
        ("ApologyDeadlinePassed", local("2025-03-05T17:00")),
        ("DueDatePassed", local("2025-03-06T17:00")),
    ]
    assert [fact.command_id for fact in gone] == [None] * 4
    assert [fact.cause.n for fact in desk.facts[-5:]] == [0, 1, 2, 3, 4]
    assert [fact.overdue for fact in desk.facts[-5:]] == [False, False, False, True, True]
    assert approved.step is Step.STAMP
    assert desk.alarms == [("escalation", local("2025-03-07T17:00"))]


def test_a_deadline_fires_once_and_only_when_time_has_passed_it() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    dossier = desk.known
    timer = dossier.timer(DUE_TIMER)
    assert timer is not None
    place = Cause(3, 9, 4)
    assert fire(dossier, DUE_TIMER, timer.version, timer.at, place) is None
    assert fire(dossier, DUE_TIMER, timer.version + 1, timer.at + timedelta(seconds=1), place) is None
    assert fire(dossier, "other", timer.version, timer.at + timedelta(seconds=1), place) is None
    fired = fire(dossier, DUE_TIMER, timer.version, timer.at + timedelta(seconds=1), place)
    assert fired is not None
    fact, after = fired
    assert (fact.cause, fact.seq, fact.at) == (place, dossier.seq + 1, timer.at)
    assert after.overdue
    assert fire(after, DUE_TIMER, timer.version, timer.at + timedelta(days=1), place) is None


def test_a_supplement_pauses_the_clock_and_only_working_time_is_added() -> None:
    desk = Desk().up_to(Step.APPRAISE)
    asked = desk.give(SUPPLEMENT, at=local("2025-03-04T17:00"))
    assert asked.status is NationalStatus.WAITING_SUPPLEMENT
    assert ActionName.APPROVE not in asked.allowed_actions
    assert desk.known.timers == ()
    assert desk.known.remaining_minutes == 2 * 450
    got = desk.give(commands.ReceiveSupplement(), at=local("2025-03-10T07:30"))
    assert got.due == local("2025-03-11T17:00")
    assert desk.known.due_original == local("2025-03-06T17:00")
    body = desk.facts[-1].body
    assert isinstance(body, facts.SupplementReceived)
    assert body.paused_minutes == 3 * 450  # Wednesday to Friday; the weekend adds nothing


def test_a_supplement_of_an_overdue_dossier_leaves_it_overdue() -> None:
    desk = Desk().up_to(Step.APPRAISE)
    desk.give(SUPPLEMENT, at=local("2025-03-07T09:00"))
    remaining = desk.known.remaining_minutes
    assert remaining is not None
    assert remaining < 0
    got = desk.give(commands.ReceiveSupplement(), at=local("2025-03-10T09:00"))
    assert got.due == local("2025-03-06T17:00")
    assert got.overdue
    assert desk.alarms == [("escalation", local("2025-03-07T17:00"))]  # gone by: told at once


def test_hours_go_on_to_the_minute() -> None:
    desk = Desk(procedure=HOURLY).up_to(Step.RECEIVE)
    assert desk.known.due == local("2025-03-03T13:30") + timedelta(minutes=30)
    desk.give(SUPPLEMENT, at=local("2025-03-03T10:00"))
    got = desk.give(commands.ReceiveSupplement(), at=local("2025-03-04T08:00"))
    assert got.due == local("2025-03-04T10:00")


REFUSED: list[tuple[str, Step | None, list[CommandBody], CommandBody]] = [
    ("unknown_dossier", None, [], commands.CompleteStep(Step.STAMP)),
    ("unknown_procedure", None, [], commands.RegisterDossier("9.999999", AGENCY, Channel.COUNTER)),
    ("already_registered", Step.RECEIVE, [], commands.RegisterDossier(PROCEDURE, AGENCY, Channel.COUNTER)),
    ("step_out_of_order", Step.APPRAISE, [], commands.CompleteStep(Step.STAMP)),
    ("step_out_of_order", Step.APPROVE, [], commands.CompleteStep(Step.RETURN)),
    ("step_out_of_order", Step.APPROVE, [], commands.CompleteStep(Step.APPROVE)),
    ("already_accepted", Step.RECEIVE, [], commands.AcceptDossier(f"{AGENCY}-250303-0002")),
    ("already_accepted", Step.RECEIVE, [], commands.CompleteStep(Step.RECEIVE)),
    ("already_accepted", Step.RECEIVE, [], commands.RefuseDossier("not_competent")),
    ("waiting_for_supplement", Step.APPRAISE, [SUPPLEMENT], commands.CompleteStep(Step.APPROVE)),
    ("waiting_for_supplement", Step.APPRAISE, [SUPPLEMENT], SUPPLEMENT),
    ("no_supplement_requested", Step.APPRAISE, [], commands.ReceiveSupplement()),
    ("not_finished", Step.APPROVE, [], commands.RateDossier(3)),
    ("already_rated", Step.STAMP, [commands.RateDossier(4)], commands.RateDossier(3)),
    ("already_finished", Step.STAMP, [], commands.WithdrawDossier()),
    ("already_finished", Step.STAMP, [], SUPPLEMENT),
    ("already_finished", Step.STAMP, [], commands.CompleteStep(Step.STAMP)),
    ("closed", Step.RETURN, [], commands.CompleteStep(Step.RETURN)),
    ("closed", Step.APPRAISE, [commands.WithdrawDossier()], commands.CompleteStep(Step.APPROVE)),
]


@pytest.mark.parametrize(("why", "done", "then", "last"), REFUSED)
def test_refused(why: str, done: Step | None, then: list[CommandBody], last: CommandBody) -> None:
    desk = Desk() if done is None else Desk().up_to(done)
    for body in then:
        assert desk.give(body).result is Result.ACCEPTED
    before, count = desk.dossier, len(desk.facts)
    answer = desk.give(last)
    assert reason(answer) == why
    if before is None:
        assert desk.dossier is None
        assert len(desk.facts) == count
    else:
        refused = desk.facts[-1].body
        assert isinstance(refused, facts.CommandRefused)
        assert refused.reason == why
        assert desk.known.status is before.status


def test_what_may_not_be_done_before_acceptance() -> None:
    desk = Desk()
    desk.give(commands.RegisterDossier(PROCEDURE, AGENCY, Channel.ONLINE))
    for step in Step:
        assert reason(desk.give(commands.CompleteStep(step))) == "not_accepted_yet"
    assert reason(desk.give(commands.AcceptDossier(f"{OTHER_AGENCY}-250303-0001"))) == "code_of_other_agency"
    refused = desk.give(commands.RefuseDossier("not_competent"))
    assert refused.status is NationalStatus.NOT_ACCEPTED
    assert refused.allowed_actions == ()


def test_another_agencys_dossier() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    stranger = command(commands.CompleteStep(Step.APPRAISE), key="x", agencies=(OTHER_AGENCY,))
    assert reason(desk.send(stranger).outcome) == "other_agency"
    body = commands.RegisterDossier(PROCEDURE, AGENCY, Channel.COUNTER)
    assert reason(Desk().send(command(body, key="r", agencies=(OTHER_AGENCY,))).outcome) == "other_agency"


def test_a_channel_the_procedure_does_not_offer() -> None:
    narrow = replace(procedure(), channels=(Channel.COUNTER,))
    desk = Desk(Law().amended(LawChanged(version=1, changes=(narrow,))))
    answer = desk.give(commands.RegisterDossier(PROCEDURE, AGENCY, Channel.POSTAL))
    assert reason(answer) == "channel_not_offered"


@pytest.mark.parametrize("years", [(), (2024,)])
def test_no_due_date_is_guessed_without_a_calendar(years: tuple[int, ...]) -> None:
    changes = law_record().changes[1:]
    law = LawChanged(version=1, changes=changes)
    if years:
        law = LawChanged(version=1, changes=(CalendarAmended(years=years, days=(), source="test"), *changes))
    desk = Desk(Law().amended(law))
    desk.give(commands.RegisterDossier(PROCEDURE, AGENCY, Channel.COUNTER))
    assert reason(desk.give(commands.AcceptDossier(f"{AGENCY}-250303-0001"))) == "no_calendar"


def test_the_same_command_again_gives_the_same_answer_and_no_fact() -> None:
    desk = Desk()
    records = life()[:3]
    answers = [desk.send(record).outcome for record in records]
    count = len(desk.facts)
    again = desk.send(records[2]).outcome
    assert again.repeated
    assert (again.result, again.seq, again.status, again.due, again.allowed_actions) == (
        answers[2].result,
        answers[2].seq,
        answers[2].status,
        answers[2].due,
        answers[2].allowed_actions,
    )
    wrong = command(commands.CompleteStep(Step.RETURN), key="early")
    first = desk.send(wrong).outcome
    second = desk.send(wrong).outcome
    assert second.repeated
    assert reason(first) == reason(second) == "step_out_of_order"
    assert len(desk.facts) == count + 1


def test_the_same_key_for_something_else() -> None:
    desk = Desk()
    for record in life()[:3]:
        desk.send(record)
    other = command(commands.WithdrawDossier(), key="appraise")
    assert reason(desk.send(other).outcome) == "idempotency_key_reused"
    assert desk.send(life()[2]).outcome.result is Result.ACCEPTED


def test_memory_is_bounded_and_a_registration_out_of_memory_is_not_a_new_dossier() -> None:
    desk = Desk()
    first = life()[0]
    desk.send(first)
    for n in range(MEMORY + 5):
        desk.give(commands.RateDossier(1), key=f"early-{n}")
    assert len(desk.known.memory) == MEMORY == 64
    assert desk.known.remembers(first.id) is None
    assert reason(desk.send(first).outcome) == "already_registered"


def test_time_never_runs_backwards_in_a_dossier() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    desk.give(commands.CompleteStep(Step.APPRAISE), at=START + timedelta(hours=3))
    desk.give(commands.CompleteStep(Step.APPROVE), at=START + timedelta(hours=1))
    assert desk.facts[-1].at == START + timedelta(hours=3)


def test_a_dossier_keeps_the_version_of_its_procedure() -> None:
    desk = Desk()
    desk.give(commands.RegisterDossier(PROCEDURE, AGENCY, Channel.COUNTER), at=START)
    longer = replace(procedure(), version=2, term_value=30)
    desk.law = desk.law.amended(LawChanged(version=2, changes=(longer,)))
    got = desk.give(commands.AcceptDossier(f"{AGENCY}-250303-0001"), at=START)
    assert got.due == local("2025-03-06T17:00")
    assert desk.known.procedure_version == 1


def test_law_comes_in_order() -> None:
    assert LAW.amended(law_record(1)) is LAW
    with pytest.raises(LawGapError, match="version 3 follows version 1"):
        LAW.amended(law_record(3))


def test_an_engine_version_nobody_knows_stops_the_worker() -> None:
    assert LAW.amended(LawChanged(version=2, changes=(EngineVersion(version=2),))).engine == 2
    assert engine_of(ENGINES, LAW.engine).decide is decide
    with pytest.raises(UnknownEngineError, match="engine version 2; this worker holds 1"):
        engine_of({1: ENGINES[1]}, 2)


def test_a_calendar_that_cannot_be_changes_nothing_and_is_seen() -> None:
    monday = (Session(datetime.min.time(), datetime.min.time()),)
    bad = CalendarAmended(years=(2026,), days=(), source="test", sessions=(monday,) * 7)
    law = LAW.amended(LawChanged(version=2, changes=(bad,)))
    assert law.calendar == LAW.calendar
    assert law.version == 2
    assert len(law.rejected) == 1


def test_finishing_at_the_very_due_time_is_on_time_and_fires_nothing() -> None:
    desk = Desk().up_to(Step.APPROVE)
    desk.give(commands.CompleteStep(Step.STAMP), at=local("2025-03-06T17:00"))
    assert desk.known.outcome is Outcome.ON_TIME
    assert not desk.known.overdue


def test_a_key_reused_again_and_again_is_refused_once_and_then_repeated() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    desk.give(commands.CompleteStep(Step.APPRAISE), key="k")
    other = command(commands.WithdrawDossier(), key="k")
    first, second = desk.send(other).outcome, desk.send(other).outcome
    assert reason(first) == reason(second) == "idempotency_key_reused"
    assert (first.repeated, second.repeated) == (False, True)
    assert sum(isinstance(f.body, facts.CommandRefused) for f in desk.facts) == 1


def test_strangers_cannot_make_a_dossier_forget_nor_learn_its_state() -> None:
    desk = Desk().up_to(Step.APPRAISE)
    asked = command(SUPPLEMENT, key="k1")
    desk.send(asked)
    desk.give(commands.ReceiveSupplement())
    for n in range(MEMORY):
        stranger = command(commands.WithdrawDossier(), key=f"x{n}", client="other", agencies=(OTHER_AGENCY,))
        answer = desk.send(stranger).outcome
        assert reason(answer) == "other_agency"
        assert (answer.seq, answer.status, answer.due, answer.dossier_code) == (0, None, None, None)
        assert answer.allowed_actions == ()
    assert desk.send(asked).outcome.repeated
    assert desk.known.status is NationalStatus.IN_PROGRESS


@pytest.mark.parametrize(("day", "ground"), [("2025-06-30", "61/2018"), ("2025-07-01", "118/2025")])
def test_the_legal_ground_follows_the_rule_set_of_the_day(day: str, ground: str) -> None:
    desk = Desk()
    desk.give(commands.RegisterDossier(PROCEDURE, AGENCY, Channel.COUNTER), at=local(f"{day}T08:00"))
    refused = desk.give(commands.CompleteStep(Step.STAMP), at=local(f"{day}T09:00")).refusal
    assert refused is not None
    assert ground in refused.legal_ground


def test_one_version_of_a_procedure_means_one_thing() -> None:
    """Two doors may publish the same version at once: what dossiers were registered under stands."""
    other = replace(procedure(), term_value=30)
    law = LAW.amended(LawChanged(version=2, changes=(other,)))
    assert law.history[PROCEDURE, 1] == law.procedures[PROCEDURE] == procedure()
    assert law.rejected == (f"2: {PROCEDURE} version 1 stands already",)
    assert LAW.amended(LawChanged(version=2, changes=(procedure(),))).rejected == ()
