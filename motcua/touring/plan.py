"""The walk as data: who does what with which key, what has to come of it, and what it shows.

The agency is the one of the sample law that keeps a second seal at the centre, the procedure the one whose
five steps are all done there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from contracts.outcomes import ActionName
from contracts.words import Channel, NationalStatus, Role

AGENCY: Final = "H44.101"
PROCEDURE: Final = "1.004837"
SEAL: Final = "H44.101-2"

APPLICANT: Final = "citizen-1"
COUNTER: Final = "counter-1"
OFFICER: Final = "officer-1"
APPROVER: Final = "approver-1"
KEEPER: Final = "keeper-1"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: `actor` comes with the key of `role` and asks for `action`.

    `status` is the national status the dossier must have after it, `refusal` the reason it must be refused
    for (None: accepted), `shows` what a newcomer is to see in the answer.
    """

    action: ActionName
    role: Role
    actor: str
    status: NationalStatus
    shows: str
    body: Mapping[str, object] = field(default_factory=dict)
    refusal: str | None = None


_STATUS = NationalStatus
_SEALED: Final = {"seal": SEAL}

WALK: Final = (
    Visit(
        ActionName.REGISTER,
        Role.PORTAL,
        APPLICANT,
        _STATUS.REGISTERED,
        "Handed in online, through the portal. The clock does not run yet.",
        {"procedure": PROCEDURE, "agency": AGENCY, "channel": Channel.ONLINE, "applicant": "tour"},
    ),
    Visit(
        ActionName.ACCEPT,
        Role.COUNTER,
        COUNTER,
        _STATUS.ACCEPTED,
        "The counter takes it in: it has its legal code now, and the clock runs.",
        {"agency": AGENCY},
    ),
    Visit(
        ActionName.APPRAISE,
        Role.OFFICER,
        OFFICER,
        _STATUS.IN_PROGRESS,
        "The case officer examines it. Each step has its own share of the time.",
    ),
    Visit(
        ActionName.STAMP,
        Role.SEAL_KEEPER,
        KEEPER,
        _STATUS.IN_PROGRESS,
        "The keeper would seal it now, but nobody has approved it: no step can be left out.",
        _SEALED,
        "step_out_of_order",
    ),
    Visit(
        ActionName.REQUEST_SUPPLEMENT,
        Role.OFFICER,
        OFFICER,
        _STATUS.WAITING_SUPPLEMENT,
        "A paper is missing: the clock stands, for the wait is not the agency's.",
        {"reason": "missing_paper"},
    ),
    Visit(
        ActionName.RECEIVE_SUPPLEMENT,
        Role.COUNTER,
        COUNTER,
        _STATUS.IN_PROGRESS,
        "The paper came: the clock goes on with what remained.",
    ),
    Visit(
        ActionName.APPROVE,
        Role.APPROVER,
        APPROVER,
        _STATUS.IN_PROGRESS,
        "Somebody else than the officer approves, and that is to sign: on paper here.",
    ),
    Visit(
        ActionName.STAMP,
        Role.SEAL_KEEPER,
        APPROVER,
        _STATUS.IN_PROGRESS,
        "The approver holds the keeper's key and would seal what they signed themselves: four eyes.",
        _SEALED,
        "same_person",
    ),
    Visit(
        ActionName.STAMP,
        Role.SEAL_KEEPER,
        KEEPER,
        _STATUS.FINISHED,
        "The keeper seals it with the agency's second seal, kept at the centre. Here the legal clock ends.",
        _SEALED,
    ),
    Visit(
        ActionName.RETURN,
        Role.COUNTER,
        COUNTER,
        _STATUS.RETURNED,
        "The applicant has the result. Only what bears a valid seal is given out.",
    ),
    Visit(
        ActionName.RATE,
        Role.PORTAL,
        APPLICANT,
        _STATUS.RETURNED,
        "And says how it was: 5 of 5.",
        {"score": 5},
    ),
)
