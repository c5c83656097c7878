"""`motcua catalogue`: enact the shipped law, or the procedures of a catalogue file.

`seed` posts the default calendar, the sample agencies with their seals and the sample procedures: it is for a
new stack, and puts what it names back to what is shipped. `import FILE` posts the procedures of a CSV file
and lists the rows it cannot take, with the reason; what the file does not say (steps, forms) stays as it
stands. Both can be repeated: what stands already is left alone, and a procedure that differs from the one in
force becomes its next version.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from contracts.law import AgencyPublished, LawChange, ProcedurePublished, SealRegistered
from motcua import client
from motcua.failure import Failure
from motcua.procedure_rows import Imported, read_procedures
from motcua.sample_law import sample_agencies, sample_changes, sample_procedures, sample_seals
from motcua.seed_calendar import calendar_change

__all__ = [
    "HELP",
    "calendar_change",
    "configure",
    "run",
    "sample_agencies",
    "sample_changes",
    "sample_procedures",
    "sample_seals",
]

HELP: Final = "Enact the shipped calendar, agencies and procedures, or the procedures of a catalogue file."
GROUP: Final = 200
"""Changes in one request; the limit of a law record."""


def next_versions(
    procedures: Sequence[ProcedurePublished],
    standing: Mapping[str, ProcedurePublished],
    unsaid: Mapping[str, frozenset[str]] | None = None,
) -> list[ProcedurePublished]:
    """Those of `procedures` that differ in force from `standing` (by code), each with its next version.

    Members that a procedure is `unsaid` to have (by code) stay as they stand. A different `source` alone
    makes no new version: dossiers are pinned to versions, and the law is the same.
    """
    news = []
    for found in procedures:
        before = standing.get(found.code)
        if before is None:
            news.append(found)
            continue
        kept = {name: getattr(before, name) for name in (unsaid or {}).get(found.code, ())}
        procedure = msgspec.structs.replace(found, **kept)
        if msgspec.structs.replace(procedure, version=before.version, source=before.source) != before:
            news.append(msgspec.structs.replace(procedure, version=before.version + 1))
    return news


def lacking(stack: client.Client, changes: Sequence[LawChange]) -> list[LawChange]:
    """What of `changes` a stack has not got yet: everything when it has no law at all.

    One that has a law keeps it: its calendar may have been amended, a procedure be at a later version, an
    agency be closed. It only lacks what stands under no code of its own.
    """
    if not stack.get("/v1/about")["law_version"]:
        return list(changes)
    standing = {
        kind: {row["code"] for row in stack.get(f"/v1/{name}")[name]}
        for kind, name in (
            (AgencyPublished, "agencies"),
            (SealRegistered, "seals"),
            (ProcedurePublished, "procedures"),
        )
    }
    return [
        change
        for change in changes
        if isinstance(change, AgencyPublished | SealRegistered | ProcedurePublished)
        and change.code not in standing[type(change)]
    ]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    seed = actions.add_parser("seed", help="the default calendar; sample agencies, seals, procedures")
    load = actions.add_parser("import", help="the procedures of a CSV file")
    load.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="default: procedures.csv in the folder MOTCUA_DATA"
    )
    load.add_argument("--dry-run", action="store_true", help="read and report, enact nothing")
    for action in (seed, load):
        client.configure(action)


def run(args: argparse.Namespace) -> int:
    """Enact; exit code 0. Raises Failure."""
    try:
        return _seed(args) if args.action == "seed" else _import(args)
    except client.ClientError as error:
        raise Failure(str(error)) from error


def _seed(args: argparse.Namespace) -> int:
    with client.connect(args) as stack:
        changes = next_versions(sample_procedures(), _standing(stack))
        _enact(stack, [calendar_change(), *sample_agencies(), *sample_seals(), *changes])
    return 0


def _import(args: argparse.Namespace) -> int:
    found = read_procedures(args.file or _default_file())
    _report(found)
    if args.dry_run:
        return 0
    with client.connect(args) as stack:
        news = next_versions(found.changes, _standing(stack), found.unsaid)
        print(f"{len(news)} new or changed, {len(found.changes) - len(news)} as they stand")
        _enact(stack, news)
    return 0


def _report(found: Imported) -> None:
    print(f"{len(found.changes)} procedures read, {len(found.rejected)} rows refused")
    for remark in found.rejected:
        print(f"  refused {remark.code}: {remark.reason}: {remark.detail}")
    for remark in found.left_out:
        print(f"  left out of {remark.code}: {remark.reason} {remark.detail}")
    for reason, count in Counter(remark.reason for remark in found.rejected).most_common():
        print(f"  {count} refused: {reason}")


def _default_file() -> Path:
    folder = os.environ.get("MOTCUA_DATA")
    if not folder:
        raise Failure("no file named, and MOTCUA_DATA is not set")
    return Path(folder) / "procedures.csv"


def _standing(stack: client.Client) -> dict[str, ProcedurePublished]:
    answer = stack.get("/v1/procedures")
    try:
        procedures = msgspec.convert(answer["procedures"], list[ProcedurePublished])
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise Failure(f"GET /v1/procedures: not a list of procedures: {error}") from error
    return {procedure.code: procedure for procedure in procedures}


def _enact(stack: client.Client, changes: Sequence[LawChange]) -> None:
    version = enacted = unchanged = 0
    for group in _groups(changes):
        answer = stack.post("/v1/law", {"changes": group})
        version, enacted = answer["version"], enacted + answer["enacted"]
        unchanged += answer["unchanged"]
    stands = f"; the law is at version {version}" if changes else ""
    print(f"enacted {enacted} changes, {unchanged} stood already{stands}")


def _groups(changes: Sequence[LawChange]) -> Iterator[Sequence[LawChange]]:
    for start in range(0, len(changes), GROUP):
        yield changes[start : start + GROUP]
