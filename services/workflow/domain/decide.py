"""Decide: what follows from one command or one reached deadline. Engine version 1.

Pure: the state, the law and the record are all it reads; the time is the record's own. Deciding again
gives the same facts. A decision never fails: what may not be done becomes a refusal with its rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from contracts import commands, facts
from contracts.commands import Command
from contracts.facts import Cause, Fact, FactBody
from contracts.outcomes import CommandOutcome, Result
from contracts.words import Channel, NationalStatus, Outcome, Step, TermUnit
from legalclock.calendar import Calendar, YearNotCoveredError
from legalclock.moments import local
from legalclock.outcome import outcome as outcome_of
from legalclock.rulesets import rule_set
from legalclock.terms import due as due_of
from legalclock.terms import remaining as remaining_of
from legalclock.terms import resumed
from legalclock.working_time import working_minutes
from services.workflow.domain.actions import action_of, allowed_actions, next_step, objection
from services.workflow.domain.dossier import DUE_TIMER, Dossier
from services.workflow.domain.evolve import evolve
from services.workflow.domain.law import Law
from services.workflow.domain.rules import Reason, refusal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a command: facts in order, the dossier after them, and the answer."""

    facts: tuple[Fact, ...]
    dossier: Dossier | None
    outcome: CommandOutcome


class _RuleError(Exception):
    """A rule stands against the command; turned into the outcome before it leaves this module."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Draft:
    """The facts of one record as they are drawn up, and the dossier as it would be after them."""

    cause: Cause
    command: Command | None
    dossier: Dossier | None
    facts: list[Fact]

    def add(self, body: FactBody, at: datetime, status: NationalStatus, **dims: object) -> None:
        """Append one fact: its number, its place and its dimensions follow from what stands so far."""
        before, command = self.dossier, self.command
        fact = Fact(
            dossier_id=before.id if before else _required(command).dossier_id,
            seq=before.seq + 1 if before else 1,
            cause=Cause(self.cause.partition, self.cause.offset, self.cause.n + len(self.facts)),
            at=at.astimezone(UTC),
            status=status,
            body=body,
            actor=command.actor if command else None,
            command_id=command.id if command else None,
            fingerprint=command.fingerprint if command else None,
            **(_dimensions(before) | dims),  # type: ignore[arg-type]  # one mapping, checked by the tests
        )
        self.facts.append(fact)
        self.dossier = evolve(before, fact)


def decide(dossier: Dossier | None, law: Law, command: Command, cause: Cause) -> Decision:
    """What follows from `command` at its place in the log (`cause.n` is 0)."""
    remembered = dossier.remembers(command.id, command.fingerprint) if dossier else None
    if dossier and remembered:
        reason = Reason(remembered.refused) if remembered.refused else None
        return Decision((), dossier, _answer(command, dossier, reason, repeated=True))
    draft = _Draft(cause, command, dossier, [])
    if dossier:
        _fire_earlier(draft, command.at)
    try:
        if dossier and dossier.remembers(command.id):
            raise _RuleError(Reason.KEY_REUSED)
        _apply(draft, law, command)
    except _RuleError as refused:
        reason = refused.reason
        if draft.dossier:
            _refuse(draft, reason)
    else:
        reason = None
    return Decision(tuple(draft.facts), draft.dossier, _answer(command, draft.dossier, reason))


def fire(
    dossier: Dossier, timer: str, version: int, now: datetime, cause: Cause
) -> tuple[Fact, Dossier] | None:
    """What follows from a reached deadline; None when the entry is stale or time has not passed it.

    `cause.n` is the entry's place in its list, which it keeps whether or not anything follows from it.
    """
    standing = dossier.timer(timer)
    if standing is None or standing.version != version or standing.at >= now:
        return None
    draft = _Draft(cause, None, dossier, [])
    _pass_due(draft, standing.at)
    return draft.facts[0], _required(draft.dossier)


def _fire_earlier(draft: _Draft, at: datetime) -> None:
    """A deadline that passed before the command's own time comes before the command."""
    timer = draft.dossier.timer(DUE_TIMER) if draft.dossier else None
    if timer is not None and timer.at < at:
        command, draft.command = draft.command, None
        _pass_due(draft, timer.at)
        draft.command = command


