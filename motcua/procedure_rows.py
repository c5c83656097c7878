"""Rows of a procedure catalogue in CSV, turned into published procedures or refused with the reason.

Columns: code, name_vi, field_vi, level, term_value, term_unit, term_raw, late_cutoff, fee_vnd, channels,
source, and those of ``procedure_extras`` where there are any; others are ignored. What a row does not say is
never guessed: a term without a unit is refused. A row the door would refuse is refused here, by the same
checks.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Final

import msgspec

from contracts.law import ProcedurePublished
from contracts.words import TermUnit
from motcua.failure import Failure
from motcua.procedure_extras import EXTRAS, SILENT, RowError, channels, extras
from services.intake.domain.law_checks import check_procedure
from services.intake.domain.refusals import Refused

CUTOFFS_FILE: Final = "procedures_late_cutoff.csv"
"""Beside the catalogue: code, late_cutoff, scope. A column late_cutoff_scope in the catalogue comes first."""
RECEIPT_SCOPES: Final = frozenset({"result", "registration"})
"""Scopes that concern the day of receipt: when the result is given, when the registration is completed."""
PORT_FIELDS: Final = frozenset({"Hàng hải và đường thủy nội địa", "Hàng không", "Bảo đảm an ninh hàng không"})
"""Fields of sea and air ports, which work around the clock: their hours ("Giờ") are hours of the clock."""

_COLUMNS: Final = frozenset(
    {"code", "name_vi", "field_vi", "level", "term_value", "term_unit", "term_raw", "late_cutoff"}
    | {"fee_vnd", "channels", "source"}
)

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a person should know about a row. `reason` is a short phrase, `detail` what stands there."""

    code: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a catalogue gave: procedures at version 1, the rows refused, what was left out of rows taken.

    `unsaid`: by code, the members that the row says nothing about.
    """

    changes: list[ProcedurePublished] = field(default_factory=list)
    unsaid: dict[str, frozenset[str]] = field(default_factory=dict)
    rejected: list[Remark] = field(default_factory=list)
    left_out: list[Remark] = field(default_factory=list)


def read_procedures(path: Path) -> Imported:
    """The catalogue at `path` (UTF-8). Raises Failure when it cannot be read as one."""
    beside = path.with_name(CUTOFFS_FILE)
    scopes = {
        (row["code"], row["late_cutoff"]): row["scope"]
        for row in (_rows(beside, frozenset({"code", "late_cutoff", "scope"})) if beside.exists() else ())
    }
    found = Imported()
    seen: set[str] = set()
    for row in _rows(path, _COLUMNS):
        code = row["code"]
        try:
            if code in seen:
                raise RowError("code occurs again", row["name_vi"])
            seen.add(code)
            scope = row.get("late_cutoff_scope") or scopes.get((code, row["late_cutoff"]), "")
            procedure, unsaid = _procedure(row, scope)
            found.changes.append(procedure)
            found.unsaid[code] = unsaid
            if row["late_cutoff"] and scope not in RECEIPT_SCOPES:
                about = f"it concerns {scope}" if scope else "its scope is not known"
                found.left_out.append(Remark(code, "late cut-off", f"{row['late_cutoff']}: {about}"))
        except RowError as refused:
            found.rejected.append(Remark(code, refused.reason, refused.detail))
    return found


def _rows(path: Path, columns: frozenset[str]) -> Iterator[Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            missing = columns.difference(reader.fieldnames or ())
            if missing:
                raise Failure(f"{path}: expected columns {', '.join(sorted(missing))}")
            for row in reader:
                if None in row:
                    raise Failure(f"{path}: line {reader.line_num} has more fields than columns")
                yield {name: value.strip() for name, value in row.items()}
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise Failure(f"{path}: {error}") from error


def _procedure(row: Row, scope: str) -> tuple[ProcedurePublished, frozenset[str]]:
    """The procedure of a row, and the members the row says nothing about."""
    code = row["code"]
    value, unit = _term(row)
    ways, level = channels(row["channels"])
    more = extras(row) | ({} if level is None else {"online": level})
    cutoff = _cutoff(row["late_cutoff"]) if scope in RECEIPT_SCOPES else None
    fields = {
        "code": code,
        "version": 1,
        "name_vi": row["name_vi"],
        "field_vi": row["field_vi"],
        "level": row["level"],
        "term_value": value,
        "term_unit": unit,
        "channels": ways,
        "late_cutoff": cutoff,
        "fee_vnd": _fee(row["fee_vnd"]),
        "source": row["source"] + (f"; mốc nhận {row['late_cutoff']} ({scope})" if cutoff else ""),
    }
    try:
        procedure = msgspec.convert(fields | msgspec.to_builtins(more), ProcedurePublished)
        check_procedure(procedure, code)
    except msgspec.ValidationError as error:
        raise RowError("not a procedure", str(error)) from error
    except Refused as refused:
        raise RowError("not a procedure", f"{refused.field}: {refused.rule}") from refused
    return procedure, SILENT | EXTRAS - more.keys()


def _term(row: Row) -> tuple[int, TermUnit]:
    value, unit, said = row["term_value"], row["term_unit"], row["term_raw"]
    if not value:
        raise RowError("no term", said)
    if not unit:
        raise RowError("term without a unit", said or value)
    if not re.fullmatch("[0-9]{1,4}", value):
        raise RowError("term is no whole number", value)
    if unit not in TermUnit.__members__.values():
        raise RowError("unknown unit of a term", unit)
    if unit == TermUnit.WORKING_HOUR and row["field_vi"] in PORT_FIELDS:
        unit = TermUnit.CLOCK_HOUR
    return int(value), TermUnit(unit)


def _cutoff(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise RowError("late cut-off is no time", text) from None


def _fee(text: str) -> int | None:
    """The fee in đồng. 0 often means that the source has no fee line, so it says nothing."""
    if text and not re.fullmatch("[0-9]{1,15}", text):
        raise RowError("fee is no whole number", text)
    return int(text or 0) or None
