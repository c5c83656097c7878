"""What cannot be is a defect: it crashes the worker instead of giving a wrong fact. And law of no concern."""

from __future__ import annotations

from typing import NoReturn

import pytest

from contracts import commands
from contracts.law import AgencyPublished
from contracts.outcomes import ActionName
from contracts.words import Step
from legalclock import moves
from legalclock.dossier_clock import DossierClock
from services.workflow.domain import acts
from services.workflow.domain.clock import clock_of
from services.workflow.domain.draft import RuleError, required
from services.workflow.domain.rules import Reason
from tests.fakes.workflow import AGENCY, procedure
from tests.fakes.workflow_desk import LAW, Desk, body_of, enact


def test_a_command_half_done_is_not_refused_but_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*_: object) -> NoReturn:
        raise RuleError(Reason.NO_CALENDAR)

    desk = Desk().up_to(Step.APPRAISE)
    monkeypatch.setattr(acts, "finish", late)
    with pytest.raises(AssertionError, match="after a part of it was done"):
        desk.give(commands.DeclineDossier("conditions_not_met"))


def test_what_the_table_guarantees_is_there_or_nothing_goes_on() -> None:
    assert required(0) == 0
    with pytest.raises(AssertionError, match="impossible state"):
        required(None)


def test_only_an_accepted_dossier_has_a_clock() -> None:
    desk = Desk().do(body_of(ActionName.REGISTER, Desk().now))
    with pytest.raises(AssertionError, match="only an accepted dossier"):
        clock_of(desk.known, procedure())


def test_an_apology_is_the_last_thing_that_happened_to_its_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgotten(_: object, clock: DossierClock, *__: object, **___: object) -> DossierClock:
        return clock

    desk = Desk().up_to(Step.RECEIVE).do(commands.ExtendTerm("complex_case", 1))
    monkeypatch.setattr(moves, "apologise", forgotten)
    with pytest.raises(AssertionError, match="not the last move"):
        desk.give(body_of(ActionName.APOLOGISE, desk.now))


def test_agencies_are_no_concern_of_a_decision() -> None:
    law = enact(LAW, AgencyPublished(code=AGENCY, name_vi="Ủy ban nhân dân"))
    assert law.version == LAW.version + 1
    assert (law.procedures, law.seals, law.rejected) == (LAW.procedures, LAW.seals, ())


def test_an_agency_of_no_province_has_the_calendar_of_the_country() -> None:
    assert LAW.calendar_for("NOBODY") == LAW.calendar
    assert LAW.calendar_for(AGENCY) == LAW.calendar
