"""The law as records: procedures, agencies, the calendar, the engine's version.

They stand in ``law.v1`` in their one order; intake forwards each to every partition of the commands
topic. A later record about the same thing (procedure code, agency code, date) replaces the earlier one
for dossiers registered from then on, or, for the calendar, for what is still open.
"""

from __future__ import annotations

from datetime import date, time
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from contracts.words import AgencyCode, Channel, ProcedureCode, TermUnit

ShortText = Annotated[str, Meta(min_length=1, max_length=500)]


class ProcedurePublished(Struct, frozen=True, kw_only=True, tag="ProcedurePublished"):
    """One version of a procedure (thủ tục hành chính). A dossier keeps its version."""

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


class AgencyPublished(Struct, frozen=True, kw_only=True, tag="AgencyPublished"):
    """An agency, open between two days inclusive; no `valid_to` means still open."""

    code: AgencyCode
    name_vi: ShortText
    valid_from: date | None = None
    valid_to: date | None = None
    successor: AgencyCode | None = None
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


LawChange = ProcedurePublished | AgencyPublished | CalendarAmended | EngineVersion


class LawEnacted(Struct, frozen=True, kw_only=True, tag_field="entry", tag="enacted"):
    """A change entering ``law.v1``; its version is its place among the enacted entries, from 1."""

    author: str
    changes: Annotated[tuple[LawChange, ...], Meta(min_length=1, max_length=200)]


class LawForwarded(Struct, frozen=True, kw_only=True, tag_field="entry", tag="forwarded"):
    """Every version up to and including `through` stands, acked, in every partition of the commands."""

    through: Annotated[int, Meta(ge=1)]


LawEntry = LawEnacted | LawForwarded
