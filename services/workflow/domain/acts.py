"""What each command makes of a dossier: the checks that only the workflow can make, and the facts.

Every function draws up the facts of one legal command or raises RuleError; what status and step permit was
asked before. Steps, seals and signatures are in :mod:`services.workflow.domain.steps`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Final, TypeVar

from msgspec.structs import replace

from contracts import commands, facts
from contracts.commands import Command
from contracts.facts import Holder
from contracts.law import ProcedurePublished
from contracts.roles import OVERRIDERS
from contracts.words import Channel, NationalStatus, Outcome, Place, Step
from legalclock import dossier_clock, moves
from legalclock.calendar import Calendar, YearNotCoveredError
from legalclock.dossier_clock import DossierClock, PauseCause, Reading
from legalclock.moments import local
from legalclock.rulesets import rule_set
from legalclock.terms import due as due_of
from legalclock.working_time import working_minutes
from services.workflow.domain import clock as clocks
from services.workflow.domain.dossier import Apologised, Dossier, Extended, GoesOn, Paused
from services.workflow.domain.draft import Draft, RuleError, required
from services.workflow.domain.law import Law
from services.workflow.domain.rules import Reason
from services.workflow.domain.sealing import check_approval

T = TypeVar("T")

_NO_HOLDER: Final[dict[str, object]] = {"step": None, "holder": None}
_MOVES: Final = {
    moves.Refusal.NOT_LATER: Reason.NOT_LATER,
    moves.Refusal.APOLOGY_TOO_LATE: Reason.APOLOGY_TOO_LATE,
    moves.Refusal.APOLOGY_AGAIN: Reason.APOLOGY_AGAIN,
}


class Desk:
    """One command being decided: the draft, the law, and what the dossier's clock says."""

    def __init__(self, draft: Draft, law: Law, command: Command) -> None:
        self.draft: Final = draft
        self.law: Final = law
        self.command: Final = command
        self.dossier: Final = draft.known
        # Within a dossier time never runs backwards, whatever the clocks of two doors say.
        self.at: Final = max(command.at, self.dossier.at)

    @cached_property
    def procedure(self) -> ProcedurePublished:
        """The dossier's procedure in the version it was registered under."""
        return self.law.history[self.dossier.procedure, self.dossier.procedure_version]

    @cached_property
    def calendar(self) -> Calendar:
        """The calendar of the dossier's province."""
        calendar = self.law.calendar_for(self.dossier.agency)
        if calendar is None:
            raise RuleError(Reason.NO_CALENDAR)
        return calendar

    @property
    def holder(self) -> Holder:
        """Who answers for the step in hand."""
        return required(self.dossier.holder)

    def clock(self, dossier: Dossier | None = None) -> DossierClock:
        """The clock of the dossier as it stands, or as it would."""
        return clocks.clock_of(dossier or self.dossier, self.procedure)

    def reading(self, dossier: Dossier | None = None) -> Reading:
        """The dates of the dossier under the calendar in force."""
        clock = self.clock(dossier)
        return counted(lambda: dossier_clock.read(self.calendar, clock))

    def alarms(self, dossier: Dossier, reading: Reading | None = None) -> facts.Alarms:
        """The alarms of a dossier that would stand so; `reading` is its own, where it is at hand."""
        clock, dates = self.clock(dossier), reading or self.reading(dossier)
        return counted(lambda: clocks.alarms(self.calendar, clock, dates, self.procedure, dossier, self.at))

    def step_due(self, step: Step) -> datetime | None:
        """The own due time of a step, where the procedure shares its term out."""
        if not clocks.shares_out(self.procedure):
            return None
        clock = self.clock()
        return counted(lambda: clocks.step_due(self.calendar, clock, self.procedure, step))

    def place(self, step: Step, asked: Place | None) -> Place:
        """Where a step was done: as the command says, else as the procedure has it."""
        if asked is not None:
            return asked
        for plan in self.procedure.steps:
            if plan.step is step:
                return plan.place
        at_counter = step in (Step.RECEIVE, Step.RETURN)
        return Place.CENTRE if self.procedure.on_site or at_counter else Place.OFFICE


def counted(count: Callable[[], T]) -> T:
    """The result of a count, or the refusal when it needs a year the calendar does not have."""
    try:
        return count()
    except YearNotCoveredError as error:
        raise RuleError(Reason.NO_CALENDAR) from error


def register(draft: Draft, law: Law, command: Command, body: commands.RegisterDossier) -> None:
    """The first fact of a dossier, pinned to the version of the procedure in force."""
    procedure = law.procedures.get(body.procedure)
    if procedure is None:
        raise RuleError(Reason.UNKNOWN_PROCEDURE)
    if body.channel not in procedure.channels:
        raise RuleError(Reason.CHANNEL_NOT_OFFERED)
    if command.agencies is not None and body.agency not in command.agencies:
        raise RuleError(Reason.OTHER_AGENCY)
    draft.begin(
        facts.DossierRegistered(body.applicant),
        command.at,
        status=NationalStatus.REGISTERED,
        agency=body.agency,
        procedure=procedure.code,
        procedure_version=procedure.version,
        channel=Channel(body.channel),
        step=Step.RECEIVE,
        holder=Holder(body.agency),
    )


