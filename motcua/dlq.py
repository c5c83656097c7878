"""`motcua dlq list|show|replay`: dead letters, records that could not be decoded or decided.

A letter is named TOPIC/PARTITION/OFFSET as `list` prints it. replay puts the bytes back at the end of the
topic they came from, once: a mark in the dead-letter topic says so. What still cannot be decoded stays, and
so does the command of a dossier that still stands still: it would only be refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from contracts.codec import UndecodableError, decode_command
from contracts.commands import Command
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, FACTS, TOPICS
from motcua.brokers import act_on_topics, add_bootstrap
from motcua.failure import Failure
from services.workflow.adapters.topics import PartitionTopics, Raw, Topics
from services.workflow.engine.parking import parked_in

HELP: Final = "List, show and replay dead letters."

REPLAYED: Final = "dlq_replayed"
"""Header of a mark: the offset, in the same partition of the dead-letter topic, of the letter replayed."""

ORIGINS: Final = {topic.dlq: name for name, topic in TOPICS.items() if topic.dlq}
_SHOWN_BYTES: Final = 4_096


@dataclass(frozen=True)
class Letter:
    """One dead letter. `at` is when it was written, `replayed` whether it was put back."""

    topic: str
    raw: Raw
    replayed: bool

    @property
    def name(self) -> str:
        """As people name it."""
        return f"{self.topic}/{self.raw.partition}/{self.raw.offset}"

    def header(self, name: str) -> str:
        """A header as text, whatever its bytes are; empty when there is none."""
        return safe(dict(self.raw.headers).get(name, b""))

    def row(self) -> dict[str, Any]:
        """What `list` tells of it."""
        at = datetime.fromtimestamp(self.raw.timestamp / 1000, UTC).isoformat(timespec="seconds")
        return {
            "letter": self.name,
            "at": at,
            "origin": "/".join(self.header(f"dlq_{part}") for part in ("topic", "partition", "offset")),
            "bytes": len(self.raw.value or b""),
            "replayed": self.replayed,
            "reason": self.header("dlq_reason"),
        }


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show|replay")
    listing = verbs.add_parser("list", help="every dead letter, oldest first")
    listing.add_argument("--topic", choices=sorted(ORIGINS), help="only of this topic")
    listing.set_defaults(act=_list)
    show = verbs.add_parser("show", help="headers and bytes of one, made safe for a terminal")
    show.set_defaults(act=_show)
    replay = verbs.add_parser("replay", help="put one back where it came from")
    replay.add_argument("--yes", action="store_true", help="do not ask")
    replay.set_defaults(act=_replay)
    for verb in (show, replay):
        verb.add_argument("letter", metavar="TOPIC/PARTITION/OFFSET")
    for verb in (listing, show, replay):
        add_bootstrap(verb)
    for verb in (listing, show):
        verb.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(args: argparse.Namespace) -> int:
    """Do what was asked. Raises Failure when it cannot be done."""
    return act_on_topics(args)


def letters(topics: Topics, topic: str, partition: int) -> Iterator[Letter]:
    """The dead letters of one partition; marks of replays are told with the letters they are about."""
    records = list(topics.read(topic, partition))
    marks = {dict(record.headers).get(REPLAYED) for record in records}
    for record in records:
        if REPLAYED not in dict(record.headers):
            yield Letter(topic, record, str(record.offset).encode() in marks)


def safe(data: bytes) -> str:
    """Text a terminal can be given: nothing in it moves a cursor or pretends to be something else."""
    text = data.decode("utf-8", "backslashreplace")
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


def _list(args: argparse.Namespace, topics: Topics) -> int:
    names = [args.topic] if args.topic else sorted(ORIGINS)
    rows = [
        letter.row()
        for topic in names
        for partition in range(TOPICS[topic].partitions)
        for letter in letters(topics, topic, partition)
    ]
    rows.sort(key=lambda row: str(row["at"]))
    if args.json:
        print(json.dumps(rows))
        return 0
    for row in rows:
        again = "  (replayed)" if row["replayed"] else ""
        print("{at}  {letter}  from {origin}  {bytes} bytes  {reason}".format(**row) + again)
    print(f"{len(rows)} dead letter(s), {sum(not row['replayed'] for row in rows)} not replayed")
    return 0


def _find(args: argparse.Namespace, topics: Topics) -> Letter:
    topic, _, place = args.letter.partition("/")
    partition, _, offset = place.partition("/")
    if topic not in ORIGINS or not partition.isdigit() or not offset.isdigit():
        raise Failure(
            f"{args.letter!r} names no letter; `motcua dlq list` prints them as TOPIC/PARTITION/OFFSET"
        )
    if int(partition) < TOPICS[topic].partitions:
        for letter in letters(topics, topic, int(partition)):
            if letter.raw.offset == int(offset):
                return letter
    raise Failure(f"there is no letter {args.letter}")


def _show(args: argparse.Namespace, topics: Topics) -> int:
    letter = _find(args, topics)
    value, key = letter.raw.value, letter.raw.key
    headers = {name: safe(data) for name, data in letter.raw.headers}
    if args.json:
        whole = {**letter.row(), "headers": headers, "key": _hex(key), "value": _hex(value)}
        print(json.dumps(whole))
        return 0
    print(f"letter {letter.name}, {'replayed' if letter.replayed else 'not replayed'}")
    for name, text in headers.items():
        print(f"  {name}: {text}")
    print(f"  key: {'none' if key is None else safe(key)}")
    print(f"  value: {'none' if value is None else safe(value[:_SHOWN_BYTES])}")
    if value is not None and len(value) > _SHOWN_BYTES:
        print(f"  … {len(value)} bytes in all; --json gives every one")
    return 0


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()


def _replay(args: argparse.Namespace, topics: Topics) -> int:
    letter = _find(args, topics)
    origin = ORIGINS[letter.topic]
    if letter.replayed:
        raise Failure(f"{letter.name} was replayed before")
    if why := objection(letter, topics):
        raise Failure(f"{letter.name} stays where it is: {why}")
    if not args.yes:
        sys.stdout.write(f"Put {letter.name} ({letter.header('dlq_reason')}) back on {origin}? [y/N] ")
        sys.stdout.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Failure("nothing was done")
    raw = letter.raw
    offset = topics.append(origin, raw.partition, raw.key, raw.value, [("dlq_letter", letter.name.encode())])
    # In this order: a mark that is missing means one replay too many, and a command that comes twice is
    # answered, not carried out, twice; a record that is missing would be lost.
    topics.append(letter.topic, raw.partition, raw.key, None, [(REPLAYED, str(raw.offset).encode())])
    print(f"{letter.name} stands at {origin}/{raw.partition}/{offset} again")
    return 0


def objection(letter: Letter, topics: Topics) -> str:
    """Why a letter must not be put back; empty when it may be."""
    if ORIGINS[letter.topic] == FACTS:
        return (
            "readers drop a fact that comes again as a repeat. It still stands in the topic: deploy "
            "analytics that can decode it, then rebuild the warehouse"
        )
    if ORIGINS[letter.topic] != COMMANDS or letter.raw.partition >= DOSSIER_PARTITIONS:
        return "this command does not know what its origin takes"
    try:
        message = decode_command(letter.raw.value)
    except UndecodableError as error:
        return f"it still cannot be decoded ({safe(str(error).encode())})"
    if not isinstance(message, Command):
        return "only a command may come from outside; the law and time are appended by their owners"
    if letter.raw.key != message.dossier_id.encode():
        return "its key is not the dossier it is for"
    if message.dossier_id in parked_in(PartitionTopics(topics, letter.raw.partition).states()):
        return f"its dossier stands still; first `motcua engine unpark {message.dossier_id}`"
    return ""
