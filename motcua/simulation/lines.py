"""The lines of a history: one header, then commands as the bulk interface of intake reads them."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from contracts.outcomes import ActionName
from contracts.words import Channel
from motcua.simulation.axis import moment
from motcua.simulation.profile import Period


class History(Struct, frozen=True, kw_only=True):
    """What a history is. `time_to` is the local moment to which the clock is moved after its last line."""

    profile: str
    seed: int
    scale: float
    period: Period
    dossiers: int
    time_to: str


class Header(Struct, frozen=True, kw_only=True):
    """The first line."""

    history: History


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One command. `at` is local time with its offset; a registration is its dossier's key for the rest."""

    key: str
    action: ActionName
    at: str
    dossier_key: str | None = None
    procedure: str | None = None
    agency: str | None = None
    channel: Channel | None = None
    applicant: str | None = None
    reason: str | None = None
    score: int | None = None
    actor: str | None = None


encode: Final = msgspec.json.Encoder().encode

Timed = tuple[int, bytes]


class Story:
    """The commands of one dossier in the order of their moments (seconds since 1970, strictly later)."""

    def __init__(self, key: str, agency: str) -> None:
        self.key: Final = key
        self.agency: Final = agency
        self.lines: Final[list[Timed]] = []

    def register(self, at: int, *, procedure: str, channel: Channel, applicant: str) -> None:
        """The first line."""
        self._append(
            at,
            Line(
                key=self.key,
                action=ActionName.REGISTER,
                at=moment(at).isoformat(),
                procedure=procedure,
                agency=self.agency,
                channel=channel,
                applicant=applicant,
            ),
        )

    def then(
        self,
        action: ActionName,
        at: int,
        actor: str | None = None,
        *,
        reason: str | None = None,
        score: int | None = None,
    ) -> None:
        """A later command; each action happens at most once in a life, so it makes the command's key."""
        self._append(
            at,
            Line(
                key=f"{self.key}.{action}",
                action=action,
                at=moment(at).isoformat(),
                dossier_key=self.key,
                agency=self.agency if action is ActionName.ACCEPT else None,
                reason=reason,
                score=score,
                actor=actor,
            ),
        )

    def _append(self, at: int, line: Line) -> None:
        if self.lines and at <= self.lines[-1][0]:
            raise ValueError(f"{line.key}: not later than the command before it")
        self.lines.append((at, encode(line)))
