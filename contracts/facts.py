"""What happened: the records of ``dossier.events.v1``. Past tense.

A fact is ``(dossier_id, seq)``, seq gapless from 1; its cause is the place of the command record it
follows from, which lets a reader drop repeats with one number a partition. Every fact carries the
dimensions of its dossier after the fact, so that a reader needs no join.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from contracts.commands import Cause as Cause  # a fact's cause: part of this page's words too
from contracts.commands import Evidence, Instant
from contracts.words import (
    AgencyCode,
    AlarmName,
    Channel,
    CommandId,
    DossierCode,
    DossierId,
    Fingerprint,
    NationalStatus,
    Outcome,
    Place,
    ProcedureCode,
    Pseudonym,
    ReasonCode,
    Score,
    SealCode,
    Sha256,
    Step,
    TermUnit,
    VndToPay,
)


class Holder(Struct, frozen=True, array_like=True):
    """Who answers for the step in hand: an agency, and an officer of it once one is named. One at a time."""

    agency: AgencyCode
    officer: Pseudonym | None = None


class Alarm(Struct, frozen=True, array_like=True):
    """What goes off at `at` unless something comes before it."""

    name: AlarmName
    at: Instant


Alarms = tuple[Alarm, ...]
"""Those that stand from a fact on, all of them, in order of their times."""


class DossierRegistered(Struct, frozen=True, tag="DossierRegistered"):
    """It was handed in."""

    applicant: Pseudonym | None = None


class DossierAccepted(Struct, frozen=True, tag="DossierAccepted"):
    """It was taken in at `place`; the clock runs. `received_at` is the receipt as the law counts it."""

    dossier_code: DossierCode
    received_at: Instant
    due: Instant
    rules: str
    place: Place = Place.CENTRE
    alarms: Alarms = ()


class StepCompleted(Struct, frozen=True, tag="StepCompleted"):
    """One of the five steps is done, by the fact's actor, for the agency that held it since `since`.

    `due` is the step's own due time and `outcome` how it stands to it, where the procedure shares its term
    out. `evidence` is that of an approval signed electronically. `alarms` are those of the next step where
    it has a time of its own; else those that stood stand.
    """

    step: Step
    place: Place = Place.OFFICE
    holder: Holder | None = None
    since: Instant | None = None
    due: Instant | None = None
    outcome: Outcome | None = None
    evidence: Evidence | None = None
    alarms: Alarms | None = None


class HandedOver(Struct, frozen=True, tag="HandedOver"):
    """The step in hand went from one holder, who had it `since`, to another: an entry of the control slip."""

    step: Step
    giver: Holder
    receiver: Holder
    since: Instant
    due: Instant | None = None
    outcome: Outcome | None = None


class StampApplied(Struct, frozen=True, tag="StampApplied"):
    """The result bears the seal. Its number in the seal's register is drawn by the seal's own aggregate."""

    seal: SealCode
    evidence: Evidence | None = None
    document: Sha256 | None = None


class StampRevoked(Struct, frozen=True, tag="StampRevoked"):
    """The stamp that was fact number `stamp` is void; the result wants another one."""

    seal: SealCode
    stamp: Annotated[int, Meta(ge=1)]
    reason: ReasonCode
    alarms: Alarms = ()


class SupplementRequested(Struct, frozen=True, tag="SupplementRequested"):
    """The clock pauses with this much working time left (negative when already overdue).

    Where the procedure lets it run on, the `alarms` stand.
    """

    reason: ReasonCode
    remaining_minutes: int
    alarms: Alarms = ()


class SupplementReceived(Struct, frozen=True, tag="SupplementReceived"):
    """The clock goes on; `due` is the new due date."""

    due: Instant
    paused_minutes: int
    alarms: Alarms = ()


class PaymentRequested(Struct, frozen=True, tag="PaymentRequested"):
    """The applicant is to pay; the clock pauses with this much working time left."""

    amount_vnd: VndToPay
    remaining_minutes: int


class PaymentReceived(Struct, frozen=True, tag="PaymentReceived"):
    """It was paid; `due` is the new due date."""

    due: Instant
    paused_minutes: int
    alarms: Alarms = ()


class DossierSuspended(Struct, frozen=True, tag="DossierSuspended"):
    """The matter stands; the clock pauses with this much working time left."""

    reason: ReasonCode
    remaining_minutes: int


class DossierResumed(Struct, frozen=True, tag="DossierResumed"):
    """The matter goes on; `due` is the new due date."""

    due: Instant
    paused_minutes: int
    alarms: Alarms = ()


class DossierStopped(Struct, frozen=True, tag="DossierStopped"):
    """It ended without a result."""

    reason: ReasonCode


class DossierDeclined(Struct, frozen=True, tag="DossierDeclined"):
    """The agency refuses to solve it; the refusal in writing is the result."""

    reason: ReasonCode


class ApologyGiven(Struct, frozen=True, tag="ApologyGiven"):
    """The agency apologised and promised `due`. It `counts`, for judging, if it is the first and in time."""

    reason: ReasonCode
    due: Instant
    counts: bool
    alarms: Alarms = ()


class TermExtended(Struct, frozen=True, tag="TermExtended"):
    """The term is longer by `value` of its unit; `due` is the new due date."""

    reason: ReasonCode
    value: Annotated[int, Meta(ge=1)]
    unit: TermUnit
    due: Instant
    alarms: Alarms = ()


class ResultCorrected(Struct, frozen=True, tag="ResultCorrected"):
    """The result was found wrong; the dossier is in hand again, to be appraised anew."""

    reason: ReasonCode
    alarms: Alarms = ()


class DossierRefused(Struct, frozen=True, tag="DossierRefused"):
    """It was not taken in."""

    reason: ReasonCode


class DossierWithdrawn(Struct, frozen=True, tag="DossierWithdrawn"):
    """The applicant took it back."""


class ProcessingFinished(Struct, frozen=True, tag="ProcessingFinished"):
    """The result is under seal, or refused in writing; the legal clock ends.

    `outcome` is judged by `due`, the due date with the apology that counts; `by_original` by the date that
    was promised on the receipt, `by_term` by the term with its pauses, apologies aside.
    """

    outcome: Outcome
    due: Instant
    by_original: Outcome | None = None
    by_term: Outcome | None = None


class ResultReturned(Struct, frozen=True, tag="ResultReturned"):
    """The applicant has the result."""


class DossierRated(Struct, frozen=True, tag="DossierRated"):
    """The applicant's rating at the counter."""

    score: Score


