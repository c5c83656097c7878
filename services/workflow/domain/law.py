"""The law a partition decides by: procedures by version, calendar, seals, certificates, the engine's version.

Built by folding the law records of the partition in their order; the only source of law for a decision.
"""

from __future__ import annotations

from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from contracts.codes import CodeError, parse_agency_code
from contracts.commands import LawChanged
from contracts.law import (
    AgencyPublished,
    CalendarAmended,
    CertificateRegistered,
    EngineVersion,
    LawChange,
    ProcedurePublished,
    SealRegistered,
)
from contracts.words import Step
from legalclock.amendment import enacted
from legalclock.calendar import Calendar
from legalclock.sessions import BadCalendarError
from legalclock.shares import WHOLE


class LawGapError(Exception):
    """A version of the law is missing in the partition: crash, never decide on."""


class Law(Struct, frozen=True, kw_only=True):
    """The law tables of one partition at one point of its log."""

    version: int = 0
    engine: int = 1
    calendar: Calendar | None = None
    procedures: dict[str, ProcedurePublished] = {}
    """The version in force of each procedure."""
    history: dict[tuple[str, int], ProcedurePublished] = {}
    """Every version of each procedure: a dossier keeps its own."""
    seals: dict[str, SealRegistered] = {}
    """The register of seals, by code."""
    certificates: dict[str, CertificateRegistered] = {}
    """The inventory of certificates, by fingerprint."""
    rejected: tuple[str, ...] = ()
    """Changes that could not be applied, by version and reason. The door refuses them; one that got past
    it must neither stop the province nor go unseen."""

    def calendar_for(self, agency: str) -> Calendar | None:
        """The calendar as it is for the province of an agency."""
        return self.calendar and self.calendar.for_province(_province(agency))

    def amended(self, record: LawChanged) -> Law:
        """The law after one more record; a version already applied changes nothing."""
        if record.version <= self.version:
            return self
        if record.version != self.version + 1:
            raise LawGapError(f"law version {record.version} follows version {self.version}")
        law = replace(
            self,
            version=record.version,
            procedures=dict(self.procedures),
            history=dict(self.history),
            seals=dict(self.seals),
            certificates=dict(self.certificates),
        )
        for change in record.changes:
            law = law._with(change)
        return law

    def _with(self, change: LawChange) -> Law:
        match change:
            case ProcedurePublished():
                if not _steps_can_be(change):
                    why = f"{self.version}: {change.code} version {change.version} has steps that cannot be"
                    return replace(self, rejected=(*self.rejected, why))
                standing = self.history.get((change.code, change.version))
                if standing is not None and standing != change:
                    # Two doors may publish one version at the same moment; the first is what dossiers
                    # were registered under, and it stays what that version means.
                    why = f"{self.version}: {change.code} version {change.version} stands already"
                    return replace(self, rejected=(*self.rejected, why))
                # The tables are this law's own copies, made by `amended`.
                self.history[change.code, change.version] = change
                latest = self.procedures.get(change.code)
                if latest is None or latest.version < change.version:  # two doors may enact them crosswise
                    self.procedures[change.code] = change
                return self
            case SealRegistered():
                registered = self.seals.get(change.code)
                if registered is not None and not registered.is_seal(change):
                    why = f"{self.version}: {change.code} is registered as another seal"
                    return replace(self, rejected=(*self.rejected, why))
                self.seals[change.code] = change
                return self
            case CertificateRegistered():
                self.certificates[change.fingerprint] = change
                return self
            case CalendarAmended():
                try:
                    return replace(self, calendar=enacted(self.calendar or Calendar(), change))
                except BadCalendarError as error:
                    return replace(self, rejected=(*self.rejected, f"{self.version}: {error}"))
            case EngineVersion(version=version):
                return replace(self, engine=version)
            case AgencyPublished():  # pragma: no branch - the last there is
                return self  # agencies are checked at the door; a decision needs none of their data


def _steps_can_be(change: ProcedurePublished) -> bool:
    """Whether its steps are none, or all five in order with shares that sum up to the whole or are all 0."""
    named = [plan.step for plan in change.steps]
    return not named or (named == list(Step) and sum(plan.share for plan in change.steps) in (0, WHOLE))


@cache
def _province(agency: str) -> str:
    """The province (or ministry) of an agency code; empty, the whole country, for what is no such code."""
    try:
        return parse_agency_code(agency).root
    except CodeError:
        return ""
