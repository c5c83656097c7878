"""`motcua due`: when a dossier falls due and why, by the shipped calendar; one, or a file of them.

Needs no running stack. Times without an offset are local (+07:00). With --batch each row gets its due date,
the explanation and its error; a bad row does not stop the rest, and the exit code is then 1.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from legalclock.calendar import YearNotCoveredError
from legalclock.rulesets import RULE_SETS
from legalclock.sentences import LANGUAGES, sentences
from legalclock.units import DueMode, TermUnit
from motcua.due_rows import RESULTS, Row, Sheet, opened, question, reason
from motcua.failure import Failure

HELP: Final = "When a dossier falls due, and why, by the shipped calendar 2018-2027."
_OPTIONS: Final = {
    "received": "received",
    "term_value": "term",
    "term_unit": "unit",
    "mode": "mode",
    "cutoff": "cutoff",
    "rules": "rules",
    "sessions": "sessions",
}
"""Columns of a file and the options of the same meaning."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--received", metavar="TIME", help="when it was handed in, like 2025-04-25T08:30")
    what.add_argument(
        "--batch", metavar="IN.csv", type=Path, help="a file of questions; options fill what it leaves empty"
    )
    parser.add_argument("--out", metavar="OUT.csv", type=Path, help="where the answers of --batch go")
    parser.add_argument("--term", metavar="N", help="the term")
    parser.add_argument("--unit", choices=list(TermUnit), help="its unit")
    parser.add_argument("--mode", choices=list(DueMode), help="how a term in working days ends")
    parser.add_argument("--cutoff", metavar="HH:MM", help="late cut-off of a same-day procedure")
    parser.add_argument("--rules", choices=[rules.name for rules in RULE_SETS], help="default: by the date")
    parser.add_argument("--province", metavar="CODE", default="", help="a province code like H52")
    parser.add_argument(
        "--sessions",
        metavar="S",
        help="07:30-11:30,13:30-17:00 for Monday to Friday, or seven days from Monday on split by ;",
    )
    parser.add_argument("--explain", action="store_true", help="say how it was counted")
    parser.add_argument("--json", action="store_true", help="answer as JSON")
    parser.add_argument("--lang", choices=list(LANGUAGES), default="vi", help="language of explanations")
    parser.set_defaults(wrong_usage=parser.error)


def run(args: argparse.Namespace) -> int:
    """Answer; 0, or 1 when a row of a file had no answer."""
    said = {column: getattr(args, option) or "" for column, option in _OPTIONS.items()}
    if args.batch is not None:
        if args.out is None or args.explain or args.json:
            args.wrong_usage("--batch needs --out, and explains by itself")
        return _batch(args.batch, args.out, said, args.province, args.lang)
    if args.term is None or args.unit is None or args.out is not None:
        args.wrong_usage("--received needs --term and --unit, and no --out")
    try:
        asked = question(said, args.province)
        found = asked.explained() if args.explain else None
        answer = asked.answer()
    except (ValueError, YearNotCoveredError) as error:
        raise Failure(reason(error)) from error
    words = sentences(found, args.lang) if found else ()
    if args.json:
        data: dict[str, object] = {"due": answer.due, "received_at": answer.received_at}
        if found:
            data |= {"explanation": words, "steps": found.steps}
        print(msgspec.json.encode(data).decode())
    else:
        print(answer.due.isoformat(), *words, sep="\n")
    return 0


def _batch(source: Path, target: Path, said: Mapping[str, str], province: str, language: str) -> int:
    """Answer a file row by row; the answers take their name only when they are whole."""
    part = target.with_name(f"{target.name}.part")
    rows = wrong = 0
    try:
        with (
            opened(source) as file,
            part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as out,
        ):
            sheet = Sheet(file, said, province)
            writer = csv.writer(out)
            columns = [name for name in sheet.header if name not in RESULTS]
            writer.writerow([*columns, *RESULTS])
            for row in sheet:
                due, why, error = _answer(row, language)
                writer.writerow([*(row.fields.get(name, "") for name in columns), due, why, error])
                rows += 1
                wrong += bool(error)
        part.replace(target)
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    sys.stderr.write(f"{rows} rows, {wrong} without an answer\n")
    return 1 if wrong else 0


def _answer(row: Row, language: str) -> tuple[str, str, str]:
    """The due date, the explanation and the error of a row."""
    if row.question is None:
        return "", "", row.error
    try:
        found = row.question.explained()
    except (ValueError, YearNotCoveredError) as error:
        return "", "", reason(error)
    return found.due.isoformat(), " ".join(sentences(found, language)), ""