def _pass_due(draft: _Draft, due: datetime) -> None:
    dossier = _required(draft.dossier)
    draft.add(facts.DueDatePassed(due), max(due, dossier.at), dossier.status, overdue=True)


def _apply(draft: _Draft, law: Law, command: Command) -> None:
    """Draw up the facts of a legal command, or raise _RuleError."""
    dossier, body = draft.dossier, command.body
    if isinstance(body, commands.RegisterDossier) and dossier is None:
        _register(draft, law, command, body)
        return
    if dossier is None:
        raise _RuleError(Reason.UNKNOWN_DOSSIER)
    if command.agencies is not None and dossier.agency not in command.agencies:
        raise _RuleError(Reason.OTHER_AGENCY)
    against = objection(dossier, action_of(body))
    if against is not None:
        raise _RuleError(against)
    # Within a dossier time never runs backwards, whatever the clocks of two doors say.
    at = max(command.at, dossier.at)
    match body:
        case commands.AcceptDossier(dossier_code=code):
            _accept(draft, law, at, code)
        case commands.CompleteStep(step=step):
            _complete(draft, law, at, step)
        case commands.RequestSupplement(reason=reason):
            unit = _unit(law, dossier)
            remaining = _counted(lambda: remaining_of(_calendar(law, dossier), at, _due(dossier), unit))
            draft.add(facts.SupplementRequested(reason, remaining), at, NationalStatus.WAITING_SUPPLEMENT)
        case commands.ReceiveSupplement():
            _resume(draft, law, at)
        case commands.RefuseDossier(reason=reason):
            draft.add(facts.DossierRefused(reason), at, NationalStatus.NOT_ACCEPTED)
        case commands.WithdrawDossier():
            draft.add(facts.DossierWithdrawn(), at, NationalStatus.WITHDRAWN)
        case commands.RateDossier(score=score):
            draft.add(facts.DossierRated(score), at, dossier.status)
        case commands.RegisterDossier():  # pragma: no cover - refused above: a dossier registers once
            raise AssertionError("a second registration passed the transition table")


def _register(draft: _Draft, law: Law, command: Command, body: commands.RegisterDossier) -> None:
    procedure = law.procedures.get(body.procedure)
    if procedure is None:
        raise _RuleError(Reason.UNKNOWN_PROCEDURE)
    if body.channel not in procedure.channels:
        raise _RuleError(Reason.CHANNEL_NOT_OFFERED)
    if command.agencies is not None and body.agency not in command.agencies:
        raise _RuleError(Reason.OTHER_AGENCY)
    draft.add(
        facts.DossierRegistered(body.applicant),
        command.at,
        NationalStatus.REGISTERED,
        agency=body.agency,
        procedure=procedure.code,
        procedure_version=procedure.version,
        channel=Channel(body.channel),
    )


def _accept(draft: _Draft, law: Law, at: datetime, code: str) -> None:
    dossier = _required(draft.dossier)
    if code.rsplit("-", 2)[0] != dossier.agency:
        raise _RuleError(Reason.CODE_OF_OTHER_AGENCY)
    procedure = law.history[dossier.procedure, dossier.procedure_version]
    counted = _counted(
        lambda: due_of(
            _calendar(law, dossier), at, procedure.term_value, procedure.term_unit, procedure.late_cutoff
        )
    )
    due = counted.due.astimezone(UTC)
    rules = rule_set(local(at).date()).name
    received = counted.received_at.astimezone(UTC)
    draft.add(facts.DossierAccepted(code, received, due, rules), at, NationalStatus.ACCEPTED, due=due)


