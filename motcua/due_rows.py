"""Questions about due dates, one by one or as the rows of a CSV file, streamed.

Columns are found by their header, any of `received`, `term_value`, `term_unit`, `mode`, `cutoff`, `rules` and
`sessions`; what a row does not say is taken from the options, and is an error when they do not say it either.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Final, TextIO

from legalclock.calendar import Calendar, YearNotCoveredError
from legalclock.explain import Explanation, explain
from legalclock.rulesets import named
from legalclock.terms import LONGEST, Due, due
from legalclock.units import DueMode, TermUnit
from motcua.default_calendar import calendar_with, hour, instant
from motcua.failure import Failure

COLUMNS: Final = ("received", "term_value", "term_unit", "mode", "cutoff", "rules", "sessions")
RESULTS: Final = ("due", "explanation", "error")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: all that :func:`legalclock.terms.due` needs, and the rule set's name if one is said."""

    calendar: Calendar
    received: datetime
    value: int
    unit: TermUnit
    mode: DueMode
    cutoff: time | None
    rules: str | None

    def answer(self, calendar: Calendar | None = None) -> Due:
        """The due date, under another calendar when one is given. Raises ValueError, YearNotCoveredError."""
        return due(
            calendar or self.calendar, self.received, self.value, self.unit, self.cutoff, mode=self.mode
        )

    def explained(self) -> Explanation:
        """The same with its steps."""
        return explain(
            self.calendar,
            self.received,
            self.value,
            self.unit,
            self.cutoff,
            mode=self.mode,
            rules=self.rules,
        )


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a file: its number, its fields by column, and the question or why there is none."""

    line: int
    fields: Mapping[str, str]
    question: Question | None
    error: str = ""


def question(fields: Mapping[str, str], province: str = "") -> Question:
    """The question that texts by column ask. Raises ValueError saying what is wrong."""
    value, unit, mode = fields.get("term_value", ""), fields.get("term_unit", ""), fields.get("mode", "")
    rules = fields.get("rules", "") or None
    cutoff = fields.get("cutoff", "")
    if not re.fullmatch("[0-9]{1,6}", value):
        raise ValueError(f"expected a term: a whole number from 0 to {LONGEST}, got {value!r}")
    if unit not in TermUnit.__members__.values():
        raise ValueError(f"expected a unit ({', '.join(TermUnit)}), got {unit!r}")
    if mode not in ("", *DueMode):
        raise ValueError(f"expected a mode ({', '.join(DueMode)}), got {mode!r}")
    if rules is not None:
        named(rules)
    return Question(
        calendar=calendar_with(fields.get("sessions", ""), province),
        received=instant(fields.get("received", "")),
        value=int(value),
        unit=TermUnit(unit),
        mode=DueMode(mode or DueMode.END_OF_DAY),
        cutoff=hour(cutoff) if cutoff else None,
        rules=rules,
    )


def reason(error: ValueError | YearNotCoveredError) -> str:
    """An error of a count in one line."""
    return " ".join(str(error).split())


@contextmanager
def opened(path: Path) -> Iterator[TextIO]:
    """The file to read, bytes that are no text kept as they are. Raises Failure when it cannot be opened."""
    try:
        file = path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error
    with file:
        yield file


class Sheet:
    """A file being read row by row; `header` are its columns."""

    def __init__(self, file: TextIO, defaults: Mapping[str, str], province: str = "") -> None:
        self._reader = csv.reader(file)
        self._defaults, self._province = defaults, province
        self.header: Sequence[str] = [name.strip() for name in next(self._reader, [])]
        if not set(COLUMNS).intersection(self.header):
            raise Failure(f"expected a header with columns of {', '.join(COLUMNS)}")

    def __iter__(self) -> Iterator[Row]:
        while True:
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(self._reader.line_num, {}, None, str(error))
                continue
            if cells:
                yield self._row(cells)

    def _row(self, cells: Sequence[str]) -> Row:
        fields = dict(zip(self.header, (cell.strip() for cell in cells), strict=False))
        line = self._reader.line_num
        if len(cells) != len(self.header):
            return Row(line, fields, None, f"expected {len(self.header)} fields, got {len(cells)}")
        said = {**self._defaults, **{name: text for name, text in fields.items() if text}}
        try:
            return Row(line, fields, question(said, self._province))
        except ValueError as error:
            return Row(line, fields, None, reason(error))
