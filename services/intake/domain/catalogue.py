"""Procedures, agencies, seals and certificates in force, and the checks a request must pass against them.

The catalogue is a fold of the law; it never says when a dossier is due, only whether it may be asked
for here, today, this way.
"""

from __future__ import annotations

from datetime import date

from contracts.access import Client
from contracts.law import (
    AgencyPublished,
    CertificateRegistered,
    LawChange,
    ProcedurePublished,
    SealRegistered,
)
from contracts.words import Channel
from services.intake.domain.refusals import Refused, one_stop_decree


class Catalogue:
    """Procedures, agencies and seals by code, certificates by fingerprint: the last word on each.

    Of a procedure it is the highest version, whichever came last.
    """

    def __init__(self) -> None:
        self.procedures: dict[str, ProcedurePublished] = {}
        self.agencies: dict[str, AgencyPublished] = {}
        self.seals: dict[str, SealRegistered] = {}
        self.certificates: dict[str, CertificateRegistered] = {}

    def copy(self) -> Catalogue:
        """One that can be changed apart from this one."""
        other = Catalogue()
        other.procedures.update(self.procedures)
        other.agencies.update(self.agencies)
        other.seals.update(self.seals)
        other.certificates.update(self.certificates)
        return other

    def has(self, change: LawChange) -> bool:
        """Whether `change` is the last word on what it is about."""
        if isinstance(change, ProcedurePublished):
            return self.procedures.get(change.code) == change
        if isinstance(change, AgencyPublished):
            return self.agencies.get(change.code) == change
        if isinstance(change, SealRegistered):
            return self.seals.get(change.code) == change
        return isinstance(change, CertificateRegistered) and (
            self.certificates.get(change.fingerprint) == change
        )

    def apply(self, change: LawChange) -> None:
        """Take a change in. What is no matter of the catalogue (calendar, engine) passes by."""
        if isinstance(change, ProcedurePublished):
            latest = self.procedures.get(change.code)
            if latest is None or latest.version < change.version:  # two doors may enact them crosswise
                self.procedures[change.code] = change
        elif isinstance(change, AgencyPublished):
            self.agencies[change.code] = change
        elif isinstance(change, SealRegistered):
            self.seals[change.code] = change
        elif isinstance(change, CertificateRegistered):
            self.certificates[change.fingerprint] = change

    def certificates_of(self, client: Client, agency: str | None) -> list[CertificateRegistered]:
        """The certificates of one agency, or of all that a key covers."""
        return [c for c in self.certificates.values() if _of(c.agency, client, agency)]

    def seals_of(self, client: Client, agency: str | None) -> list[SealRegistered]:
        """The seals of one agency, or of all that a key covers."""
        return [seal for seal in self.seals.values() if _of(seal.agency, client, agency)]

    def check_agency(self, code: str, day: date, field: str = "agency") -> None:
        """`code`, said at `field`, is an agency open on `day` (local).

        Raises Refused (unknown_agency, agency_closed).
        """
        agency = self.agencies.get(code)
        if agency is None:
            raise Refused(
                "unknown_agency",
                f"Cơ quan {code} không có trong danh mục",
                field=field,
                legal_ground=one_stop_decree(day),
            )
        opened = agency.valid_from is None or agency.valid_from <= day
        closed = agency.valid_to is not None and agency.valid_to < day
        if not opened or closed:
            succeeded = f", nay là {agency.successor}" if agency.successor else ""
            raise Refused(
                "agency_closed",
                f"Cơ quan {code} không hoạt động vào ngày {day.isoformat()}{succeeded}",
                field=field,
                legal_ground=one_stop_decree(day),
            )

    def check_procedure(self, code: str, channel: Channel, day: date) -> None:
        """`code` is published and taken in by `channel`.

        Raises Refused (unknown_procedure, channel_not_offered).
        """
        procedure = self.procedures.get(code)
        if procedure is None:
            raise Refused(
                "unknown_procedure",
                f"Thủ tục {code} chưa được công bố trong danh mục tiếp nhận",
                field="procedure",
                legal_ground=one_stop_decree(day),
            )
        if channel not in procedure.channels:
            raise Refused(
                "channel_not_offered",
                f"Thủ tục {code} không tiếp nhận qua kênh {channel}",
                field="channel",
                legal_ground=one_stop_decree(day),
            )


def _of(owner: str, client: Client, agency: str | None) -> bool:
    return client.covers(owner) and agency in (None, owner)
