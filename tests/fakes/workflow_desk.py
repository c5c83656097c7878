"""A dossier that takes commands one after another, and signatures as their verification finds them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from contracts import commands, facts
from contracts.commands import Command, CommandBody, Evidence, LawChanged
from contracts.facts import Cause
from contracts.law import CalendarAmended, CalendarDay, CertificateRegistered, DayKind, LawChange, StepPlan
from contracts.outcomes import ActionName, CommandOutcome, Result
from contracts.words import (
    CertificateKind,
    Channel,
    RevocationSource,
    Role,
    SignatureForm,
    Step,
)
from services.workflow.domain.decide import Decision, decide, fire
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.law import Law
from services.workflow.domain.redate import redate
from tests.fakes.workflow import AGENCY, PROCEDURE, START, command, law_record, procedure

LAW: Final = Law().amended(law_record())
CODE: Final = f"{AGENCY}-250303-0001"
PAPER: Final = "a" * 64
"""What an approver signs, by its hash; the signed file is :data:`SIGNED`, the sealed one :data:`SEALED`."""
SIGNED: Final = "b" * 64
SEALED: Final = "c" * 64
PERSONAL: Final = "d" * 64
ORGANISATION: Final = "e" * 64
"""The certificates of the approver and of the agency."""


def local(text: str) -> datetime:
    """An instant written in the time of the law."""
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)


def reason(outcome: CommandOutcome) -> str | None:
    """Why it was refused, None when it was not; a refusal says its rule and its ground."""
    assert (outcome.refusal is None) == (outcome.result is Result.ACCEPTED)
    if outcome.refusal is None:
        return None
    assert outcome.refusal.rule
    assert outcome.refusal.legal_ground
    return outcome.refusal.reason


def enact(law: Law, *changes: LawChange) -> Law:
    """The law after one more record."""
    return law.amended(LawChanged(version=law.version + 1, changes=changes))


def law_with(**changes: Any) -> Law:
    """The law with the usual procedure in another version."""
    return enact(LAW, replace(procedure(), version=2, **changes))


def shared(*shares: int) -> tuple[StepPlan, ...]:
    """The five steps with these shares of the term."""
    return tuple(
        StepPlan(step=step, role=Role.OFFICER, share=share) for step, share in zip(Step, shares, strict=True)
    )


def off(*days: str) -> CalendarAmended:
    """Days that become days off."""
    return of_days(DayKind.OFF, *days)


def of_days(kind: DayKind, *days: str) -> CalendarAmended:
    """Days that become days of this kind."""
    rows = [CalendarDay(date=date.fromisoformat(day), kind=kind, name_vi="Ngày", source="t") for day in days]
    return CalendarAmended(years=(), days=tuple(rows), source="t")


DAY: Final = 450
"""Minutes of work."""
SUPPLEMENT, GOT = commands.RequestSupplement("missing_document"), commands.ReceiveSupplement()
PAYMENT, PAID = commands.RequestPayment(50_000), commands.ReceivePayment()
SUSPENDED, RESUMED = commands.SuspendDossier("court_case"), commands.ResumeDossier()
PAUSES: list[tuple[commands.CommandBody, commands.CommandBody]] = [
    (SUPPLEMENT, GOT),
    (PAYMENT, PAID),
    (SUSPENDED, RESUMED),
]
"""What stops the clock, and what lets it go on."""
GOLDEN: Final = [
    ("warn2", local("2025-03-04T07:30")),
    ("warn1", local("2025-03-05T07:30")),
    ("apology", local("2025-03-05T17:00")),
    ("due", local("2025-03-06T17:00")),
    ("escalation", local("2025-03-07T17:00")),
]
"""The alarms of three working days from Monday 3 March 2025, 08:00."""


def names(gone: list[facts.Fact]) -> list[str]:
    """The kinds of facts, in order."""
    return [type(fact.body).__name__ for fact in gone]


def certificate(
    fingerprint: str = ORGANISATION,
    kind: CertificateKind = CertificateKind.ORGANISATION,
    agency: str = AGENCY,
    holder: str | None = None,
    revoked_at: datetime | None = None,
) -> CertificateRegistered:
    """A certificate good for 2024 and 2025."""
    return CertificateRegistered(
        fingerprint=fingerprint,
        kind=kind,
        agency=agency,
        valid_from=local("2024-01-01T00:00"),
        valid_to=local("2025-12-31T23:59"),
        holder=holder,
        revoked_at=revoked_at,
    )


def signature(
    at: datetime, *, covers: str = PAPER, document: str = SIGNED, by: str = PERSONAL, stamped: bool = True
) -> Evidence:
    """A signature put at `at`, time-stamped then; the approver's unless it says otherwise."""
    return Evidence(
        form=SignatureForm.PADES,
        document=document,
        covers=covers,
        certificate=by,
        issuer="CN=Test",
        signed_at=at,
        not_before=local("2024-01-01T00:00"),
        not_after=local("2025-12-31T23:59"),
        revocation=RevocationSource.OCSP,
        revocation_at=at,
        stamped_at=at if stamped else None,
    )


def sealing(at: datetime, *, covers: str = SIGNED, by: str = ORGANISATION, stamped: bool = True) -> Evidence:
    """The agency's signature over what the approver signed."""
    return signature(at, covers=covers, document=SEALED, by=by, stamped=stamped)


