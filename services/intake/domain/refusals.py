"""The door's "no": one exception, told apart by its reason code.

A refusal is final for this request: nothing was published, and sending the same again gives the same
answer until something else changes. What may be tried again is :class:`services.intake.ports.Unavailable`.
"""

from __future__ import annotations

from datetime import date
from typing import Final

# What the rules rest on, named as a person would look it up.
HOUSE_RULE: Final = "Quy định kỹ thuật của hệ thống"
DOSSIER_CODE_CIRCULAR: Final = "Thông tư 01/2018/TT-VPCP, Điều 19"
_ND118_FROM: Final = date(2025, 7, 1)


def one_stop_decree(day: date) -> str:
    """The decree on the one-stop mechanism in force on a local day."""
    return "Nghị định 118/2025/NĐ-CP" if day >= _ND118_FROM else "Nghị định 61/2018/NĐ-CP"


class Refused(Exception):  # noqa: N818  a refusal is an answer, not an error of the program
    """The request cannot become a command.

    `reason` is a code from a closed list, `rule` the rule in words (Vietnamese: an officer reads
    it), `legal_ground` the instrument behind it or the house's own rule, `field` the place in the
    request as a dotted path.
    """

    def __init__(
        self, reason: str, rule: str, *, field: str | None = None, legal_ground: str = HOUSE_RULE
    ) -> None:
        super().__init__(f"{reason}: {rule}")
        self.reason = reason
        self.rule = rule
        self.field = field
        self.legal_ground = legal_ground


def bad_shape(field: str | None, rule: str) -> Refused:
    """The request breaks the API document at `field`."""
    return Refused("bad_shape", rule, field=field)
