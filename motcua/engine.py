"""`motcua engine verify|parked|unpark`: prove that facts and states follow from the log; parked dossiers.

verify decides every command again, folds every fact, and holds both against the facts and the states that
are kept, byte for byte. Over all partitions, every stamp must have one number of its seal. It needs the
brokers only, takes one partition at a time, and may run beside a system at work. Exit codes: 0 nothing
missing, doubled or different; 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime
from typing import Final

import msgspec

from contracts.codec import encode
from contracts.commands import Unparked
from contracts.headers import cloud_event
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS
from contracts.words import Clock
from deploy.local.home import home_from
from motcua.brokers import act_on_topics, add_bootstrap
from motcua.failure import Failure
from services.workflow.adapters.topics import PartitionTopics, Topics
from services.workflow.domain.engines import UnknownEngineError
from services.workflow.domain.law import LawGapError
from services.workflow.engine.crossing import Crossing
from services.workflow.engine.parking import parked_in
from services.workflow.engine.records import CorruptStateError, DecisionCrashedError, PartitionStuckError
from services.workflow.engine.verify import Report, verify

HELP: Final = "Prove that facts and states follow from the log; list and release parked dossiers."

_COLUMNS: Final = (
    "partition",
    "commands",
    "facts",
    "repeats",
    "dossiers",
    "parked",
    "pending",
    "missing",
    "doubled",
    "different",
)
_UNDECIDABLE: Final = (
    CorruptStateError,
    DecisionCrashedError,
    LawGapError,
    PartitionStuckError,
    UnknownEngineError,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="verify|parked|unpark")
    prove = verbs.add_parser("verify", help="decide the log again and compare with what is kept")
    prove.add_argument("--clock", choices=[clock.value for clock in Clock], help="the stack's clock")
    prove.add_argument(
        "--partition", type=int, action="append", metavar="N", help="only this one (repeatable)"
    )
    prove.set_defaults(act=_verify)
    listing = verbs.add_parser("parked", help="the dossiers that stand still")
    listing.set_defaults(act=_parked)
    release = verbs.add_parser("unpark", help="let a dossier go on, once deciding it no longer crashes")
    release.add_argument("dossier", metavar="DOSSIER_ID")
    release.set_defaults(act=_unpark)
    for verb in (prove, listing, release):
        add_bootstrap(verb)
        verb.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Do what was asked. Raises Failure when the brokers do not answer or the log cannot be decided."""
    return act_on_topics(args)


def _verify(args: argparse.Namespace, topics: Topics) -> int:
    clock = Clock(args.clock or os.environ.get("MOTCUA_CLOCK") or _clock_of_stack(args) or Clock.SYSTEM)
    numbers = args.partition or range(DOSSIER_PARTITIONS)
    if any(not 0 <= number < DOSSIER_PARTITIONS for number in numbers):
        raise Failure(f"the partitions are 0 to {DOSSIER_PARTITIONS - 1}")
    # What crosses can be judged when both of its ends are read.
    whole = set(numbers) == set(range(DOSSIER_PARTITIONS))
    crossing = Crossing(topics.committed(numbers)) if whole else None
    reports: list[Report] = []
    for number in numbers:
        try:
            reports.append(verify(number, clock, PartitionTopics(topics, number), crossing=crossing))
        except _UNDECIDABLE as error:
            raise Failure(f"the log cannot be decided by this code: {error}") from error
    if crossing:
        crossing.judge({report.partition: report for report in reports})
    print(as_json(reports) if args.json else table(reports))
    return 0 if all(report.clean for report in reports) else 1


def _clock_of_stack(args: argparse.Namespace) -> str | None:
    running = home_from(args.home).running()
    return running.clock if running else None


def as_json(reports: list[Report]) -> str:
    """The proof for a program."""
    sums = {name: sum(getattr(report, name) for report in reports) for name in _COLUMNS[1:]}
    return json.dumps({**sums, "partitions": [msgspec.to_builtins(report) for report in reports]})


def table(reports: list[Report]) -> str:
    """The proof as aligned lines, one a partition, the first differences in words, and the verdict."""
    rows = [[str(getattr(report, name)) for name in _COLUMNS] for report in reports]
    sums = [str(sum(getattr(report, name) for report in reports)) for name in _COLUMNS[1:]]
    lines = ["  ".join(f"{cell:>9}" for cell in row) for row in ([*_COLUMNS], *rows, ["all", *sums])]
    lines += [f"partition {report.partition}: {text}" for report in reports for text in report.samples]
    clean = all(report.clean for report in reports)
    lines.append(
        "Facts and states follow from the log." if clean else "Facts or states do NOT follow from the log."
    )
    return "\n".join(lines)


def _standing(topics: Topics) -> dict[str, tuple[int, int, str]]:
    """Partition, offset and reason of every dossier that stands still."""
    found: dict[str, tuple[int, int, str]] = {}
    for number in range(DOSSIER_PARTITIONS):
        for name, span in parked_in(PartitionTopics(topics, number).states()).items():
            found[name] = number, span.since, span.reason
    return found


def _parked(args: argparse.Namespace, topics: Topics) -> int:
    rows = [
        {"dossier_id": name, "partition": number, "offset": offset, "reason": reason}
        for name, (number, offset, reason) in _standing(topics).items()
    ]
    if args.json:
        print(json.dumps(rows))
    else:
        for row in rows:
            print("{dossier_id}  partition {partition}, offset {offset}: {reason}".format(**row))
        print(f"{len(rows)} dossier(s) stand still")
    return 0


def _unpark(args: argparse.Namespace, topics: Topics) -> int:
    place = _standing(topics).get(args.dossier)
    if place is None:
        raise Failure(f"no dossier {args.dossier} is parked; see `motcua engine parked`")
    record = Unparked(dossier_id=args.dossier)
    headers = cloud_event(
        id=f"unparked-{place[0]}-{place[1]}",
        source="tool",
        type="Unparked",
        time=datetime.now(UTC),
        subject=args.dossier,
    )
    offset = topics.append(COMMANDS, place[0], args.dossier.encode(), encode(record), headers)
    answer = {"dossier_id": args.dossier, "partition": place[0], "offset": offset}
    print(json.dumps(answer) if args.json else f"released from offset {offset} of partition {place[0]} on")
    return 0
