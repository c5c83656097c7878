"""Drawing up facts: the next fact of a dossier, and the facts of one record as they come to be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from contracts.commands import Command
from contracts.facts import Cause, Fact, FactBody
from contracts.words import NationalStatus
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.evolve import evolve
from services.workflow.domain.rules import Reason

T = TypeVar("T")


class RuleError(Exception):
    """A rule stands against the command; turned into the outcome before it leaves the decision."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def next_fact(dossier: Dossier, cause: Cause, at: datetime, body: FactBody, **changes: Any) -> Fact:
    """The dossier's next fact: its number and its dimensions are those that stand, but for `changes`."""
    standing: dict[str, Any] = {
        "agency": dossier.agency,
        "procedure": dossier.procedure,
        "procedure_version": dossier.procedure_version,
        "channel": dossier.channel,
        "status": dossier.status,
        "overdue": dossier.overdue,
        "due": dossier.due,
        "step": dossier.step,
        "holder": dossier.holder,
    }
    return Fact(
        dossier_id=dossier.id,
        seq=dossier.seq + 1,
        cause=cause,
        at=at.astimezone(UTC),
        body=body,
        **(standing | changes),
    )


@dataclass(slots=True)
class Draft:
    """The facts of one record as they are drawn up, and the dossier as it would be after them."""

    cause: Cause
    command: Command | None
    dossier: Dossier | None
    facts: list[Fact] = field(default_factory=list)

    def add(self, body: FactBody, at: datetime, status: NationalStatus | None = None, **changes: Any) -> None:
        """Append one fact; `status` None leaves the status as it is."""
        if self.command is not None:
            changes |= {
                "actor": self.command.actor,
                "command_id": self.command.id,
                "fingerprint": self.command.fingerprint,
            }
        if status is not None:
            changes["status"] = status
        self.append(next_fact(self.known, self._place(), at, body, **changes))

    def append(self, fact: Fact) -> None:
        """Append a fact that is drawn up already."""
        self.facts.append(fact)
        self.dossier = evolve(self.dossier, fact)

    def begin(self, body: FactBody, at: datetime, **dimensions: Any) -> None:
        """The first fact of a dossier."""
        command = required(self.command)
        fact = Fact(
            dossier_id=command.dossier_id,
            seq=1,
            cause=self._place(),
            at=at.astimezone(UTC),
            body=body,
            actor=command.actor,
            command_id=command.id,
            fingerprint=command.fingerprint,
            **dimensions,
        )
        self.append(fact)

    @property
    def known(self) -> Dossier:
        """The dossier, which has a first fact."""
        return required(self.dossier)

    def _place(self) -> Cause:
        return Cause(self.cause.partition, self.cause.offset, self.cause.n + len(self.facts))


def required(value: T | None) -> T:
    """A value the transition table guarantees; None here is a defect and crashes the worker."""
    if value is None:
        raise AssertionError("the transition table let an impossible state through")
    return value
