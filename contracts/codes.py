"""Legal codes taken apart and put together: agencies, dossiers, procedures, in both generations.

* Agency, old (QCVN 102:2016/BTTTT): ``000.00.18.H52``, four levels, the lowest first, zeros where a level is
  not used. New (Quyết định 20/2020/QĐ-TTg): ``H52.18``, the highest first.
* Dossier (Thông tư 01/2018/TT-VPCP, Điều 19): agency, day of receipt as yymmdd, running number of that day;
  the year is 20yy. The old form has four digits, the new one four to six.
* Procedure (national database): ``2.000635``, with the agency of a local variant and ``.NN`` of an online
  service where there are some.

Parsing takes both generations; formatting is strict. Every refusal is a CodeError naming the text.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Final

from msgspec import Struct

LAST_SERIAL: Final = 9999
"""The running number has four digits; it may have gaps and never wraps."""

_OLD_AGENCY: Final = re.compile(r"([0-9A-Z]{3})\.([0-9A-Z]{2})\.([0-9A-Z]{2})\.([A-Z][0-9]{2})")
_NEW_AGENCY: Final = re.compile(r"([A-Z][0-9]{2})((?:\.[0-9A-Z]{1,3}){0,3})")
_DOSSIER: Final = re.compile(r"([0-9A-Z.]+)-([0-9]{6})-([0-9]{4,6})")
_PROCEDURE: Final = re.compile(
    r"([0-9]\.[0-9]{6})(?:\.([0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}))?(?:\.([0-9]{2}))?"
)


class CodeError(ValueError):
    """The text is not such a code: refuse it."""

    def __init__(self, kind: str, text: str, why: str = "") -> None:
        super().__init__(f"not {kind}: {text!r}" + (f" ({why})" if why else ""))


class SerialExhaustedError(ValueError):
    """The agency has used up its numbers of that day: stop giving codes for the day, never wrap."""


class Generation(StrEnum):
    """Which form an agency code has."""

    OLD = "old"
    NEW = "new"


class AgencyCodeParts(Struct, frozen=True):
    """An agency code. `root` is the ministry or province, `levels` what lies below, the highest first.

    Levels that an old code fills with zeros are left out.
    """

    generation: Generation
    root: str
    levels: tuple[str, ...]


class DossierCodeParts(Struct, frozen=True):
    """A dossier code: the agency's code, the local day of receipt and the running number of that day."""

    agency: str
    day: date
    serial: int


class ProcedureCodeParts(Struct, frozen=True):
    """A procedure code: the national code, the agency of a local variant, the number of an online service."""

    national: str
    local: str | None
    service: str | None


def parse_agency_code(text: str) -> AgencyCodeParts:
    """The parts of an agency code of either generation. Raises CodeError."""
    if old := _OLD_AGENCY.fullmatch(text):
        *lower, root = old.groups()
        used = tuple(level for level in reversed(lower) if level.strip("0"))
        return AgencyCodeParts(Generation.OLD, root, used)
    if new := _NEW_AGENCY.fullmatch(text):
        return AgencyCodeParts(Generation.NEW, new[1], tuple(new[2].split(".")[1:]))
    raise CodeError("an agency code", text)


def parse_dossier_code(text: str) -> DossierCodeParts:
    """The parts of a dossier code of either generation. Raises CodeError."""
    match = _DOSSIER.fullmatch(text)
    if match is None:
        raise CodeError("a dossier code", text)
    agency, day, serial = match.groups()
    try:
        generation = parse_agency_code(agency).generation
        received = date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
    except ValueError as error:
        raise CodeError("a dossier code", text, str(error)) from error
    if generation is Generation.OLD and len(serial) != 4:
        raise CodeError("a dossier code", text, "the old form has a running number of four digits")
    if int(serial) == 0:
        raise CodeError("a dossier code", text, "running numbers begin with 1")
    return DossierCodeParts(agency, received, int(serial))


def format_dossier_code(agency: str, day: date, serial: int) -> str:
    """The code of dossier number `serial` (1 to 9999) that `agency` received on the local `day`.

    Raises CodeError for what is no agency code, ValueError for a serial below 1 or a day outside
    2000-2099, SerialExhaustedError for a serial above 9999.
    """
    parse_agency_code(agency)
    if not 2000 <= day.year <= 2099:
        raise ValueError(f"a dossier code holds days from 2000 to 2099, got {day.isoformat()}")
    if serial < 1:
        raise ValueError(f"running numbers begin with 1, got {serial}")
    if serial > LAST_SERIAL:
        raise SerialExhaustedError(f"{agency} has used its {LAST_SERIAL} numbers of {day.isoformat()}")
    return f"{agency}-{day:%y%m%d}-{serial:04d}"


def parse_procedure_code(text: str) -> ProcedureCodeParts:
    """The parts of a procedure code. Raises CodeError."""
    match = _PROCEDURE.fullmatch(text)
    if match is None:
        raise CodeError("a procedure code", text)
    return ProcedureCodeParts(*match.groups())
