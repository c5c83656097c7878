"""Rows of a procedure catalogue in CSV, turned into published procedures or refused with the reason.

Columns: code, name_vi, field_vi, level, term_value, term_unit, term_raw, late_cutoff, fee_vnd, channels,
source; others are ignored. What a row does not say is never guessed: a term without a unit is refused.
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
from contracts.words import Channel, TermUnit
from motcua.failure import Failure

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
_CHANNELS: Final = {"direct": Channel.COUNTER, "online": Channel.ONLINE, "postal": Channel.POSTAL}

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Remark:
    """Something a person should know about a row. `reason` is a short phrase, `detail` what stands there."""

    code: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What a catalogue gave: procedures at version 1, the rows refused, what was left out of rows taken."""

    changes: list[ProcedurePublished] = field(default_factory=list)
    rejected: list[Remark] = field(default_factory=list)
    left_out: list[Remark] = field(default_factory=list)


class _RefusedError(ValueError):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


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
                raise _RefusedError("code occurs again", row["name_vi"])
            seen.add(code)
            scope = row.get("late_cutoff_scope") or scopes.get((code, row["late_cutoff"]), "")
            found.changes.append(_procedure(row, scope))
            if row["late_cutoff"] and scope not in RECEIPT_SCOPES:
                about = f"it concerns {scope}" if scope else "its scope is not known"
                found.left_out.append(Remark(code, "late cut-off", f"{row['late_cutoff']}: {about}"))
        except _RefusedError as refused:
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


def _procedure(row: Row, scope: str) -> ProcedurePublished:
    value, unit = _term(row)
    cutoff = _cutoff(row["late_cutoff"]) if scope in RECEIPT_SCOPES else None
    fields = {
        "code": row["code"],
        "version": 1,
        "name_vi": row["name_vi"],
        "field_vi": row["field_vi"],
        "level": row["level"],
        "term_value": value,
        "term_unit": unit,
        "channels": _channels(row["channels"]),
        "late_cutoff": cutoff,
        "fee_vnd": _fee(row["fee_vnd"]),
        "source": row["source"] + (f"; mốc nhận {row['late_cutoff']} ({scope})" if cutoff else ""),
    }
    try:
        return msgspec.convert(fields, ProcedurePublished)
    except msgspec.ValidationError as error:
        raise _RefusedError("not a procedure", str(error)) from error


def _term(row: Row) -> tuple[int, TermUnit]:
    value, unit, said = row["term_value"], row["term_unit"], row["term_raw"]
    if not value:
        raise _RefusedError("no term", said)
    if not unit:
        raise _RefusedError("term without a unit", said or value)
    if not re.fullmatch("[0-9]{1,4}", value):
        raise _RefusedError("term is no whole number", value)
    if unit not in TermUnit.__members__.values():
        raise _RefusedError("unknown unit of a term", unit)
    if unit == TermUnit.WORKING_HOUR and row["field_vi"] in PORT_FIELDS:
        unit = TermUnit.CLOCK_HOUR
    return int(value), TermUnit(unit)


def _cutoff(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise _RefusedError("late cut-off is no time", text) from None


def _channels(text: str) -> tuple[Channel, ...]:
    names = text.split("|") if text else []
    unknown = [name for name in names if name not in _CHANNELS]
    if unknown or not names:
        raise _RefusedError("unknown channel" if unknown else "no channel", text)
    return tuple(_CHANNELS[name] for name in names)


def _fee(text: str) -> int | None:
    """The fee in đồng. 0 often means that the source has no fee line, so it says nothing."""
    if text and not re.fullmatch("[0-9]{1,15}", text):
        raise _RefusedError("fee is no whole number", text)
    return int(text or 0) or None
