"""Legal codes: both generations, round trips, and what is refused."""

from __future__ import annotations

import re
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import (
    LAST_SERIAL,
    AgencyCodeParts,
    CodeError,
    DossierCodeParts,
    Generation,
    ProcedureCodeParts,
    SerialExhaustedError,
    format_dossier_code,
    parse_agency_code,
    parse_dossier_code,
    parse_procedure_code,
)
from contracts.words import AgencyCode, DossierCode, ProcedureCode

OLD, NEW = Generation.OLD, Generation.NEW
AGENCIES = st.from_regex(
    r"(?:[0-9A-Z]{3}\.[0-9A-Z]{2}\.[0-9A-Z]{2}\.)?[A-Z][0-9]{2}", fullmatch=True
) | st.from_regex(r"[A-Z][0-9]{2}(\.[0-9A-Z]{1,3}){0,3}", fullmatch=True)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("000.00.00.H49", AgencyCodeParts(OLD, "H49", ())),
        ("000.00.18.H49", AgencyCodeParts(OLD, "H49", ("18",))),
        ("000.07.18.H52", AgencyCodeParts(OLD, "H52", ("18", "07"))),
        ("0A1.07.18.H52", AgencyCodeParts(OLD, "H52", ("18", "07", "0A1"))),
        ("H52", AgencyCodeParts(NEW, "H52", ())),
        ("H26.107", AgencyCodeParts(NEW, "H26", ("107",))),
        ("G03.1.22.A", AgencyCodeParts(NEW, "G03", ("1", "22", "A"))),
    ],
)
def test_agency_codes(text: str, parts: AgencyCodeParts) -> None:
    assert parse_agency_code(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h52",
        "H5",
        "H52.",
        "H52.1234",
        "H52.1.2.3.4",
        "00.00.18.H49",
        "000.00.18.H4",
        "H52\n",
        "H٥٢",
        " H52",
    ],
)
def test_what_is_no_agency_code(text: str) -> None:
    with pytest.raises(CodeError, match=re.escape(repr(text))):
        parse_agency_code(text)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("000.00.18.H49-211025-0007", DossierCodeParts("000.00.18.H49", date(2021, 10, 25), 7)),
        ("H26.107-251103-0012", DossierCodeParts("H26.107", date(2025, 11, 3), 12)),
        ("H26.107-251103-123456", DossierCodeParts("H26.107", date(2025, 11, 3), 123456)),
        ("H26-240229-9999", DossierCodeParts("H26", date(2024, 2, 29), 9999)),
    ],
)
def test_dossier_codes(text: str, parts: DossierCodeParts) -> None:
    assert parse_dossier_code(text) == parts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "H26.107-251103",
        "H26.107-251103-012",
        "H26.107-251103-1234567",
        "000.00.18.H49-211025-00007",
        "H26.107-250229-0012",
        "H26.107-251301-0012",
        "H26.107-251103-0000",
        "H26.1234-251103-0001",
        "H26.107-251103-0012\n",
        "H26.107-٢٥١١٠٣-0012",
    ],
)
def test_what_is_no_dossier_code(text: str) -> None:
    with pytest.raises(CodeError, match=re.escape(repr(text))):
        parse_dossier_code(text)


@given(AGENCIES, DAYS, st.integers(1, LAST_SERIAL))
def test_a_formatted_code_parses_back_and_fits_the_messages(agency: str, day: date, serial: int) -> None:
    code = format_dossier_code(agency, day, serial)
    assert parse_dossier_code(code) == DossierCodeParts(agency, day, serial)
    assert msgspec.convert(code, DossierCode) == code
    assert msgspec.convert(agency, AgencyCode) == agency


@given(st.text() | st.from_regex(r"[0-9A-Z.]{0,14}-[0-9]{6}-[0-9]{4,6}", fullmatch=True))
def test_what_parses_formats_back_to_itself(text: str) -> None:
    try:
        parts = parse_dossier_code(text)
    except CodeError:
        return
    if parts.serial <= LAST_SERIAL and len(text.rsplit("-", 1)[1]) == 4:
        assert format_dossier_code(parts.agency, parts.day, parts.serial) == text


@given(AGENCIES, DAYS, DAYS, st.integers(1, LAST_SERIAL), st.integers(1, LAST_SERIAL))
def test_codes_of_an_agency_sort_by_day_and_number(agency: str, a: date, b: date, m: int, n: int) -> None:
    first, second = format_dossier_code(agency, a, m), format_dossier_code(agency, b, n)
    assert (first < second) == ((a, m) < (b, n))


def test_formatting_is_strict() -> None:
    day = date(2025, 11, 3)
    assert format_dossier_code("H52.18", day, 1) == "H52.18-251103-0001"
    assert format_dossier_code("H52.18", day, 9999) == "H52.18-251103-9999"
    with pytest.raises(SerialExhaustedError, match=r"H52\.18 .* 2025-11-03"):
        format_dossier_code("H52.18", day, 10_000)
    with pytest.raises(ValueError, match="begin with 1, got 0"):
        format_dossier_code("H52.18", day, 0)
    with pytest.raises(ValueError, match="1999-12-31"):
        format_dossier_code("H52.18", date(1999, 12, 31), 1)
    with pytest.raises(ValueError, match="2100-01-01"):
        format_dossier_code("H52.18", date(2100, 1, 1), 1)
    with pytest.raises(CodeError, match="'h52'"):
        format_dossier_code("h52", day, 1)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("2.000635", ProcedureCodeParts("2.000635", None, None)),
        ("1.013229.01", ProcedureCodeParts("1.013229", None, "01")),
        ("1.011442.000.00.00.H38", ProcedureCodeParts("1.011442", "000.00.00.H38", None)),
        ("2.000815.000.00.00.H55.02", ProcedureCodeParts("2.000815", "000.00.00.H55", "02")),
    ],
)
def test_procedure_codes(text: str, parts: ProcedureCodeParts) -> None:
    assert parse_procedure_code(text) == parts
    if parts.service is None:
        assert msgspec.convert(text, ProcedureCode) == text


@pytest.mark.parametrize(
    "text", ["", "2.00635", "2.0006355", "2000635", "2.000635.1", "2.000635.H55", "2.000635\n", "٢.000635"]
)
def test_what_is_no_procedure_code(text: str) -> None:
    with pytest.raises(CodeError, match="not a procedure code"):
        parse_procedure_code(text)
