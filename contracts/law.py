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


class CalendarDay(Struct, frozen=True, kw_only=True):
    """One exceptional day and the decision it rests on."""

    date: date
    kind: DayKind
    name_vi: str
    source: str


class Session(Struct, frozen=True, array_like=True):
    """A working session of a day, local time, start inclusive, end exclusive."""

    start: time
    end: time


class CalendarAmended(Struct, frozen=True, kw_only=True, tag="CalendarAmended"):
    """Exceptional days replaced by date, years declared complete, and, when given, the week's sessions.

    `sessions` lists the sessions of each weekday, Monday first; an empty list is a weekly day off, worked
    days take Monday's sessions. A year is usable only once it stands in `years`.
    """

    years: tuple[Annotated[int, Meta(ge=1990, le=2100)], ...]
    days: tuple[CalendarDay, ...]
    source: str
    sessions: Annotated[tuple[tuple[Session, ...], ...], Meta(min_length=7, max_length=7)] | None = None


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