def accept(desk: Desk, body: commands.AcceptDossier) -> None:
    """The legal code and the due date; the clock runs."""
    dossier, procedure, at = desk.dossier, desk.procedure, desk.at
    if body.dossier_code.rsplit("-", 2)[0] != dossier.agency:
        raise RuleError(Reason.CODE_OF_OTHER_AGENCY)
    term = clocks.term_of(procedure)
    promised = counted(
        lambda: due_of(desk.calendar, at, term.value, term.unit, term.late_cutoff, mode=term.mode)
    )
    due, rules = promised.due.astimezone(UTC), rule_set(local(at).date()).name
    begun = replace(dossier, step=Step.APPRAISE, accepted_at=at, rules=rules, due_original=due)
    body_of = facts.DossierAccepted(
        dossier_code=body.dossier_code,
        received_at=promised.received_at.astimezone(UTC),
        due=due,
        rules=rules,
        place=desk.place(Step.RECEIVE, body.place),
        alarms=desk.alarms(begun),
    )
    holder = Holder(dossier.agency)
    desk.draft.add(body_of, at, NationalStatus.ACCEPTED, due=due, step=Step.APPRAISE, holder=holder)


def refuse(desk: Desk, body: commands.RefuseDossier) -> None:
    """Not taken in."""
    desk.draft.add(facts.DossierRefused(body.reason), desk.at, NationalStatus.NOT_ACCEPTED, **_NO_HOLDER)


def withdraw(desk: Desk) -> None:
    """Taken back by the applicant."""
    desk.draft.add(facts.DossierWithdrawn(), desk.at, NationalStatus.WITHDRAWN, **_NO_HOLDER)


def stop(desk: Desk, body: commands.StopDossier) -> None:
    """Ended without a result."""
    desk.draft.add(facts.DossierStopped(body.reason), desk.at, NationalStatus.STOPPED, **_NO_HOLDER)


def rate(desk: Desk, body: commands.RateDossier) -> None:
    """The applicant's word."""
    desk.draft.add(facts.DossierRated(body.score), desk.at)


def request_supplement(desk: Desk, body: commands.RequestSupplement) -> None:
    """Papers are missing: the clock stands, where the procedure does not let it run on."""
    standing = _paused(desk, PauseCause.SUPPLEMENT)
    reading = desk.reading(standing)
    left = required(reading.remaining_minutes)
    fact = facts.SupplementRequested(body.reason, left, desk.alarms(standing, reading))
    desk.draft.add(fact, desk.at, NationalStatus.WAITING_SUPPLEMENT)


def request_payment(desk: Desk, body: commands.RequestPayment) -> None:
    """A payment is awaited: the clock stands."""
    left = _left(desk, _paused(desk, PauseCause.PAYMENT))
    fact = facts.PaymentRequested(body.amount_vnd, left)
    desk.draft.add(fact, desk.at, NationalStatus.WAITING_PAYMENT)


def suspend(desk: Desk, body: commands.SuspendDossier) -> None:
    """The matter stands, and the clock with it."""
    left = _left(desk, _paused(desk, PauseCause.SUSPENSION))
    desk.draft.add(facts.DossierSuspended(body.reason, left), desk.at, NationalStatus.STOPPED)


def go_on(
    desk: Desk, kind: type[facts.SupplementReceived | facts.PaymentReceived | facts.DossierResumed]
) -> None:
    """What was awaited is there: the clock goes on with what remained."""
    dossier, at = desk.dossier, desk.at
    since = required(dossier.paused_at)
    after = replace(dossier, moves=(*dossier.moves, GoesOn(at)))
    reading = desk.reading(after)
    due = reading.due_current.astimezone(UTC)
    paused = counted(lambda: working_minutes(desk.calendar, since, at))
    fact = kind(due, paused, desk.alarms(after, reading))
    desk.draft.add(fact, at, NationalStatus.IN_PROGRESS, due=due)


def apologise(desk: Desk, body: commands.Apologise) -> None:
    """A new date, once and in time; or, with an override, late or again, and the dossier is late still."""
    dossier, at = desk.dossier, desk.at
    if body.override and desk.command.role not in OVERRIDERS:
        raise RuleError(Reason.ROLE_NOT_ALLOWED)
    clock = desk.clock()
    counted(lambda: desk.calendar.table(body.until.year))  # nobody promises a year nobody has enacted
    try:
        moved = counted(lambda: moves.apologise(desk.calendar, clock, at, body.until, override=body.override))
    except moves.MoveRefusedError as error:
        raise RuleError(_MOVES[error.reason]) from error
    promise = moved.moves[-1]
    if not isinstance(promise, dossier_clock.Apology):
        raise AssertionError("an apology is not the last move of the clock that took it")
    until = promise.until.astimezone(UTC)
    after = replace(dossier, moves=(*dossier.moves, Apologised(at, until, promise.counts)))
    reading = desk.reading(after)
    due = reading.due_current.astimezone(UTC)
    fact = facts.ApologyGiven(body.reason, due, promise.counts, desk.alarms(after, reading))
    desk.draft.add(fact, at, due=due)


