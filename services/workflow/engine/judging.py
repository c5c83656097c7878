"""Deciding one record for one dossier, and what it means when that fails.

Deciding never fails by design. Where it does, what fails for one dossier is counted and in the end passed
over (:class:`DecisionCrashedError`); what fails for the whole partition stops it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from contracts.commands import Command
from contracts.facts import Cause, CommandRefused
from contracts.outcomes import CommandOutcome, Refusal, Result
from legalclock.moments import local
from legalclock.rulesets import rule_set
from services.workflow.domain.decide import Decision
from services.workflow.domain.dossier import Dossier, Remembered
from services.workflow.domain.draft import next_fact
from services.workflow.domain.engines import UnknownEngineError
from services.workflow.domain.evolve import evolve
from services.workflow.domain.law import LawGapError
from services.workflow.domain.rules import Reason, refusal
from services.workflow.engine.records import DecisionCrashedError, PartitionStuckError


@contextmanager
def counted(partition: int, offset: int, dossier_id: str) -> Iterator[None]:
    """What goes wrong inside is a crash of deciding this record for this dossier."""
    try:
        yield
    except MemoryError:
        raise  # the machine's trouble, not the record's
    except Exception as error:
        raise DecisionCrashedError(partition, offset, dossier_id, reason_of(error)) from error


@contextmanager
def stuck(partition: int, offset: int) -> Iterator[None]:
    """What goes wrong inside cannot be got past by parking one dossier."""
    try:
        yield
    except (MemoryError, LawGapError, UnknownEngineError):
        raise
    except Exception as error:
        raise PartitionStuckError(
            f"partition {partition}: the record at offset {offset} can neither be decided nor passed "
            f"over ({reason_of(error)}); deploy code that can decide it"
        ) from error


def reason_of(error: BaseException) -> str:
    """The reason code of an exception: its type and nothing of its text, which may hold anything."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(error).__name__).lower()
    code = re.sub(r"[^a-z0-9_]", "", words).lstrip("_0123456789")[:63]
    return code if len(code) > 1 else "unknown"


def refuse(dossier: Dossier | None, command: Command, cause: Cause) -> Decision:
    """The answer to a command to a parked dossier; what had been answered before is answered the same."""
    if dossier is None:
        return Decision((), None, _answer(command, None, _why(Reason.PARKED, command, None)))
    remembered = dossier.remembers(command.id)
    if remembered and remembered.fingerprint == command.fingerprint:
        return Decision((), dossier, _repeat(command, dossier, remembered))
    known = {dossier.agency, dossier.holder.agency if dossier.holder else dossier.agency}
    stranger = command.agencies is not None and known.isdisjoint(command.agencies)
    why = _why(Reason.OTHER_AGENCY if stranger else Reason.PARKED, command, dossier)
    body = CommandRefused(type(command.body).__name__, why.reason, why.rule, why.legal_ground)
    fact = next_fact(dossier, cause, max(command.at, dossier.at), body, actor=command.actor)
    after = evolve(dossier, fact)
    return Decision((fact,), after, _answer(command, None if stranger else after, why))


def _why(reason: Reason, command: Command, dossier: Dossier | None) -> Refusal:
    rules = dossier.rules if dossier else None
    return refusal(reason, rules or rule_set(local(command.at).date()).name)


def _repeat(command: Command, dossier: Dossier, remembered: Remembered) -> CommandOutcome:
    why = _why(Reason(remembered.refused), command, dossier) if remembered.refused else None
    return _answer(command, dossier, why, repeated=True)


def _answer(
    command: Command, dossier: Dossier | None, why: Refusal | None, *, repeated: bool = False
) -> CommandOutcome:
    """An outcome that allows nothing next: whatever is asked of a parked dossier is refused."""
    outcome = CommandOutcome(
        command_id=command.id,
        fingerprint=command.fingerprint,
        dossier_id=command.dossier_id,
        result=Result.REFUSED if why else Result.ACCEPTED,
        repeated=repeated,
        refusal=why,
    )
    if dossier is None:
        return outcome
    return replace(
        outcome,
        seq=dossier.seq,
        status=dossier.status,
        next_step=dossier.step,
        dossier_code=dossier.dossier_code,
        due=dossier.due,
        overdue=dossier.overdue,
    )