class Desk:
    """A dossier that takes commands one after another, an hour apart unless told otherwise."""

    def __init__(self, law: Law = LAW, procedure: str = PROCEDURE, agency: str = AGENCY) -> None:
        self.law, self.procedure, self.agency = law, procedure, agency
        self.dossier: Dossier | None = None
        self.offset = 0
        self.now = START
        self.facts: list[facts.Fact] = []

    def give(
        self,
        body: CommandBody,
        *,
        at: datetime | None = None,
        key: str | None = None,
        by: str | None = None,
        role: Role = Role.ADMIN,
        agencies: tuple[str, ...] | None = None,
    ) -> CommandOutcome:
        """A command, and what became of it."""
        self.now = at or self.now + timedelta(hours=1)
        key = key or f"k{self.offset}"
        record = command(body, key=key, at=self.now, actor=by, role=role, agencies=agencies)
        return self.send(record).outcome

    def anonymous(self, body: CommandBody) -> CommandOutcome:
        """A command that does not say who gives it."""
        self.now += timedelta(hours=1)
        record = command(body, key=f"k{self.offset}", at=self.now)
        return self.send(replace(record, actor=None)).outcome

    def do(self, *bodies: CommandBody, at: datetime | None = None) -> Desk:
        """Commands that are accepted."""
        for body in bodies:
            outcome = self.give(body, at=at)
            assert outcome.result is Result.ACCEPTED, (body, outcome.refusal)
        return self

    def send(self, record: Command) -> Decision:
        """A command as it stands in the log."""
        decision = decide(self.dossier, self.law, record, Cause(3, self.offset, 0))
        self.offset += 1
        self.dossier = decision.dossier
        self.facts.extend(decision.facts)
        return decision

    def up_to(self, last: Step, at: datetime | None = None) -> Desk:
        """The ordinary steps up to that one; registered and accepted at once, at `at`."""
        when = at or START
        self.do(commands.RegisterDossier(self.procedure, self.agency, Channel.COUNTER), at=when)
        self.do(commands.AcceptDossier(f"{self.agency}-250303-0001"), at=when)
        for step in list(Step)[1 : list(Step).index(last) + 1]:
            self.do(commands.CompleteStep(step))
        return self

    def wait(self, until: datetime) -> list[facts.Fact]:
        """Time passes and nobody does anything: every alarm before `until` goes off, in order."""
        gone: list[facts.Fact] = []
        while self.known.timers:
            timer = min(self.known.timers, key=lambda timer: timer.at)
            fired = fire(self.known, timer.name, timer.version, until, Cause(3, self.offset, 0))
            if fired is None:
                break
            self.offset += 1
            gone.append(fired[0])
            self.dossier = fired[1]
        self.facts.extend(gone)
        self.now = max(self.now, until)
        return gone

    def amend(self, *changes: LawChange, at: datetime | None = None) -> facts.Fact | None:
        """The law changes; the dossier is dated again, with the fact it gets, if any."""
        self.law = enact(self.law, *changes)
        fact_and_state = redate(self.known, self.law, at or self.now, Cause(3, self.offset, 0))
        self.offset += 1
        if fact_and_state is None:
            return None
        fact, self.dossier = fact_and_state
        self.facts.append(fact)
        return fact

    @property
    def known(self) -> Dossier:
        """The dossier, which was registered."""
        assert self.dossier is not None
        return self.dossier

    @property
    def last(self) -> facts.FactBody:
        """The last fact."""
        return self.facts[-1].body

    @property
    def alarms(self) -> list[tuple[str, datetime]]:
        """The alarms that stand."""
        return [(timer.name, timer.at) for timer in self.known.timers]


def finish(desk: Desk, at: datetime) -> facts.ProcessingFinished:
    """All steps up to the stamp, at `at`."""
    while desk.known.step is not Step.RETURN:
        step = desk.known.step
        assert step is not None
        desk.do(commands.CompleteStep(step), at=at)
    assert isinstance(desk.last, facts.ProcessingFinished)
    return desk.last


STEP_OF: Final = {
    ActionName.APPRAISE: Step.APPRAISE,
    ActionName.APPROVE: Step.APPROVE,
    ActionName.STAMP: Step.STAMP,
    ActionName.RETURN: Step.RETURN,
}


def body_of(action: ActionName, now: datetime) -> CommandBody:
    """A well-formed body of the action, as somebody on paper would ask it at `now`."""
    if action in STEP_OF:
        return commands.CompleteStep(STEP_OF[action])
    plain: dict[ActionName, CommandBody] = {
        ActionName.REGISTER: commands.RegisterDossier(PROCEDURE, AGENCY, Channel.ONLINE),
        ActionName.ACCEPT: commands.AcceptDossier(CODE),
        ActionName.REFUSE: commands.RefuseDossier("not_competent"),
        ActionName.REQUEST_SUPPLEMENT: commands.RequestSupplement("missing_document"),
        ActionName.RECEIVE_SUPPLEMENT: commands.ReceiveSupplement(),
        ActionName.REQUEST_PAYMENT: commands.RequestPayment(50_000),
        ActionName.RECEIVE_PAYMENT: commands.ReceivePayment(),
        ActionName.SUSPEND: commands.SuspendDossier("court_case"),
        ActionName.RESUME: commands.ResumeDossier(),
        ActionName.STOP: commands.StopDossier("applicant_died"),
        ActionName.DECLINE: commands.DeclineDossier("conditions_not_met"),
        ActionName.WITHDRAW: commands.WithdrawDossier(),
        ActionName.HAND_OVER: commands.HandOver(officer="9" * 32),
        ActionName.APOLOGISE: commands.Apologise("staff_shortage", now + timedelta(days=60)),
        ActionName.EXTEND: commands.ExtendTerm("complex_case", 2),
        ActionName.CORRECT: commands.CorrectResult("wrong_name"),
        ActionName.REVOKE_STAMP: commands.RevokeStamp("wrong_seal"),
        ActionName.RATE: commands.RateDossier(4),
    }
    return plain[action]
