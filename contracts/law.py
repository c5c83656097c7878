"""The law as records: procedures, agencies, the calendar, seals, certificates, the engine's version.

They stand in ``law.v1`` in their one order; intake forwards each to every partition of the commands
topic. A later record about the same thing (procedure code, agency code, date) replaces the earlier one
for dossiers registered from then on, or, for the calendar, for what is still open.
"""

from __future__ import annotations

from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from contracts.words import (
    AgencyCode,
    CertificateKind,
    Channel,
    DueMode,
    OnlineLevel,
    OnSupplement,
    Place,
    ProcedureCode,
    Pseudonym,
    ReasonCode,
    Role,
    SealCode,
    SealKind,
    Sha256,
    Step,
    TermUnit,
    Vnd,
)

Instant = Annotated[datetime, Meta(tz=True)]
ShortText = Annotated[str, Meta(min_length=1, max_length=500)]


class StepPlan(Struct, frozen=True, kw_only=True):
    """One step of a procedure: who does it, its share of the term in hundredths, and where it is done."""

    step: Step
    role: Role
    share: Annotated[int, Meta(ge=0, le=100)] = 0
    place: Place = Place.OFFICE


class Fee(Struct, frozen=True, kw_only=True):
    """A fee (lệ phí) or charge (phí); `channel` when it is that of one channel only."""

    name_vi: ShortText
    amount_vnd: Vnd
    channel: Channel | None = None


class Form(Struct, frozen=True, kw_only=True):
    """A paper of the dossier or a form to fill in."""

    code: ReasonCode
    name_vi: ShortText
    required: bool = True


class ProcedurePublished(Struct, frozen=True, kw_only=True, tag="ProcedurePublished"):
    """One version of a procedure (thủ tục hành chính). A dossier keeps its version.

    The clock runs by the committed term (`term_*`); `statutory_*` is what the law would allow, where the
    province promises less. `steps` is empty or names all five in their order, with shares that sum up to
    100 or are all 0. `on_site` says that it is registered for five steps at the centre. `announced_on` is
    the day of the decision, `posted_on` the day it was made public.
    """

    code: ProcedureCode
    version: Annotated[int, Meta(ge=1)]
    name_vi: ShortText
    field_vi: ShortText
    level: str
    term_value: Annotated[int, Meta(ge=0, le=3650)]
    term_unit: TermUnit
    channels: tuple[Channel, ...]
    late_cutoff: time | None = None
    fee_vnd: Annotated[int, Meta(ge=0)] | None = None
    source: str = ""
    due_mode: DueMode = DueMode.END_OF_DAY
    on_supplement: OnSupplement | None = None
    statutory_value: Annotated[int, Meta(ge=0, le=3650)] | None = None
    statutory_unit: TermUnit | None = None
    steps: Annotated[tuple[StepPlan, ...], Meta(max_length=5)] = ()
    on_site: bool = False
    online: OnlineLevel = OnlineLevel.NONE
    announced_on: date | None = None
    posted_on: date | None = None
    fees: Annotated[tuple[Fee, ...], Meta(max_length=50)] = ()
    forms: Annotated[tuple[Form, ...], Meta(max_length=100)] = ()


class AgencyPublished(Struct, frozen=True, kw_only=True, tag="AgencyPublished"):
    """An agency, open between two days inclusive; no `valid_to` means still open."""

    code: AgencyCode
    name_vi: ShortText
    valid_from: date | None = None
    valid_to: date | None = None
    successor: AgencyCode | None = None
    source: str = ""