def _complete(draft: _Draft, law: Law, at: datetime, step: Step) -> None:
    dossier = _required(draft.dossier)
    if step is Step.RETURN:
        draft.add(facts.StepCompleted(step), at, NationalStatus.RETURNED)
        draft.add(facts.ResultReturned(), at, NationalStatus.RETURNED)
        return
    if step is not Step.STAMP:
        draft.add(facts.StepCompleted(step), at, NationalStatus.IN_PROGRESS)
        return
    unit = _unit(law, dossier)
    due = _due(dossier)
    result = Outcome(outcome_of(at, due, unit))
    draft.add(facts.StepCompleted(step), at, NationalStatus.IN_PROGRESS)
    draft.add(facts.ProcessingFinished(result, due), at, NationalStatus.FINISHED)


def _resume(draft: _Draft, law: Law, at: datetime) -> None:
    dossier = _required(draft.dossier)
    unit = _unit(law, dossier)
    remaining, paused_at = _required(dossier.remaining_minutes), _required(dossier.paused_at)
    if remaining <= 0:
        due = _due(dossier)  # the time was up before the pause; nothing remains to go on with
    else:
        due = _counted(lambda: resumed(_calendar(law, dossier), at, remaining, unit)).astimezone(UTC)
    paused = _counted(lambda: working_minutes(_calendar(law, dossier), paused_at, at))
    draft.add(facts.SupplementReceived(due, paused), at, NationalStatus.IN_PROGRESS, due=due)


def _refuse(draft: _Draft, reason: Reason) -> None:
    dossier, command = _required(draft.dossier), _required(draft.command)
    why = refusal(reason, _rules(dossier, command))
    body = facts.CommandRefused(type(command.body).__name__, reason, why.rule, why.legal_ground)
    draft.add(body, max(command.at, dossier.at), dossier.status)


def _answer(
    command: Command, dossier: Dossier | None, reason: Reason | None, *, repeated: bool = False
) -> CommandOutcome:
    why = refusal(reason, _rules(dossier, command)) if reason else None
    result = Result.REFUSED if why else Result.ACCEPTED
    if dossier is None or reason is Reason.OTHER_AGENCY:  # a stranger learns nothing of the dossier
        return CommandOutcome(
            command_id=command.id,
            fingerprint=command.fingerprint,
            dossier_id=command.dossier_id,
            result=result,
            refusal=why,
        )
    return CommandOutcome(
        command_id=command.id,
        fingerprint=command.fingerprint,
        dossier_id=dossier.id,
        result=result,
        repeated=repeated,
        refusal=why,
        seq=dossier.seq,
        status=dossier.status,
        next_step=next_step(dossier),
        dossier_code=dossier.dossier_code,
        due=dossier.due,
        overdue=dossier.overdue,
        allowed_actions=allowed_actions(dossier),
    )


def _rules(dossier: Dossier | None, command: Command) -> str:
    """The rule set the dossier stands under; before acceptance, the one of the command's day."""
    if dossier and dossier.rules:
        return dossier.rules
    return rule_set(local(command.at).date()).name


def _dimensions(dossier: Dossier | None) -> dict[str, object]:
    if dossier is None:
        return {}
    return {
        "agency": dossier.agency,
        "procedure": dossier.procedure,
        "procedure_version": dossier.procedure_version,
        "channel": dossier.channel,
        "overdue": dossier.overdue,
        "due": dossier.due,
    }


def _calendar(law: Law, dossier: Dossier) -> Calendar:
    calendar = law.calendar_for(dossier.agency)
    if calendar is None:
        raise _RuleError(Reason.NO_CALENDAR)
    return calendar


def _counted(count: Callable[[], T]) -> T:
    """The result of a count, or the refusal when it needs a year the calendar does not have."""
    try:
        return count()
    except YearNotCoveredError as error:
        raise _RuleError(Reason.NO_CALENDAR) from error


def _unit(law: Law, dossier: Dossier) -> TermUnit:
    return law.history[dossier.procedure, dossier.procedure_version].term_unit


def _due(dossier: Dossier) -> datetime:
    return _required(dossier.due)


def _required(value: T | None) -> T:
    """A value the transition table guarantees; None here is a defect and crashes the worker."""
    if value is None:
        raise AssertionError("the transition table let an impossible state through")
    return value
