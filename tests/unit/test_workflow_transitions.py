"""Every action in every situation a dossier can be in, against a table written by hand from the law.

The statuses are the national portal's ten: 1 registered, 2 accepted, 3 not accepted, 4 in progress, 5 waiting
for papers, 6 waiting for a payment, 7 withdrawn, 8 suspended or stopped, 9 finished, 10 returned. Nothing
here is read from ``contracts.transitions``.
"""

from __future__ import annotations

from typing import Final

import pytest

from contracts import commands, facts
from contracts.commands import CommandBody
from contracts.outcomes import ActionName, Result
from contracts.roles import GRANTS
from contracts.transitions import MOST_MOVES, TRANSITIONS, basis
from contracts.words import NationalStatus, Role, Step
from tests.fakes.workflow_desk import Desk, body_of, local, reason

A = ActionName
APPRAISED: Final = commands.CompleteStep(Step.APPRAISE)
APPROVED: Final = commands.CompleteStep(Step.APPROVE)
STAMPED: Final = commands.CompleteStep(Step.STAMP)
RETURNED: Final = commands.CompleteStep(Step.RETURN)
SUPPLEMENT: Final = commands.RequestSupplement("missing_document")
PAYMENT: Final = commands.RequestPayment(100_000)
SUSPENDED: Final = commands.SuspendDossier("court_case")
STOPPED: Final = commands.StopDossier("applicant_died")
DECLINED: Final = commands.DeclineDossier("conditions_not_met")
CORRECTED: Final = commands.CorrectResult("wrong_name")
REVOKED: Final = commands.RevokeStamp("wrong_seal")
WITHDRAWN: Final = commands.WithdrawDossier()

REGISTER, ACCEPT = (
    body_of(A.REGISTER, local("2025-03-03T08:00")),
    body_of(A.ACCEPT, local("2025-03-03T08:00")),
)
IN_HAND: Final = (REGISTER, ACCEPT)
TO_STAMP: Final = (*IN_HAND, APPRAISED, APPROVED, STAMPED)

NEVER: Final = {
    A.REGISTER: "already_registered",
    A.RATE: "not_finished",
    A.CORRECT: "not_finished",
    A.REVOKE_STAMP: "no_stamp",
    A.RECEIVE_SUPPLEMENT: "no_supplement_requested",
    A.RECEIVE_PAYMENT: "no_payment_requested",
    A.RESUME: "not_suspended",
}
"""What is refused so wherever a dossier is open and the action is none of its next ones."""

TAKEN_IN: Final = NEVER | {A.ACCEPT: "already_accepted", A.REFUSE: "already_accepted"}
CLOSED: Final = {A.REGISTER: "already_registered", A.RATE: "not_finished"}


def in_work(status: int, next_step: dict[ActionName, int]) -> dict[ActionName, int]:
    """What may be done with a dossier in work: the step in hand, a pause, an end, another date or holder."""
    moves = {A.REQUEST_SUPPLEMENT: 5, A.REQUEST_PAYMENT: 6, A.SUSPEND: 8, A.STOP: 8, A.WITHDRAW: 7}
    return next_step | moves | dict.fromkeys((A.HAND_OVER, A.APOLOGISE, A.EXTEND), status)


FINISHED: Final = {A.RETURN: 10, A.RATE: 9, A.CORRECT: 4, A.REVOKE_STAMP: 4}
HANDED_OUT: Final = {A.RATE: 10, A.CORRECT: 4, A.REVOKE_STAMP: 4}
TO_APPROVE: Final = {A.APPROVE: 4, A.DECLINE: 9}
WAITING: Final = {A.STOP: 8, A.WITHDRAW: 7}

Row = tuple[tuple[CommandBody, ...], dict[ActionName, int], dict[ActionName, str], str]
"""How it came there; the status after each action that is open; why others are not; why the rest is not."""

