"""The law a trial stack starts with, from ``motcua/data``: agencies, their seals, procedures.

Real names and codes; the register of seals and the inner workings of some procedures are made up to be
tried, and their `source` says so.
"""

from __future__ import annotations

import csv
from importlib import resources
from typing import Final, TypeVar

import msgspec

from contracts.law import AgencyPublished, LawChange, ProcedurePublished, SealRegistered
from motcua.procedure_rows import read_procedures

T = TypeVar("T")

_FILES: Final = resources.files("motcua").joinpath("data")


def sample_procedures() -> list[ProcedurePublished]:
    """The shipped procedures, real ones, version 1; some with their steps, fees and forms."""
    with resources.as_file(_FILES.joinpath("procedures_sample.csv")) as path:
        plain = read_procedures(path).changes
    told = msgspec.json.decode(
        _FILES.joinpath("procedures_sample.json").read_bytes(), type=dict[str, dict[str, object]]
    )
    return [_richer(procedure, told.get(procedure.code, {})) for procedure in plain]


def sample_agencies() -> list[AgencyPublished]:
    """The shipped agencies: some open today, and those of Yên Châu (2020) and Đông Triều (2021)."""
    return _table("agencies_sample.csv", AgencyPublished)


def sample_seals() -> list[SealRegistered]:
    """An ink seal for each of the sample agencies, and the second seal of one of them, kept at the centre."""
    return _table("seals_sample.csv", SealRegistered)


def sample_changes() -> list[LawChange]:
    """The shipped agencies, seals and procedures; with the seed calendar all that a trial needs."""
    return [*sample_agencies(), *sample_seals(), *sample_procedures()]


def _table(name: str, row: type[T]) -> list[T]:
    """The rows of a CSV file; an empty cell is left out, so that it means the field's default."""
    lines = csv.DictReader(_FILES.joinpath(name).read_text(encoding="utf-8").splitlines())
    return [msgspec.convert({column: cell for column, cell in line.items() if cell}, row) for line in lines]


def _richer(procedure: ProcedurePublished, more: dict[str, object]) -> ProcedurePublished:
    """The procedure with what the catalogue's columns cannot say; `source` is added to its own."""
    if not more:
        return procedure
    fields = {**msgspec.to_builtins(procedure), **more, "source": f"{procedure.source}; {more['source']}"}
    return msgspec.convert(fields, ProcedurePublished)
