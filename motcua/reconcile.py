"""`motcua reconcile`: hold the log of facts against the warehouse, row by row, and say what differs.

With `--repair`, what differs is put right from the log and looked at again; the answer is that of the second
look. Exit codes: 0 nothing is missing, duplicated or mismatched; 1 otherwise, or when the proof could not be
made (a service is away, the warehouse is behind, the key may not ask).
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from contracts.topics import DOSSIER_PARTITIONS
from motcua import client
from motcua.failure import Failure
from motcua.hints import runnable

HELP = "compare the log of facts with the warehouse, row by row"

# The whole log is read again; a year of a province takes minutes.
_PATIENCE_SECONDS = 3600.0
_KINDS = ("missing", "duplicated", "mismatched")
_COLUMNS = ("partition", "facts", "dossiers", *_KINDS)


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    client.configure(parser)
    parser.add_argument("--repair", action="store_true", help="put right what differs, and look again")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Run the proof and print it."""
    with client.connect(args, timeout=_PATIENCE_SECONDS) as connection:
        proof = connection.post(
            "/v1/reconcile/repair" if args.repair else "/v1/reconcile", service="analytics"
        )
    print(json.dumps(proof) if args.json else runnable(table(proof), args))
    if not proof["complete"]:
        raise Failure("only a part of the partitions was compared: ask the other lanes of analytics too")
    return 0 if all(proof[kind] == 0 for kind in _KINDS) else 1


def _next(proof: dict[str, Any]) -> str:
    if any(part.get("unsaid") for part in proof["partitions"]):
        return "The log makes other rows than were inserted: start analytics once with MOTCUA_REPAIR=1."
    wrong = [part["partition"] for part in proof["partitions"] if any(part[kind] for kind in _KINDS)]
    foreign = [number for number in wrong if number >= DOSSIER_PARTITIONS]
    told = []
    if "repaired" not in proof and (wrong != foreign or not foreign):
        told.append("`motcua reconcile --repair` puts it right" + (", but for" if foreign else "."))
    if foreign:
        numbers = ", ".join(map(str, foreign))
        told.append(f"{'rows' if told else 'Rows'} of partitions the log does not have ({numbers}):")
        told.append("no repair touches them; docs/operations.md says what to do.")
    return " ".join(told) or "docs/operations.md says what is left to do."


def table(proof: dict[str, Any]) -> str:
    """The proof as aligned lines, one a partition, and the verdict."""
    lines = ["  ".join(f"{name:>10}" for name in _COLUMNS)]
    lines += ["  ".join(f"{part[name]:>10}" for name in _COLUMNS) for part in proof["partitions"]]
    lines.append("  ".join(f"{value:>10}" for value in ("all", *(proof[name] for name in _COLUMNS[1:]))))
    if "repaired" in proof:
        lines.append(f"Repaired: {proof['repaired']} differences.")
    if proof.get("gaps"):
        lines.append(f"The log itself lacks numbers at {proof['gaps']} places: see its dead letters.")
    clean = all(proof[kind] == 0 for kind in _KINDS)
    lines.append(
        "Log and warehouse agree." if clean else f"Log and warehouse DIFFER: trust no figure. {_next(proof)}"
    )
    return "\n".join(lines)