SITUATIONS: Final[dict[str, Row]] = {
    "registered": ((REGISTER,), {A.ACCEPT: 2, A.REFUSE: 3, A.WITHDRAW: 7}, NEVER, "not_accepted_yet"),
    "accepted": (IN_HAND, in_work(2, {A.APPRAISE: 4}), TAKEN_IN, "step_out_of_order"),
    "in progress": (
        (*IN_HAND, SUPPLEMENT, commands.ReceiveSupplement()),
        in_work(4, {A.APPRAISE: 4}),
        TAKEN_IN,
        "step_out_of_order",
    ),
    "appraised": ((*IN_HAND, APPRAISED), in_work(4, TO_APPROVE), TAKEN_IN, "step_out_of_order"),
    "approved": ((*IN_HAND, APPRAISED, APPROVED), in_work(4, {A.STAMP: 9}), TAKEN_IN, "step_out_of_order"),
    "stamped": (TO_STAMP, FINISHED, TAKEN_IN, "already_finished"),
    "stamped and rated": (
        (*TO_STAMP, commands.RateDossier(5)),
        {A.RETURN: 10, A.CORRECT: 4, A.REVOKE_STAMP: 4},
        TAKEN_IN | {A.RATE: "already_rated"},
        "already_finished",
    ),
    "returned": ((*TO_STAMP, RETURNED), HANDED_OUT, CLOSED, "closed"),
    "returned and rated": (
        (*TO_STAMP, RETURNED, commands.RateDossier(5)),
        {A.CORRECT: 4, A.REVOKE_STAMP: 4},
        CLOSED | {A.RATE: "already_rated"},
        "closed",
    ),
    "waiting for papers": (
        (*IN_HAND, SUPPLEMENT),
        WAITING | {A.RECEIVE_SUPPLEMENT: 4},
        TAKEN_IN,
        "waiting_for_supplement",
    ),
    "waiting for papers, appraised": (
        (*IN_HAND, APPRAISED, SUPPLEMENT),
        WAITING | {A.RECEIVE_SUPPLEMENT: 4},
        TAKEN_IN,
        "waiting_for_supplement",
    ),
    "waiting for a payment": (
        (*IN_HAND, PAYMENT),
        WAITING | {A.RECEIVE_PAYMENT: 4},
        TAKEN_IN,
        "waiting_for_payment",
    ),
    "waiting for a payment, approved": (
        (*IN_HAND, APPRAISED, APPROVED, PAYMENT),
        WAITING | {A.RECEIVE_PAYMENT: 4},
        TAKEN_IN,
        "waiting_for_payment",
    ),
    "suspended": ((*IN_HAND, SUSPENDED), {A.RESUME: 4, A.STOP: 8}, TAKEN_IN, "suspended"),
    "suspended, appraised": (
        (*IN_HAND, APPRAISED, SUSPENDED),
        {A.RESUME: 4, A.STOP: 8},
        TAKEN_IN,
        "suspended",
    ),
    "stopped": ((*IN_HAND, STOPPED), {}, CLOSED, "closed"),
    "stopped while suspended": ((*IN_HAND, SUSPENDED, STOPPED), {}, CLOSED, "closed"),
    "stopped while waiting": ((*IN_HAND, SUPPLEMENT, STOPPED), {}, CLOSED, "closed"),
    "withdrawn before acceptance": ((REGISTER, WITHDRAWN), {}, CLOSED, "closed"),
    "withdrawn": ((*IN_HAND, WITHDRAWN), {}, CLOSED, "closed"),
    "not accepted": ((REGISTER, commands.RefuseDossier("not_competent")), {}, CLOSED, "closed"),
    "declined": (
        (*IN_HAND, APPRAISED, DECLINED),
        {A.RETURN: 10, A.RATE: 9, A.CORRECT: 4},
        TAKEN_IN,
        "already_finished",
    ),
    "declined and returned": (
        (*IN_HAND, APPRAISED, DECLINED, RETURNED),
        {A.RATE: 10, A.CORRECT: 4},
        CLOSED | {A.REVOKE_STAMP: "no_stamp"},
        "closed",
    ),
    "corrected": ((*TO_STAMP, CORRECTED), in_work(4, {A.APPRAISE: 4}), TAKEN_IN, "step_out_of_order"),
    "corrected after return": (
        (*TO_STAMP, RETURNED, CORRECTED),
        in_work(4, {A.APPRAISE: 4}),
        TAKEN_IN,
        "step_out_of_order",
    ),
    "corrected after a decline": (
        (*IN_HAND, APPRAISED, DECLINED, CORRECTED),
        in_work(4, {A.APPRAISE: 4}),
        TAKEN_IN,
        "step_out_of_order",
    ),
    "stamp revoked": ((*TO_STAMP, REVOKED), in_work(4, {A.STAMP: 9}), TAKEN_IN, "step_out_of_order"),
    "stamp revoked after return": (
        (*TO_STAMP, RETURNED, REVOKED),
        in_work(4, {A.STAMP: 9}),
        TAKEN_IN,
        "step_out_of_order",
    ),
}
CELLS: Final = [(name, action) for name in SITUATIONS for action in ActionName]

