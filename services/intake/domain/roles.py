"""Who may do what at the door: the role, and the scope of a key.

The table is ``contracts.roles``, which the workflow asks too. What it can judge better (is this dossier of
that agency, is this the next step, is the keeper another person than the approver) it judges there; here
stops what a role never does.
"""

from __future__ import annotations

from typing import Final

from contracts.access import Client
from contracts.outcomes import ActionName
from contracts.roles import may
from contracts.words import Channel, Role
from services.intake.domain.refusals import Refused

OWN_TIME: Final = frozenset({Role.IMPORTER})
"""Roles that may say when something happened, and move the log clock."""

LAW_MAKERS: Final = frozenset({Role.ADMIN})
"""Roles that may change the catalogue and the calendar."""


REGISTER_READERS: Final = frozenset({Role.LEADER, Role.INSPECTOR, Role.SEAL_KEEPER, Role.ADMIN})
"""Roles that may read the register of certificates and seals, each for the agencies of its key."""

REGISTER_KEEPERS: Final = frozenset({Role.ADMIN})
"""Roles that are told by which pseudonyms the register names persons."""


def check_action(client: Client, action: ActionName) -> None:
    """Raises Refused (role_not_allowed) unless the client's role grants `action`."""
    if not may(client.role, action):
        raise Refused(
            "role_not_allowed",
            f"Vai trò {client.role} không được thực hiện thao tác {action}",
        )


def check_role(client: Client, allowed: frozenset[Role], purpose: str) -> None:
    """Raises Refused (role_not_allowed) unless the client's role is in `allowed`."""
    if client.role not in allowed:
        raise Refused("role_not_allowed", f"Vai trò {client.role} không được {purpose}")


def check_channel(client: Client, channel: Channel) -> None:
    """Raises Refused (channel_not_allowed) where the client cannot take a dossier in by `channel`.

    What comes through a portal comes online, and is counted as that.
    """
    if client.role is Role.PORTAL and channel is not Channel.ONLINE:
        rule = f"Vai trò {client.role} chỉ nộp hồ sơ qua kênh {Channel.ONLINE}, không qua kênh {channel}"
        raise Refused("channel_not_allowed", rule, field="channel")


def check_agency_scope(client: Client, agency: str) -> None:
    """Raises Refused (other_agency) unless the client's key covers `agency`."""
    if not client.covers(agency):
        raise Refused(
            "other_agency",
            "Khóa truy cập không thuộc cơ quan này",
            field="agency",
        )
