"""Who may do what: the actions on dossiers by role.

Intake turns away at the door what a role never does; the workflow, the only judge, asks the same table.
What depends on the person and not on the role (the keeper is not the approver) is the workflow's alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contracts.outcomes import ActionName
from contracts.words import Role

_A = ActionName

_COUNTER: Final = frozenset(
    {
        _A.REGISTER,
        _A.ACCEPT,
        _A.REFUSE,
        _A.RETURN,
        _A.REQUEST_SUPPLEMENT,
        _A.RECEIVE_SUPPLEMENT,
        _A.REQUEST_PAYMENT,
        _A.RECEIVE_PAYMENT,
        _A.WITHDRAW,
        _A.RATE,
        _A.HAND_OVER,
    }
)
_OFFICER: Final = frozenset(
    {
        _A.APPRAISE,
        _A.REFUSE,
        _A.REQUEST_SUPPLEMENT,
        _A.RECEIVE_SUPPLEMENT,
        _A.REQUEST_PAYMENT,
        _A.RECEIVE_PAYMENT,
        _A.SUSPEND,
        _A.HAND_OVER,
    }
)
_APPROVER: Final = frozenset(
    {
        _A.APPROVE,
        _A.DECLINE,
        _A.STOP,
        _A.SUSPEND,
        _A.RESUME,
        _A.EXTEND,
        _A.CORRECT,
        _A.REVOKE_STAMP,
        _A.REQUEST_SUPPLEMENT,
        _A.HAND_OVER,
    }
)

GRANTS: Final[Mapping[Role, frozenset[ActionName]]] = {
    Role.COUNTER: _COUNTER,
    Role.OFFICER: _OFFICER,
    Role.APPROVER: _APPROVER,
    Role.SEAL_KEEPER: frozenset({_A.STAMP, _A.HAND_OVER}),
    Role.LEADER: _APPROVER | {_A.APOLOGISE},
    Role.INSPECTOR: frozenset(),
    Role.PORTAL: frozenset({_A.REGISTER, _A.RECEIVE_SUPPLEMENT, _A.RECEIVE_PAYMENT, _A.WITHDRAW, _A.RATE}),
    Role.IMPORTER: frozenset(_A),
    Role.CARRIER: frozenset(),
    Role.ADMIN: frozenset(_A),
}
"""An apology is signed by the head of the agency that is late (Nghị định 61/2018/NĐ-CP): leaders give it."""


OVERRIDERS: Final = frozenset({Role.ADMIN, Role.IMPORTER})
"""Roles that may let an apology come late or again: never the head who apologises."""


def may(role: Role, action: ActionName) -> bool:
    """Whether the role is granted the action."""
    return action in GRANTS[role]