PAIRS: Final = {
    *((1, after) for after in (2, 3, 7)),
    *((2, after) for after in (4, 5, 6, 7, 8)),
    *((4, after) for after in (5, 6, 7, 8, 9)),
    *((5, after) for after in (4, 7, 8)),
    *((6, after) for after in (4, 7, 8)),
    (8, 4),
    (9, 10),
    (9, 4),
    (10, 4),
}
"""The only changes of the national status there are; back from 9 and 10 by correction or revocation alone."""


def at(name: str) -> Desk:
    desk = Desk()
    return desk.do(*SITUATIONS[name][0], at=desk.now)


def expected(name: str, action: ActionName) -> int | str:
    _, allowed, reasons, otherwise = SITUATIONS[name]
    return allowed.get(action) or reasons.get(action) or otherwise


@pytest.mark.parametrize(("name", "action"), CELLS)
def test_the_table(name: str, action: ActionName) -> None:
    desk = at(name)
    before, seen = desk.known, len(desk.facts)
    outcome = desk.give(body_of(action, desk.now), at=desk.now)
    wanted = expected(name, action)
    if isinstance(wanted, int):
        assert outcome.result is Result.ACCEPTED, outcome.refusal
        assert outcome.status == wanted
    else:
        assert reason(outcome) == wanted
        assert isinstance(desk.last, facts.CommandRefused)
        assert outcome.refusal is not None
        assert basis(desk.last) == (outcome.refusal.rule, outcome.refusal.legal_ground)
        assert len(desk.facts) == seen + 1
        assert (desk.known.status, desk.known.step, desk.known.holder, desk.known.timers) == (
            before.status,
            before.step,
            before.holder,
            before.timers,
        )


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_is_named_as_allowed_is_what_the_table_allows(name: str) -> None:
    desk = at(name)
    answer = desk.give(body_of(A.REGISTER, desk.now))
    assert set(answer.allowed_actions) == set(SITUATIONS[name][1])
    assert list(answer.allowed_actions) == [a for a in ActionName if a in answer.allowed_actions]


def test_before_registration_nothing_but_that() -> None:
    for action in ActionName:
        desk = Desk()
        outcome = desk.give(body_of(action, desk.now))
        if action is A.REGISTER:
            assert outcome.status == 1
        else:
            assert reason(outcome) == "unknown_dossier"
            assert (desk.dossier, desk.facts) == (None, [])


@pytest.mark.parametrize(("name", "action"), CELLS)
def test_each_fact_moves_the_status_only_as_the_law_has_it(name: str, action: ActionName) -> None:
    desk = at(name)
    desk.give(body_of(action, desk.now), at=desk.now)
    for before, after in zip(desk.facts, desk.facts[1:], strict=False):
        if before.status is not after.status:
            assert (before.status, after.status) in PAIRS
            if before.status >= 9 and after.status == 4:
                assert isinstance(after.body, facts.ResultCorrected | facts.StampRevoked)


def test_the_table_as_data_knows_no_other_change_of_status() -> None:
    for action, row in TRANSITIONS.items():
        for before in row.before:
            stays = row.after is None or row.after is before
            # 8 to 8: what is suspended is stopped for good.
            assert stays or (before, row.after) in PAIRS, (action, before)


