"""Who may do what: the table the door and the workflow ask."""

from __future__ import annotations

import pytest

from contracts.outcomes import ActionName
from contracts.roles import GRANTS, may
from contracts.words import Role

A = ActionName
EVERYTHING = {Role.IMPORTER, Role.ADMIN}
"""Roles of machines and of who runs the system: no person at a desk holds one."""


def holders(action: ActionName) -> set[Role]:
    return {role for role in Role if may(role, action)} - EVERYTHING


def test_every_role_is_in_the_table_and_every_action_is_somebodys() -> None:
    assert set(GRANTS) == set(Role)
    assert all(holders(action) for action in ActionName)
    assert all(may(role, action) for role in EVERYTHING for action in ActionName)


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        (A.REGISTER, {Role.COUNTER, Role.PORTAL}),
        (A.ACCEPT, {Role.COUNTER}),
        (A.APPRAISE, {Role.OFFICER}),
        (A.APPROVE, {Role.APPROVER, Role.LEADER}),
        (A.DECLINE, {Role.APPROVER, Role.LEADER}),
        (A.STAMP, {Role.SEAL_KEEPER}),
        (A.RETURN, {Role.COUNTER}),
        (A.APOLOGISE, {Role.LEADER}),
        (A.EXTEND, {Role.APPROVER, Role.LEADER}),
        (A.CORRECT, {Role.APPROVER, Role.LEADER}),
        (A.REVOKE_STAMP, {Role.APPROVER, Role.LEADER}),
        (A.WITHDRAW, {Role.COUNTER, Role.PORTAL}),
    ],
)
def test_who_takes_a_step_of_the_law(action: ActionName, roles: set[Role]) -> None:
    assert holders(action) == roles


def test_no_desk_appraises_approves_and_seals() -> None:
    """Four eyes begin with the keys: no role but a machine's has two of the three."""
    apart = {A.APPRAISE, A.APPROVE, A.STAMP}
    assert all(len(GRANTS[role] & apart) <= 1 for role in set(Role) - EVERYTHING)


def test_who_only_looks_changes_nothing() -> None:
    assert not GRANTS[Role.INSPECTOR]
    assert not GRANTS[Role.CARRIER]