def extend(desk: Desk, body: commands.ExtendTerm) -> None:
    """A longer term, decided while it lasts."""
    dossier, procedure = desk.dossier, desk.procedure
    after = replace(dossier, moves=(*dossier.moves, Extended(desk.at, body.value)))
    reading = desk.reading(after)
    due = reading.due_current.astimezone(UTC)
    fact = facts.TermExtended(body.reason, body.value, procedure.term_unit, due, desk.alarms(after, reading))
    desk.draft.add(fact, desk.at, due=due)


def hand_over(desk: Desk, body: commands.HandOver) -> None:
    """The step in hand goes to another agency, another officer, or both."""
    giver, step = desk.holder, required(desk.dossier.step)
    receiver = Holder(body.agency or giver.agency, body.officer)
    if receiver == giver:
        raise RuleError(Reason.SAME_HOLDER)
    if step is Step.STAMP and receiver.agency != giver.agency:  # who approved seals: no other's seal is on it
        raise RuleError(Reason.SEAL_OF_OTHER_AGENCY)
    # Only the officer who is named completes the step: one who may not would leave it to nobody.
    signed = {Step.APPROVE: desk.dossier.appraiser, Step.STAMP: desk.dossier.approver}
    if body.officer is not None and body.officer == signed.get(step):
        raise RuleError(Reason.SAME_PERSON)
    due = desk.step_due(step)
    fact = facts.HandedOver(
        step=step,
        giver=giver,
        receiver=receiver,
        since=required(desk.dossier.since),
        due=due,
        outcome=clocks.step_outcome(desk.procedure, desk.at, due),
    )
    desk.draft.add(fact, desk.at, holder=receiver)


def decline(desk: Desk, body: commands.DeclineDossier) -> None:
    """A refusal to solve, by who could have approved: the result, without a seal."""
    check_approval(desk.law, desk.holder, desk.dossier, desk.command, None, desk.at)
    end = ending(desk)
    desk.draft.add(facts.DossierDeclined(body.reason), desk.at)
    finish(desk, end)


def correct(desk: Desk, body: commands.CorrectResult) -> None:
    """The result is wrong: its stamp is void, and the dossier is to be appraised anew."""
    if desk.dossier.stamp is not None:
        _void(desk, body.reason)
    # Another turn of the steps: what is late in it is told again.
    again = replace(desk.draft.known, step=Step.APPRAISE, late_step=None, escalated_step=None)
    fact = facts.ResultCorrected(body.reason, desk.alarms(again))
    _reopen(desk, fact, Step.APPRAISE, Holder(desk.dossier.agency))


def revoke_stamp(desk: Desk, body: commands.RevokeStamp) -> None:
    """The stamp is void: the result wants another one before it is returned, again perhaps."""
    _void(desk, body.reason)


def ending(desk: Desk) -> facts.ProcessingFinished:
    """How the dossier ends now. Asked before any fact of it is drawn up: the calendar may lack a year."""
    reading = desk.reading()
    judged = dossier_clock.judged(desk.clock(), reading, desk.at)
    return facts.ProcessingFinished(
        outcome=Outcome(judged.by_current),
        due=reading.due_counted.astimezone(UTC),
        by_original=Outcome(judged.by_original),
        by_term=Outcome(judged.by_term),
    )


def finish(desk: Desk, end: facts.ProcessingFinished) -> None:
    """The clock ends; the result waits where the dossier was taken in."""
    holder = Holder(desk.dossier.agency)
    late = end.outcome is Outcome.LATE  # also where an offline counter's hour came in after the alarm
    desk.draft.add(end, desk.at, NationalStatus.FINISHED, step=Step.RETURN, holder=holder, overdue=late)


def _void(desk: Desk, reason: str) -> None:
    stamp = required(desk.dossier.stamp)
    again = replace(desk.dossier, step=Step.STAMP)
    fact = facts.StampRevoked(stamp.seal, stamp.seq, reason, desk.alarms(again))
    _reopen(desk, fact, Step.STAMP, Holder(stamp.agency))


def _reopen(desk: Desk, fact: facts.ResultCorrected | facts.StampRevoked, step: Step, holder: Holder) -> None:
    """In work again, by the due date of the calendar in force: no amendment moved it while it was closed."""
    due = desk.reading().due_current.astimezone(UTC)
    desk.draft.add(fact, desk.at, NationalStatus.IN_PROGRESS, due=due, step=step, holder=holder)


def _paused(desk: Desk, cause: PauseCause) -> Dossier:
    return replace(desk.dossier, moves=(*desk.dossier.moves, Paused(desk.at, cause)))


def _left(desk: Desk, paused: Dossier) -> int:
    return required(desk.reading(paused).remaining_minutes)
