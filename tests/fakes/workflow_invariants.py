"""What must hold of every life of a dossier, asked of its facts alone; its clock, built anew from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from contracts import commands, facts
from contracts.commands import CommandBody
from contracts.law import ProcedurePublished
from contracts.words import AlarmName, NationalStatus, Outcome, Step
from legalclock import dossier_clock
from legalclock.dossier_clock import Apology, DossierClock, Extension, GoesOn, PauseCause, Paused
from services.workflow.domain.clock import term_of
from services.workflow.domain.rules import Reason

PAUSES: Final[dict[type, tuple[type, PauseCause]]] = {
    facts.SupplementRequested: (facts.SupplementReceived, PauseCause.SUPPLEMENT),
    facts.PaymentRequested: (facts.PaymentReceived, PauseCause.PAYMENT),
    facts.DossierSuspended: (facts.DossierResumed, PauseCause.SUSPENSION),
}
"""Each pause, and the one fact it ends with unless the dossier ends."""

GO_ON: Final = (facts.SupplementReceived, facts.PaymentReceived, facts.DossierResumed)
ENDS: Final = (facts.DossierRefused, facts.DossierWithdrawn, facts.DossierStopped)
AFTER_RETURN: Final = (facts.CommandRefused, facts.DossierRated, facts.ResultCorrected, facts.StampRevoked)


_ALARMS: dict[type, AlarmName] = {facts.StepDuePassed: AlarmName.STEP, facts.Escalated: AlarmName.ESCALATION}


@dataclass
class Life:
    """A walk over the facts of one dossier; each step asserts what must hold there."""

    asked: Mapping[str, CommandBody]
    """What the accepted commands asked, by their ids."""
    at: datetime | None = None
    seq: int = 0
    ended: bool = False
    returned: bool = False
    paused: type | None = None
    appraiser: str | None = None
    approver: str | None = None
    approved: bool = False
    document: str | None = None
    stamp: int | None = None
    declined: bool = False
    apologies: int = 0
    counted: int = 0
    overdue: bool = False
    told: set[tuple[type, Step]] = field(default_factory=set)

    def walk(self, life: Sequence[facts.Fact]) -> Life:
        for fact in life:
            self._order(fact)
            self._terminal(fact)
            self._pauses(fact)
            self._signatures(fact)
            self._apologies(fact)
            self._alarms(fact)
            self._holder(fact)
        return self

    def _order(self, fact: facts.Fact) -> None:
        assert fact.seq == self.seq + 1
        assert self.at is None or fact.at >= self.at
        self.seq, self.at = fact.seq, fact.at
        if isinstance(fact.body, facts.CommandRefused):
            assert fact.body.reason in set(Reason)
            assert fact.body.rule
            assert fact.body.legal_ground

    def _terminal(self, fact: facts.Fact) -> None:
        if self.ended:
            assert isinstance(fact.body, facts.CommandRefused)
        if self.returned:
            assert isinstance(fact.body, AFTER_RETURN)
        if isinstance(fact.body, ENDS):
            self.ended = True
        if isinstance(fact.body, facts.ResultReturned):
            self.returned = True
        if isinstance(fact.body, facts.ResultCorrected | facts.StampRevoked):
            self.returned = False

    def _pauses(self, fact: facts.Fact) -> None:
        kind = type(fact.body)
        if kind in PAUSES:
            assert self.paused is None
            self.paused = kind
        elif isinstance(fact.body, GO_ON):
            assert self.paused is not None
            assert kind is PAUSES[self.paused][0]
            self.paused = None
        elif isinstance(fact.body, ENDS):
            self.paused = None
        waiting = {NationalStatus.WAITING_SUPPLEMENT, NationalStatus.WAITING_PAYMENT, NationalStatus.STOPPED}
        assert (self.paused is not None) == (fact.status in waiting and not self.ended)

    def _signatures(self, fact: facts.Fact) -> None:
        match fact.body:
            case facts.StepCompleted(step=Step.APPRAISE):
                assert fact.actor
                self.appraiser, self.approved = fact.actor, False
            case facts.StepCompleted(step=Step.APPROVE, evidence=evidence):
                assert fact.actor
                assert self.appraiser not in (None, fact.actor)
                self.approver, self.approved = fact.actor, True
                self.document = evidence.document if evidence else None
            case facts.StampApplied(evidence=evidence):
                assert evidence is None or evidence.covers == self.document
                assert self.approved
                assert fact.actor
                assert fact.actor != self.approver
                assert self.stamp is None
                self.stamp = fact.seq
            case facts.StampRevoked(stamp=stamp):
                assert stamp == self.stamp
                self.stamp = None
            case facts.ResultCorrected():
                assert self.stamp is None
                self.appraiser = self.approver = None
                self.approved = self.declined = False
                self.document = None
            case facts.DossierDeclined():
                assert self.appraiser not in (None, fact.actor)
                assert not self.approved
                self.declined = True
            case facts.ProcessingFinished() | facts.ResultReturned():
                assert self.stamp is not None or self.declined
            case _:
                pass

    def _apologies(self, fact: facts.Fact) -> None:
        if isinstance(fact.body, facts.ApologyGiven):
            body = self.asked[fact.command_id or ""]
            assert isinstance(body, commands.Apologise)
            assert body.override or (self.apologies == 0 and fact.body.counts)
            self.apologies += 1
            self.counted += fact.body.counts
            assert self.counted <= 1

    def _alarms(self, fact: facts.Fact) -> None:
        if isinstance(fact.body, facts.DueDatePassed):
            assert not self.overdue
            assert fact.overdue
        elif isinstance(fact.body, facts.ProcessingFinished):
            assert fact.overdue == (fact.body.outcome is Outcome.LATE)
        elif not isinstance(fact.body, facts.DueDateAmended):
            assert fact.overdue == self.overdue
        self.overdue = fact.overdue
        if isinstance(fact.body, facts.StepDuePassed | facts.Escalated):
            assert fact.body.step is fact.step
            assert (type(fact.body), fact.body.step) not in self.told
            self.told.add((type(fact.body), fact.body.step))
        if isinstance(fact.body, facts.ResultCorrected):
            self.told.clear()
        ahead = {alarm.name for alarm in getattr(fact.body, "alarms", None) or () if alarm.at > fact.at}
        # What moved so far that its moment lies ahead again, for a calendar or a longer term, is told again.
        self.told = {one for one in self.told if _ALARMS[one[0]] not in ahead}

    def _holder(self, fact: facts.Fact) -> None:
        nobody = self.ended or fact.status is NationalStatus.RETURNED
        assert (fact.step is None) == (fact.holder is None) == nobody
        if fact.status is NationalStatus.FINISHED:
            assert fact.holder == facts.Holder(fact.agency)
            assert fact.step is Step.RETURN


def clock_from(life: Sequence[facts.Fact], procedure: ProcedurePublished) -> DossierClock | None:
    """The dossier's clock as a reader of its facts would build it; None before it was accepted."""
    clock: DossierClock | None = None
    moves: list[dossier_clock.Move] = []
    for fact in life:
        match fact.body:
            case facts.DossierAccepted(due=due, rules=rules):
                clock = DossierClock(fact.at, term_of(procedure), rules, due)
            case facts.SupplementRequested() | facts.PaymentRequested() | facts.DossierSuspended():
                moves.append(Paused(fact.at, PAUSES[type(fact.body)][1]))
            case facts.SupplementReceived() | facts.PaymentReceived() | facts.DossierResumed():
                moves.append(GoesOn(fact.at))
            case facts.ApologyGiven(due=due, counts=counts):
                moves.append(Apology(fact.at, due, counts))
            case facts.TermExtended(value=value):
                moves.append(Extension(fact.at, value))
            case _:
                pass
    if clock is None:
        return None
    return replace(clock, moves=tuple(moves))


_ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_SESSIONS: Final = ((time(7, 30), time(11, 30)), (time(13, 30), time(17, 0)))


def minutes_run(life: Sequence[facts.Fact], until: datetime, off: set[date]) -> int:
    """How many working minutes the clock ran from acceptance to `until`, counted one by one."""
    spans: list[tuple[datetime, bool]] = []
    for fact in life:
        if isinstance(fact.body, facts.DossierAccepted):
            spans.append((fact.at, True))
        elif type(fact.body) in PAUSES:
            spans.append((fact.at, False))
        elif isinstance(fact.body, GO_ON):
            spans.append((fact.at, True))
    minute, runs, ran = spans[0][0].astimezone(_ZONE), True, 0
    changes = spans[1:]
    while minute < until:
        while changes and changes[0][0] <= minute:
            runs = changes.pop(0)[1]
        worked = minute.weekday() < 5 and minute.date() not in off
        ran += runs and worked and any(start <= minute.time() < end for start, end in _SESSIONS)
        minute += timedelta(minutes=1)
    return ran