class DueDatePassed(Struct, frozen=True, tag="DueDatePassed"):
    """The due date went by with the dossier unfinished."""

    due: Instant


class DueDateNear(Struct, frozen=True, tag="DueDateNear"):
    """So many working days are left before the due date, and the dossier is unfinished."""

    working_days: Annotated[int, Meta(ge=1)]
    due: Instant


class ApologyDeadlinePassed(Struct, frozen=True, tag="ApologyDeadlinePassed"):
    """No apology was given while one could come in time."""

    due: Instant


class StepDuePassed(Struct, frozen=True, tag="StepDuePassed"):
    """The time of the step in hand is up; its holder is named among the dimensions."""

    step: Step
    due: Instant


class Escalated(Struct, frozen=True, tag="Escalated"):
    """The head of the holder's agency has to know: the step in hand is a working day beyond its time."""

    step: Step
    due: Instant


class DueDateAmended(Struct, frozen=True, tag="DueDateAmended"):
    """The calendar was amended: `due` is the due date by it, `law_version` the law it rests on.

    `remaining_minutes` is what is left by it of a dossier whose clock stands.
    """

    due: Instant
    law_version: Annotated[int, Meta(ge=1)]
    remaining_minutes: int | None = None
    alarms: Alarms = ()


class CommandRefused(Struct, frozen=True, tag="CommandRefused"):
    """A command to a known dossier was refused; nothing changed but this record of it."""

    command: str
    reason: ReasonCode
    rule: str
    legal_ground: str


FactBody = (
    DossierRegistered
    | DossierAccepted
    | StepCompleted
    | SupplementRequested
    | SupplementReceived
    | DossierRefused
    | DossierWithdrawn
    | ProcessingFinished
    | ResultReturned
    | DossierRated
    | DueDatePassed
    | DueDateAmended
    | CommandRefused
    | HandedOver
    | StampApplied
    | StampRevoked
    | PaymentRequested
    | PaymentReceived
    | DossierSuspended
    | DossierResumed
    | DossierStopped
    | DossierDeclined
    | ApologyGiven
    | TermExtended
    | ResultCorrected
    | DueDateNear
    | ApologyDeadlinePassed
    | StepDuePassed
    | Escalated
)


class Fact(Struct, frozen=True, kw_only=True, tag_field="record", tag="fact"):
    """One fact with the dossier's dimensions after it.

    `at` is the fact's own time (UTC on the wire). `status`, `overdue` and `due` are the dossier's after
    the fact; so are `step`, the one in hand, and `holder`, who answers for it (None for both where nobody
    has anything to do). `command_id` and `fingerprint` name the command behind it; None for a deadline.
    """

    dossier_id: DossierId
    seq: Annotated[int, Meta(ge=1)]
    cause: Cause
    at: Instant
    agency: AgencyCode
    procedure: ProcedureCode
    procedure_version: Annotated[int, Meta(ge=1)]
    channel: Channel
    status: NationalStatus
    body: FactBody
    overdue: bool = False
    due: Instant | None = None
    step: Step | None = None
    holder: Holder | None = None
    actor: Pseudonym | None = None
    command_id: CommandId | None = None
    fingerprint: Fingerprint | None = None


class ClockMoved(Struct, frozen=True, kw_only=True, tag_field="record", tag="clock"):
    """Under the log clock: the partition's time is `to`, and every deadline before it has fired.

    Every fact of a command that stands before the time record in the partition precedes this one, so a
    reader that has seen `to` in all partitions knows all that had happened by then. Only the number of a
    stamp may come later: it is drawn in the partition of its seal, and no figure rests on it.
    """

    cause: Cause
    to: Instant


class NumberDrawn(Struct, frozen=True, kw_only=True, tag_field="record", tag="number"):
    """The register of a seal gave a stamp its number: from 1 each year, gapless, never twice.

    `seal_id` is the key, `seq` counts what the register has drawn, `year` is that of the stamp's local day.
    `stamp` is the number of the fact ``StampApplied`` in its dossier.
    """

    seal_id: DossierId
    seq: Annotated[int, Meta(ge=1)]
    cause: Cause
    at: Instant
    seal: SealCode
    agency: AgencyCode
    year: int
    number: Annotated[int, Meta(ge=1)]
    dossier_id: DossierId
    stamp: Annotated[int, Meta(ge=1)]


FactRecord = Fact | NumberDrawn | ClockMoved