class SealRegistered(Struct, frozen=True, kw_only=True, tag="SealRegistered"):
    """A seal in the register (sổ dấu) of an agency, valid between two days inclusive.

    A second seal is the one its agency keeps at the centre. `electronic` is a seal that is a digital
    signature: a stamp with it needs a verified one, by its `certificate` where one is named. `keeper` is who
    alone may use it; without one, whoever keeps seals for the agency. A later entry of the same code replaces
    the earlier one, for stamps from then on; one that makes it another seal is void, for its register of
    numbers would go with it.
    """

    code: SealCode
    agency: AgencyCode
    kind: SealKind
    electronic: bool = False
    certificate: Sha256 | None = None
    keeper: Pseudonym | None = None
    valid_from: date
    valid_to: date | None = None
    source: str = ""

    def is_seal(self, other: SealRegistered) -> bool:
        """Whether both entries are about one and the same seal, whoever keeps it and however long."""
        mine = (self.code, self.agency, self.kind, self.electronic)
        return mine == (other.code, other.agency, other.kind, other.electronic)


class CertificateRegistered(Struct, frozen=True, kw_only=True, tag="CertificateRegistered"):
    """A certificate in the inventory; never a key. `fingerprint` is that of its DER form.

    An organisation's certificate seals for its agency; a person's signs for `holder`. A later entry of the
    same fingerprint replaces the earlier one, as when it is revoked.
    """

    fingerprint: Sha256
    kind: CertificateKind
    agency: AgencyCode
    valid_from: Instant
    valid_to: Instant
    holder: Pseudonym | None = None
    revoked_at: Instant | None = None
    issuer: str = ""
    source: str = ""


class DayKind(StrEnum):
    """A day that differs from its weekday: off, or worked (làm bù)."""

    OFF = "off"
    WORK = "work"


class Session(Struct, frozen=True, array_like=True):
    """A working session of a day, local time, start inclusive, end exclusive."""

    start: time
    end: time


DaySessions = tuple[Session, ...]
WeekSessions = Annotated[tuple[DaySessions, ...], Meta(min_length=7, max_length=7)]


class CalendarDay(Struct, frozen=True, kw_only=True):
    """One exceptional day and the decision it rests on.

    `sessions`: those of a worked day that are not a Monday's (a half day). `counter`: the hours the counter
    takes dossiers that day; on a day off it is closed unless they are named.
    """

    date: date
    kind: DayKind
    name_vi: str
    source: str
    sessions: DaySessions | None = None
    counter: DaySessions | None = None


class CalendarAmended(Struct, frozen=True, kw_only=True, tag="CalendarAmended"):
    """Exceptional days replaced by date, years declared complete, and, when given, the week's sessions.

    `sessions` lists the sessions of each weekday, Monday first; an empty list is a weekly day off, worked
    days take Monday's sessions. `counter` does the same for the hours the counter takes dossiers, where they
    are not the sessions; it makes no day a working day. Both hold from `valid_from` to `valid_to`, both
    included, open where there is none; what is enacted later goes first. With `province` ("H52") all of it
    is for that province alone and goes before what holds for the country. A year is usable only once it
    stands in `years`.
    """

    years: tuple[Annotated[int, Meta(ge=1990, le=2100)], ...]
    days: tuple[CalendarDay, ...]
    source: str
    sessions: WeekSessions | None = None
    counter: WeekSessions | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    province: Annotated[str, Meta(pattern="^[A-Z][0-9]{2}$")] | None = None


class EngineVersion(Struct, frozen=True, kw_only=True, tag="EngineVersion"):
    """From here on the partition is decided by this version of `decide`."""

    version: Annotated[int, Meta(ge=1)]


LawChange = (
    ProcedurePublished
    | AgencyPublished
    | CalendarAmended
    | EngineVersion
    | SealRegistered
    | CertificateRegistered
)


class LawEnacted(Struct, frozen=True, kw_only=True, tag_field="entry", tag="enacted"):
    """A change entering ``law.v1``; its version is its place among the enacted entries, from 1."""

    author: str
    changes: Annotated[tuple[LawChange, ...], Meta(min_length=1, max_length=200)]


class LawForwarded(Struct, frozen=True, kw_only=True, tag_field="entry", tag="forwarded"):
    """Every version up to and including `through` stands, acked, in every partition of the commands."""

    through: Annotated[int, Meta(ge=1)]


LawEntry = LawEnacted | LawForwarded