def test_the_facts_are_those_the_table_names() -> None:
    for name, action in CELLS:
        if isinstance(expected(name, action), str):
            continue
        desk = at(name)
        seen = len(desk.facts)
        desk.give(body_of(action, desk.now), at=desk.now)
        kinds = [type(fact.body) for fact in desk.facts[seen:]]
        assert all(basis(fact.body).rule for fact in desk.facts)
        if action is A.CORRECT and kinds[0] is facts.StampRevoked:
            kinds = kinds[1:]  # the stamp of a wrong result falls with it
        assert tuple(kinds) == TRANSITIONS[action].facts, (name, action)


def test_receiving_is_completed_by_accepting_alone() -> None:
    for name in SITUATIONS:
        desk = at(name)
        why = reason(desk.give(commands.CompleteStep(Step.RECEIVE), at=desk.now))
        assert why == ("not_accepted_yet" if name == "registered" else "already_accepted")


def test_alarms_and_amendments_leave_the_status_alone() -> None:
    for name in SITUATIONS:
        desk = at(name)
        status = desk.known.status
        for fact in desk.wait(local("2025-06-01T00:00")):
            assert fact.status is status
        assert desk.known.status is status


def test_an_overdue_term_is_not_extended() -> None:
    desk = at("accepted")
    late = local("2025-03-07T08:00")
    outcome = desk.give(body_of(A.EXTEND, late), at=late)
    assert reason(outcome) == "overdue"
    assert A.EXTEND not in outcome.allowed_actions


def test_a_clock_takes_only_so_many_moves_and_then_the_dossier_still_ends() -> None:
    desk = at("accepted")
    for _ in range(MOST_MOVES // 2):
        desk.do(PAYMENT, commands.ReceivePayment(), at=desk.now)
    for action in (A.REQUEST_SUPPLEMENT, A.REQUEST_PAYMENT, A.SUSPEND, A.APOLOGISE, A.EXTEND):
        assert reason(desk.give(body_of(action, desk.now), at=desk.now)) == "too_many_moves"
    desk.do(APPRAISED, APPROVED, STAMPED, RETURNED, at=desk.now)
    assert desk.known.status is NationalStatus.RETURNED


COUNTER: Final = {A.REGISTER, A.ACCEPT, A.REFUSE, A.RETURN, A.REQUEST_SUPPLEMENT, A.RECEIVE_SUPPLEMENT}
COUNTER_TOO: Final = {A.REQUEST_PAYMENT, A.RECEIVE_PAYMENT, A.WITHDRAW, A.RATE, A.HAND_OVER}
ASKS: Final = {A.REQUEST_SUPPLEMENT, A.RECEIVE_SUPPLEMENT, A.REQUEST_PAYMENT, A.RECEIVE_PAYMENT}
APPROVER: Final = {A.APPROVE, A.DECLINE, A.STOP, A.SUSPEND, A.RESUME, A.EXTEND, A.CORRECT, A.REVOKE_STAMP}
MAY: Final[dict[Role, set[ActionName]]] = {
    Role.COUNTER: COUNTER | COUNTER_TOO,
    Role.OFFICER: ASKS | {A.APPRAISE, A.REFUSE, A.SUSPEND, A.HAND_OVER},
    Role.APPROVER: APPROVER | {A.REQUEST_SUPPLEMENT, A.HAND_OVER},
    Role.SEAL_KEEPER: {A.STAMP, A.HAND_OVER},
    Role.LEADER: APPROVER | {A.REQUEST_SUPPLEMENT, A.HAND_OVER, A.APOLOGISE},
    Role.INSPECTOR: set(),
    Role.PORTAL: {A.REGISTER, A.RECEIVE_SUPPLEMENT, A.RECEIVE_PAYMENT, A.WITHDRAW, A.RATE},
    Role.IMPORTER: set(ActionName),
    Role.CARRIER: set(),
    Role.ADMIN: set(ActionName),
}


@pytest.mark.parametrize("role", Role)
def test_each_role_does_its_own_and_nothing_else(role: Role) -> None:
    assert set(GRANTS) == set(Role)
    for action in ActionName:
        name = (
            next(name for name in SITUATIONS if action in SITUATIONS[name][1]) if action != A.REGISTER else ""
        )
        desk = at(name) if name else Desk()
        why = reason(desk.give(body_of(action, desk.now), at=desk.now, role=role))
        assert why == (None if action in MAY[role] else "role_not_allowed"), action
