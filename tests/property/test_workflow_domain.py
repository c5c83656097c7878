"""Laws of the domain over random lives: the fold, the numbering, the table asked from both sides."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts import commands
from contracts.codec import encode
from contracts.commands import Command, CommandBody
from contracts.facts import Cause, Fact
from contracts.outcomes import ActionName, Result
from contracts.words import Channel, NationalStatus, Step
from services.workflow.domain.actions import action_of, allowed_actions, objection
from services.workflow.domain.decide import decide, fire
from services.workflow.domain.dossier import DUE_TIMER, Dossier
from services.workflow.domain.evolve import evolve
from services.workflow.domain.law import Law
from tests.fakes.workflow import AGENCY, HOURLY, PROCEDURE, START, command, law_record

LAW = Law().amended(law_record())
BODIES: list[CommandBody] = [
    commands.AcceptDossier(f"{AGENCY}-250303-0001"),
    *(commands.CompleteStep(step) for step in Step),
    commands.RequestSupplement("missing_document"),
    commands.ReceiveSupplement(),
    commands.RefuseDossier("not_competent"),
    commands.WithdrawDossier(),
    commands.RateDossier(4),
    commands.RegisterDossier(PROCEDURE, AGENCY, Channel.ONLINE),
]
# The likely next command comes up more often, so that lives get old enough to be interesting.
BODY = st.sampled_from([*BODIES, *BODIES[:6], BODIES[6], BODIES[7]])
STEPS = st.lists(st.tuples(BODY, st.integers(0, 2000), st.booleans()), max_size=25)


def live(procedure: str, steps: list[tuple[CommandBody, int, bool]]) -> tuple[list[Fact], list[Dossier]]:
    """One life: commands in order, minutes apart, deadlines fired now and then by time alone."""
    facts: list[Fact] = []
    dossier: Dossier | None = None
    states: list[Dossier] = []
    at = START
    first: CommandBody = commands.RegisterDossier(procedure, AGENCY, Channel.COUNTER)
    for offset, (body, minutes, by_time) in enumerate([(first, 0, False), *steps]):
        at += timedelta(minutes=minutes)
        record: Command = command(body, key=f"k{offset}", at=at)
        timer = dossier.timer(DUE_TIMER) if dossier and by_time else None
        fired = dossier and timer and fire(dossier, DUE_TIMER, timer.version, at, Cause(0, offset, 0))
        if fired:
            facts.append(fired[0])
            dossier = fired[1]
        decision = decide(dossier, LAW, record, Cause(0, offset, 1))
        assert encode(decide(dossier, LAW, record, Cause(0, offset, 1)).outcome) == encode(decision.outcome)
        legal = dossier is None or objection(decided_on(dossier, decision.facts), action_of(body)) is None
        assert (decision.outcome.result is Result.ACCEPTED) == legal
        facts.extend(decision.facts)
        dossier = decision.dossier
        assert dossier is not None
        states.append(dossier)
    return facts, states


def decided_on(dossier: Dossier, facts: tuple[Fact, ...]) -> Dossier:
    """The dossier the command met: after the deadlines that lay before it."""
    for fact in facts:
        if fact.command_id is None:
            dossier = evolve(dossier, fact)
    return dossier


@given(st.sampled_from([PROCEDURE, HOURLY]), STEPS)
def test_a_life_is_the_fold_of_its_facts(procedure: str, steps: list[tuple[CommandBody, int, bool]]) -> None:
    facts, states = live(procedure, steps)
    assert [fact.seq for fact in facts] == list(range(1, len(facts) + 1))
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)
    folded: Dossier | None = None
    for fact in facts:
        folded = evolve(folded, fact)
        assert (fact.status, fact.overdue, fact.due) == (folded.status, folded.overdue, folded.due)
    assert folded == states[-1]
    names = [type(fact.body).__name__ for fact in facts]
    for once in ("DossierAccepted", "ProcessingFinished", "DueDatePassed", "ResultReturned", "DossierRated"):
        assert names.count(once) <= 1
    if "ResultReturned" in names:
        assert names.index("ProcessingFinished") < names.index("ResultReturned")


@given(st.sampled_from([PROCEDURE, HOURLY]), STEPS)
def test_what_is_allowed_is_what_is_accepted(
    procedure: str, steps: list[tuple[CommandBody, int, bool]]
) -> None:
    _, states = live(procedure, steps)
    dossier = states[-1]
    taken: set[ActionName | None] = set()
    for body in BODIES:
        decision = decide(dossier, LAW, command(body, key="next", at=dossier.at), Cause(0, 99, 0))
        if decision.outcome.result is Result.ACCEPTED:
            taken.add(action_of(body))
    assert taken == set(allowed_actions(dossier))


@given(STEPS)
def test_a_waiting_dossier_has_no_deadline_and_a_closed_one_none_ever(
    steps: list[tuple[CommandBody, int, bool]],
) -> None:
    still = {NationalStatus.WAITING_SUPPLEMENT, NationalStatus.WITHDRAWN, NationalStatus.FINISHED}
    for dossier in live(PROCEDURE, steps)[1]:
        if dossier.status in still | {NationalStatus.RETURNED, NationalStatus.NOT_ACCEPTED}:
            assert dossier.timers == ()
        elif dossier.due is not None:
            assert bool(dossier.timers) is not dossier.overdue
