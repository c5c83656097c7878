"""Lives of dossiers as the workflow itself judges them: long ones, with hand-overs and beginnings anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from hypothesis import strategies as st
from msgspec.structs import replace

from contracts import commands
from contracts.commands import CommandBody, LawChanged
from contracts.facts import Cause, Fact
from contracts.law import StepPlan
from contracts.outcomes import ActionName
from contracts.words import Channel, Place, Role, Step
from services.workflow.domain.actions import allowed_actions
from services.workflow.domain.decide import decide
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.law import Law
from tests.fakes.workflow import AGENCY, OTHER_AGENCY, PROCEDURE, START, command, law_record, officer
from tests.fakes.workflow import procedure as procedure_of

SHARED: Final = "1.000003"
_SHARES: Final = (10, 40, 20, 20, 10)
_PLAN: Final = tuple(
    StepPlan(step=step, role=Role.OFFICER, share=share, place=Place.CENTRE)
    for step, share in zip(Step, _SHARES, strict=True)
)


def _law() -> Law:
    shared = replace(procedure_of(SHARED), steps=_PLAN)
    law = Law().amended(law_record())
    return law.amended(LawChanged(version=2, changes=(shared,)))


LAW: Final = _law()

Choice = tuple[int, int, Place | None]
"""Which of the actions allowed, how many minutes later, and where."""

CHOICES: Final = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 900), st.sampled_from([None, *Place])), max_size=40
)
PROCEDURES: Final = st.sampled_from([PROCEDURE, SHARED])

# What ends a life, or brings nothing new, comes up less often.
_RARE: Final = frozenset({ActionName.WITHDRAW, ActionName.STOP, ActionName.REFUSE, ActionName.RATE})
_STEPS: Final = {
    ActionName.APPRAISE: Step.APPRAISE,
    ActionName.APPROVE: Step.APPROVE,
    ActionName.STAMP: Step.STAMP,
    ActionName.RETURN: Step.RETURN,
}


def _body(action: ActionName, which: int, place: Place | None, at: datetime) -> CommandBody:
    if action in _STEPS:
        return commands.CompleteStep(_STEPS[action], place)
    if action is ActionName.HAND_OVER:
        to = (None, AGENCY, OTHER_AGENCY)[which % 3]
        return commands.HandOver(to, None if which % 2 else officer(f"officer-{which % 5}"))
    others: dict[ActionName, CommandBody] = {
        ActionName.ACCEPT: commands.AcceptDossier(f"{AGENCY}-250303-0001", place),
        ActionName.REFUSE: commands.RefuseDossier("not_competent"),
        ActionName.WITHDRAW: commands.WithdrawDossier(),
        ActionName.RATE: commands.RateDossier(4),
        ActionName.REQUEST_SUPPLEMENT: commands.RequestSupplement("missing_document"),
        ActionName.RECEIVE_SUPPLEMENT: commands.ReceiveSupplement(),
        ActionName.REQUEST_PAYMENT: commands.RequestPayment(50_000),
        ActionName.RECEIVE_PAYMENT: commands.ReceivePayment(),
        ActionName.SUSPEND: commands.SuspendDossier("in_court"),
        ActionName.RESUME: commands.ResumeDossier(),
        ActionName.STOP: commands.StopDossier("applicant_died"),
        ActionName.DECLINE: commands.DeclineDossier("not_eligible"),
        ActionName.APOLOGISE: commands.Apologise("workload", at + timedelta(days=9), override=True),
        ActionName.EXTEND: commands.ExtendTerm("complex", 1),
        ActionName.CORRECT: commands.CorrectResult("wrong_name"),
        ActionName.REVOKE_STAMP: commands.RevokeStamp("wrong_document"),
    }
    return others[action]


def judged(procedure: str, choices: Sequence[Choice]) -> tuple[list[Fact], list[Dossier]]:
    """The facts of one life, and the dossier as the workflow has it after each command."""
    at = START
    first = commands.RegisterDossier(procedure, AGENCY, Channel.COUNTER)
    decision = decide(None, LAW, command(first, key="k0", at=at), Cause(0, 0, 0))
    facts, states = list(decision.facts), [decision.dossier]
    for offset, (which, minutes, place) in enumerate(choices, 1):
        before = states[-1]
        assert before is not None
        allowed = sorted(allowed_actions(before))
        likely = [action for action in allowed if action not in _RARE] or allowed
        if not allowed:
            break
        action = (allowed if which % 7 == 0 else likely)[which % len(allowed if which % 7 == 0 else likely)]
        at += timedelta(minutes=minutes)
        body = _body(action, which, place, at)
        named = before.holder.officer if before.holder else None
        record = command(body, key=f"k{offset}", at=at, actor=named)
        decision = decide(before, LAW, record, Cause(0, offset, 0))
        facts += decision.facts
        states.append(decision.dossier)
    return facts, [state for state in states if state is not None]
