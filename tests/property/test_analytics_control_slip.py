"""Laws of the control slip over lives that the workflow itself judged: one holder at any moment, no gap."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from hypothesis import given

from contracts.facts import DossierAccepted, Fact, HandedOver, StepCompleted
from contracts.words import Place, Step
from services.analytics.domain.control_slip import Entry, EntryKind, control_slip
from services.analytics.domain.dossier import DossierRow, fold
from services.analytics.domain.rows import micros, to_fact, to_row
from tests.fakes.analytics_judged import CHOICES, PROCEDURES, Choice, judged


def folded(facts: list[Fact]) -> DossierRow:
    state: DossierRow | None = None
    for place, fact in enumerate(facts):
        state = fold(state, to_row(fact, 0, place))
    assert state is not None
    return state


def holders_at(slip: tuple[Entry, ...], at: datetime) -> list[Entry]:
    return [entry for entry in slip if entry.since <= at and (entry.until is None or at < entry.until)]


@given(PROCEDURES, CHOICES)
def test_exactly_one_holder_at_any_moment_somebody_has_something_to_do(
    procedure: str, choices: list[Choice]
) -> None:
    facts, _ = judged(procedure, choices)
    slip = control_slip(facts)
    last = {fact.at: fact for fact in facts}  # of the facts of one moment the last says how things stand
    for at, fact in last.items():
        found = holders_at(slip, at)
        if fact.step is None or fact.holder is None:
            assert found == []
        else:
            assert [(one.step, one.agency) for one in found] == [(fact.step, fact.holder.agency)]
            assert fact.holder.officer in (None, found[0].officer)


@given(PROCEDURES, CHOICES)
def test_each_entry_begins_where_the_one_before_ended(procedure: str, choices: list[Choice]) -> None:
    facts, _ = judged(procedure, choices)
    slip = control_slip(facts)
    idle = {fact.at for fact in facts if fact.step is None}
    assert slip[0].since == facts[0].at
    for before, entry in pairwise(slip):
        assert before.until is not None
        assert before.since <= before.until <= entry.since
        assert before.until == entry.since or before.until in idle
    assert [entry.until is None for entry in slip[:-1]] == [False] * (len(slip) - 1)
    assert (slip[-1].until is None) == (facts[-1].step is not None)
    assert all((entry.until is None) == (entry.kind is None) for entry in slip)


@given(PROCEDURES, CHOICES)
def test_the_last_entry_is_what_the_workflow_and_the_roll_up_say(
    procedure: str, choices: list[Choice]
) -> None:
    facts, states = judged(procedure, choices)
    slip, dossier, row = control_slip(facts), states[-1], folded(facts)
    if dossier.step is None:
        assert (row.in_hand, row.holder_agency, row.holder_officer) == ("", "", "")
        return
    assert dossier.holder is not None
    entry = slip[-1]
    assert (entry.step, entry.agency) == (dossier.step, dossier.holder.agency)
    assert entry.since == dossier.since
    assert row.held_since == micros(entry.since)
    assert (row.in_hand, row.holder_agency) == (entry.step.value, entry.agency)
    assert row.step_due == (None if entry.due is None else micros(entry.due))
    assert (row.step_clock == "passed") == (dossier.late_step is dossier.step)


@given(PROCEDURES, CHOICES)
def test_every_step_and_every_hand_over_has_its_entry(procedure: str, choices: list[Choice]) -> None:
    facts, _ = judged(procedure, choices)
    done = [entry for entry in control_slip(facts) if entry.kind in (EntryKind.STEP, EntryKind.HAND_OVER)]
    told = [f for f in facts if isinstance(f.body, DossierAccepted | StepCompleted | HandedOver)]
    assert len(done) == len(told)
    for entry, fact in zip(done, told, strict=True):
        assert entry.until == fact.at
        match fact.body:
            case StepCompleted(step=step, place=place, since=since, due=due, outcome=outcome):
                assert (entry.step, entry.place, entry.since) == (step, place, since)
                assert (entry.due, entry.outcome, entry.kind) == (due, outcome, EntryKind.STEP)
                assert entry.officer == fact.actor
            case HandedOver(step=step, giver=giver, since=since):
                assert (entry.step, entry.agency, entry.officer) == (step, giver.agency, giver.officer)
                assert (entry.since, entry.kind, entry.place) == (since, EntryKind.HAND_OVER, None)
            case _:
                assert (entry.step, entry.kind) == (Step.RECEIVE, EntryKind.STEP)


@given(PROCEDURES, CHOICES)
def test_five_on_site_is_what_the_last_of_each_step_says(procedure: str, choices: list[Choice]) -> None:
    facts, states = judged(procedure, choices)
    places: dict[Step, Place] = {}
    for entry in control_slip(facts):
        if entry.place is not None:
            places[entry.step] = entry.place
    found = folded(facts).five_on_site
    under_seal = states[-1].status == 10 and states[-1].stamp is not None
    assert found == (int(set(places.values()) == {Place.CENTRE}) if under_seal else None)


@given(PROCEDURES, CHOICES)
def test_rows_give_the_facts_back(procedure: str, choices: list[Choice]) -> None:
    facts, _ = judged(procedure, choices)
    assert [to_fact(to_row(fact, 0, place)) for place, fact in enumerate(facts)] == facts
