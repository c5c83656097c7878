"""Who answers for a dossier: one holder from registration to the end, hand-overs, whose key may do what."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace

from contracts import commands, facts
from contracts.commands import CommandBody, CompleteStep
from contracts.facts import Holder
from contracts.law import StepPlan
from contracts.words import Channel, Outcome, Place, Role, Step
from services.workflow.domain.law import Law
from tests.fakes.workflow import AGENCY, OTHER_AGENCY, PROCEDURE, officer, procedure
from tests.fakes.workflow_desk import CODE, LAW, Desk, enact, law_with, local, reason, shared

HERE, THERE = Holder(AGENCY), Holder(OTHER_AGENCY)
AN: Final = officer("an")
MINE, THEIRS = (AGENCY,), (OTHER_AGENCY,)
STRANGER: Final = ("000.03.18.H52",)
REGISTER: Final = commands.RegisterDossier(PROCEDURE, AGENCY, Channel.COUNTER)
ACCEPT: Final = commands.AcceptDossier(CODE)
DECLINE: Final = commands.DeclineDossier("conditions_not_met")
APPRAISE, APPROVE, STAMP, RETURN = (CompleteStep(step) for step in list(Step)[1:])


def held(desk: Desk) -> list[tuple[str, Step | None, Holder | None]]:
    return [(type(fact.body).__name__, fact.step, fact.holder) for fact in desk.facts]


def test_who_holds_which_step_through_an_ordinary_life() -> None:
    assert held(Desk().up_to(Step.RETURN)) == [
        ("DossierRegistered", Step.RECEIVE, HERE),
        ("DossierAccepted", Step.APPRAISE, HERE),
        ("StepCompleted", Step.APPROVE, HERE),
        ("StepCompleted", Step.STAMP, HERE),
        ("StampApplied", Step.STAMP, HERE),
        ("StepCompleted", Step.RETURN, HERE),
        ("ProcessingFinished", Step.RETURN, HERE),
        ("StepCompleted", None, None),
        ("ResultReturned", None, None),
    ]


def test_after_the_stamp_of_another_agency_the_receiving_one_holds_the_return() -> None:
    desk = Desk().up_to(Step.RECEIVE).do(commands.HandOver(OTHER_AGENCY), APPRAISE, APPROVE, STAMP)
    assert held(desk)[2:] == [
        ("HandedOver", Step.APPRAISE, THERE),
        ("StepCompleted", Step.APPROVE, THERE),
        ("StepCompleted", Step.STAMP, THERE),
        ("StampApplied", Step.STAMP, THERE),
        ("StepCompleted", Step.RETURN, HERE),
        ("ProcessingFinished", Step.RETURN, HERE),
    ]
    assert desk.known.stamp is not None
    assert (desk.known.stamp.seal, desk.known.stamp.agency) == ("H52.19-1", OTHER_AGENCY)
    desk.do(commands.RevokeStamp("wrong_seal"))
    assert (desk.known.step, desk.known.holder) == (Step.STAMP, THERE)  # whose seal it was
    desk.do(STAMP, RETURN, commands.CorrectResult("wrong_name"))
    assert held(desk)[-2:] == [("StampRevoked", Step.STAMP, THERE), ("ResultCorrected", Step.APPRAISE, HERE)]


def test_a_decline_too_is_returned_where_the_dossier_was_taken_in() -> None:
    desk = Desk().up_to(Step.APPRAISE).do(commands.HandOver(OTHER_AGENCY, officer("approve")))
    desk.do(commands.DeclineDossier("conditions_not_met"))
    assert (desk.known.step, desk.known.holder) == (Step.RETURN, HERE)


@pytest.mark.parametrize(
    "end",
    [
        commands.WithdrawDossier(),
        commands.StopDossier("applicant_died"),
        commands.RefuseDossier("not_competent"),
    ],
)
def test_nobody_holds_what_is_closed(end: CommandBody) -> None:
    desk = Desk().do(REGISTER)
    if not isinstance(end, commands.RefuseDossier):
        desk.do(ACCEPT)
    desk.do(end)
    assert (desk.known.step, desk.known.holder) == (None, None)
    assert (desk.facts[-1].step, desk.facts[-1].holder) == (None, None)


def test_a_pause_leaves_the_holder() -> None:
    pauses: list[tuple[CommandBody, CommandBody]] = [
        (commands.RequestSupplement("missing_document"), commands.ReceiveSupplement()),
        (commands.RequestPayment(1), commands.ReceivePayment()),
        (commands.SuspendDossier("court_case"), commands.ResumeDossier()),
    ]
    for pause, go_on in pauses:
        desk = Desk().up_to(Step.APPRAISE).do(commands.HandOver(OTHER_AGENCY, AN))
        since = desk.known.since
        desk.do(pause).do(go_on)
        assert (desk.known.step, desk.known.holder) == (Step.APPROVE, Holder(OTHER_AGENCY, AN))
        assert desk.known.since == since


# ---- hand-overs ----------------------------------------------------------------------------------


def test_a_hand_over_is_an_entry_of_the_control_slip() -> None:
    desk = Desk(law_with(steps=shared(0, 50, 30, 20, 0))).up_to(Step.RECEIVE)
    since = desk.now
    desk.do(commands.HandOver(officer=AN), at=local("2025-03-04T09:00"))
    assert desk.last == facts.HandedOver(
        step=Step.APPRAISE,
        giver=HERE,
        receiver=Holder(AGENCY, AN),
        since=since,
        due=local("2025-03-05T07:45"),
        outcome=Outcome.EARLY,
    )
    desk.do(commands.HandOver(OTHER_AGENCY), at=local("2025-03-05T09:00"))
    assert desk.last == facts.HandedOver(
        step=Step.APPRAISE,
        giver=Holder(AGENCY, AN),
        receiver=THERE,
        since=local("2025-03-04T09:00"),
        due=local("2025-03-05T07:45"),
        outcome=Outcome.LATE,
    )
    desk.do(APPRAISE, at=local("2025-03-05T10:00"))
    done = desk.last
    assert isinstance(done, facts.StepCompleted)
    assert (done.holder, done.since) == (THERE, local("2025-03-05T09:00"))


def test_a_hand_over_to_who_has_it_is_none() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    for body in (commands.HandOver(), commands.HandOver(AGENCY)):
        assert reason(desk.give(body)) == "same_holder"
    desk.do(commands.HandOver(officer=AN))
    for body in (commands.HandOver(officer=AN), commands.HandOver(AGENCY, AN)):
        assert reason(desk.give(body)) == "same_holder"
    desk.do(commands.HandOver())  # back to whoever works there
    assert desk.known.holder == HERE


def test_a_step_is_not_handed_to_who_may_not_do_it() -> None:
    """Else nobody could: only the named officer completes it, and that one has signed already."""
    desk = Desk().up_to(Step.APPRAISE)
    assert reason(desk.give(commands.HandOver(officer=officer("appraise")))) == "same_person"
    assert reason(desk.give(commands.HandOver(OTHER_AGENCY, officer("appraise")))) == "same_person"
    desk.do(APPROVE)
    assert reason(desk.give(commands.HandOver(officer=officer("approve")))) == "same_person"
    desk.do(commands.HandOver(officer=officer("appraise")))  # who appraised may keep the seal
    assert reason(desk.give(STAMP, by=officer("appraise"))) is None


def test_only_the_named_officer_completes_the_step() -> None:
    steps: list[tuple[Step, CommandBody]] = [
        (Step.RECEIVE, APPRAISE),
        (Step.APPRAISE, APPROVE),
        (Step.APPRAISE, DECLINE),
        (Step.APPROVE, STAMP),
    ]
    for done, body in steps:
        desk = Desk().up_to(done).do(commands.HandOver(officer=AN))
        assert reason(desk.give(body, by=officer("binh"))) == "not_the_holder"
        assert reason(desk.anonymous(body)) == "not_the_holder"
        assert reason(desk.give(body, by=AN)) is None
        assert desk.known.holder == HERE  # the next step is anybody's there


def test_who_appraised_does_not_approve_nor_decline() -> None:
    for body in (APPROVE, commands.DeclineDossier("conditions_not_met")):
        desk = Desk().up_to(Step.APPRAISE)
        assert reason(desk.give(body, by=officer("appraise"))) == "same_person"
    desk = Desk().up_to(Step.APPROVE)
    assert reason(desk.give(STAMP, by=officer("approve"))) == "same_person"


# ---- whose key -----------------------------------------------------------------------------------


def test_a_key_acts_for_its_own_agencies() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    for body in (APPRAISE, commands.WithdrawDossier(), commands.HandOver(OTHER_AGENCY)):
        assert reason(desk.give(body, agencies=STRANGER)) == "other_agency"
        assert reason(desk.give(body, agencies=())) == "other_agency"
    assert reason(desk.give(APPRAISE, agencies=(*STRANGER, AGENCY))) is None
    assert reason(Desk().give(REGISTER, agencies=THEIRS)) == "other_agency"


def test_the_holders_key_does_the_step_and_the_receiving_one_does_not() -> None:
    desk = Desk().up_to(Step.RECEIVE).do(commands.HandOver(OTHER_AGENCY))
    for body, last in [
        (APPRAISE, None),
        (APPROVE, commands.DeclineDossier("conditions_not_met")),
        (STAMP, None),
    ]:
        assert reason(desk.give(body, agencies=MINE)) == "held_elsewhere"
        if last:
            assert reason(desk.give(last, agencies=MINE)) == "held_elsewhere"
        assert reason(desk.give(body, agencies=STRANGER)) == "other_agency"
        assert reason(desk.give(body, agencies=THEIRS)) is None
    assert reason(desk.give(RETURN, agencies=THEIRS)) == "other_agency"
    assert reason(desk.give(RETURN, agencies=MINE)) is None


def test_the_receiving_agency_still_pauses_and_takes_back_what_another_one_holds() -> None:
    desk = Desk().up_to(Step.RECEIVE).do(commands.HandOver(OTHER_AGENCY))
    for body in (
        commands.RequestSupplement("missing_document"),
        commands.ReceiveSupplement(),
        commands.HandOver(AGENCY),
    ):
        assert reason(desk.give(body, agencies=MINE)) is None
    assert desk.known.holder == HERE
    assert reason(desk.give(APPRAISE, agencies=THEIRS)) == "other_agency"


@pytest.mark.parametrize("body", [commands.RevokeStamp("wrong_seal"), commands.CorrectResult("wrong_name")])
@pytest.mark.parametrize("returned", [False, True])
def test_the_agency_that_sealed_the_result_may_take_it_back(body: CommandBody, returned: bool) -> None:
    desk = Desk().up_to(Step.RECEIVE).do(commands.HandOver(OTHER_AGENCY), APPRAISE, APPROVE, STAMP)
    if returned:
        desk.do(RETURN)
    assert reason(desk.give(body, agencies=STRANGER)) == "other_agency"
    assert reason(desk.give(commands.RateDossier(5), agencies=THEIRS)) == "other_agency"
    assert reason(desk.give(body, agencies=THEIRS, role=Role.LEADER)) is None


def test_a_closed_dossier_is_closed_to_its_own_and_unknown_to_others() -> None:
    desk = Desk().up_to(Step.RECEIVE).do(commands.HandOver(OTHER_AGENCY), commands.WithdrawDossier())
    assert reason(desk.give(APPRAISE, agencies=MINE)) == "closed"
    assert reason(desk.give(APPRAISE, agencies=THEIRS)) == "other_agency"


def test_a_role_is_asked_before_the_table_and_after_the_scope() -> None:
    desk = Desk().up_to(Step.RECEIVE)
    assert reason(desk.give(STAMP, role=Role.COUNTER)) == "role_not_allowed"
    assert reason(desk.give(STAMP, role=Role.COUNTER, agencies=THEIRS)) == "other_agency"
    assert reason(desk.give(CompleteStep(Step.RECEIVE), role=Role.INSPECTOR)) == "already_accepted"
    assert reason(Desk().give(REGISTER, role=Role.OFFICER)) == "role_not_allowed"
    assert reason(Desk().give(APPRAISE, role=Role.CARRIER)) == "unknown_dossier"


# ---- places --------------------------------------------------------------------------------------


def places(desk: Desk) -> list[Place]:
    found = [fact.body for fact in desk.facts]
    return [body.place for body in found if isinstance(body, facts.DossierAccepted | facts.StepCompleted)]


def planned(place: Place) -> tuple[StepPlan, ...]:
    return tuple(StepPlan(step=step, role=Role.OFFICER, place=place) for step in Step)


@pytest.mark.parametrize(
    ("law", "where"),
    [
        (LAW, "COOOC"),
        (law_with(on_site=True), "CCCCC"),
        (law_with(steps=planned(Place.CENTRE)), "CCCCC"),
        (law_with(steps=planned(Place.OFFICE), on_site=True), "OOOOO"),
    ],
)
def test_where_a_step_is_done(law: Law, where: str) -> None:
    desk = Desk(law).up_to(Step.RETURN)
    assert "".join(place.value[0].upper() for place in places(desk)) == where


def test_the_command_says_where_when_it_was_elsewhere() -> None:
    desk = Desk().do(REGISTER, replace(ACCEPT, place=Place.OFFICE))
    desk.do(*(CompleteStep(step, Place.CENTRE) for step in (Step.APPRAISE, Step.APPROVE, Step.STAMP)))
    desk.do(CompleteStep(Step.RETURN, Place.OFFICE))
    assert "".join(place.value[0] for place in places(desk)) == "occco"


def test_steps_without_shares_have_no_time_of_their_own() -> None:
    desk = Desk(enact(LAW, replace(procedure(), version=2, steps=planned(Place.OFFICE)))).up_to(Step.RETURN)
    for fact in desk.facts:
        if isinstance(fact.body, facts.StepCompleted):
            assert (fact.body.due, fact.body.outcome) == (None, None)
