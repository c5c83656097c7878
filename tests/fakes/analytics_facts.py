"""Facts to feed a sink with, and an oracle that shares no code with it.

The oracle looks at nothing but the JSON of the records: the first of each (dossier or seal, seq) counts.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contracts.codec import encode
from contracts.facts import Cause, ClockMoved, Fact, FactBody, Holder, NumberDrawn, StampApplied
from contracts.identity import seal_id
from contracts.words import Channel, NationalStatus, Step
from services.analytics.domain.batch import Record
from tests.fakes.analytics import MemoryFacts
from tests.fakes.analytics_lives import DUE, LIVES, SEAL, START, Moment


def fact(
    body: FactBody,
    *,
    dossier: int = 1,
    seq: int = 1,
    cause: Cause | None = None,
    at: datetime = START,
    status: NationalStatus = NationalStatus.REGISTERED,
    overdue: bool = False,
    due: datetime | None = None,
    agency: str = "H52.18",
    step: Step | None = None,
    holder: Holder | None = None,
    actor: str | None = None,
) -> Fact:
    """A fact; what a test does not care about has a value anyway."""
    return Fact(
        dossier_id=f"{dossier:032x}",
        seq=seq,
        cause=cause or Cause(0, 0, 0),
        at=at,
        agency=agency,
        procedure="1.000001",
        procedure_version=1,
        channel=Channel.COUNTER,
        status=status,
        body=body,
        overdue=overdue,
        due=due,
        step=step,
        holder=holder,
        actor=actor,
    )


def number(
    n: int,
    *,
    dossier: int = 1,
    stamp: int = 6,
    cause: Cause | None = None,
    at: datetime = START,
    year: int = 2020,
    seq: int | None = None,
) -> NumberDrawn:
    """The register of SEAL gives its number `n`."""
    return NumberDrawn(
        seal_id=seal_id(SEAL),
        seq=n if seq is None else seq,
        cause=cause or Cause(0, 0, 0),
        at=at,
        seal=SEAL,
        agency="H52.18",
        year=year,
        number=n,
        dossier_id=f"{dossier:032x}",
        stamp=stamp,
    )


def lived(moment: Moment, dossier: int, seq: int, cause: Cause | None = None) -> Fact:
    """The fact of a moment of a life."""
    return fact(
        moment.body,
        dossier=dossier,
        seq=seq,
        cause=cause,
        at=START + timedelta(days=seq, seconds=dossier),
        status=moment.status,
        overdue=moment.overdue,
        due=DUE if seq > 1 else None,
        agency=f"H52.{18 + dossier % 3}",
        step=moment.step,
        holder=moment.holder,
        actor=f"{dossier % 5:032x}",
    )


def fill(topic: MemoryFacts, dossiers: int, rng: random.Random, *, noise: bool = True) -> None:
    """Lives of `dossiers` dossiers over the partitions; the last has the register of the seal.

    With `noise` the workflow repeats what it had said since some earlier record, as after a crash, and
    undecodable records stand in between.
    """
    partitions = sorted(topic.records)
    stamps: list[Fact] = []
    for partition in partitions:
        told: list[bytes] = []
        ids = [n for n in range(dossiers) if partitions[n % len(partitions)] == partition]
        ends = {n: _end(n, rng) for n in ids}
        steps = [(n, seq) for seq in range(1, max(map(len, LIVES)) + 1) for n in ids if seq <= ends[n]]
        offset, place = -1, 0

        def tell(line: bytes, key: str, told: list[bytes] = told, partition: int = partition) -> None:
            told.append(line)
            topic.append(partition, line, key.encode())
            if noise and rng.random() < 0.1:
                for again in told[-rng.randint(1, 8) :]:
                    topic.append(partition, again)
            if noise and rng.random() < 0.02:
                topic.append(partition, rng.choice([b"\xff\xfe", b"{}", None]))

        for n, seq in steps:
            offset, place = (offset, place + 1) if seq % 2 == 0 and offset >= 0 else (offset + 1, 0)
            one = lived(_life(n)[seq - 1], n, seq, Cause(partition, offset, place))
            if isinstance(one.body, StampApplied):
                stamps.append(one)
            tell(encode(one), one.dossier_id)
        for drawn, stamp in enumerate(stamps if partition == partitions[-1] else (), 1):
            offset += 1
            given = number(
                drawn,
                dossier=int(stamp.dossier_id, 16),
                stamp=stamp.seq,
                cause=Cause(partition, offset, 0),
                at=stamp.at,
            )
            tell(encode(given), given.seal_id)
        moved = ClockMoved(cause=Cause(partition, offset + 1, 0), to=START + timedelta(days=400))
        topic.append(partition, encode(moved), None)


def _life(dossier: int) -> tuple[Moment, ...]:
    return LIVES[dossier % len(LIVES)]


def _end(dossier: int, rng: random.Random) -> int:
    """One of every life is whole, one goes as far as an overdue step in hand, the others to a random end."""
    whole = len(_life(dossier))
    return (
        (whole, min(6, whole))[dossier // len(LIVES)] if dossier < 2 * len(LIVES) else rng.randint(1, whole)
    )


@dataclass
class Truth:
    """What must come out: the first place of each (dossier or seal, seq), and the clocks."""

    places: dict[tuple[str, int], tuple[int, int]]
    types: dict[tuple[str, int], str]
    clocks: dict[int, str]
    garbage: int


def truth(records: Iterable[Record]) -> Truth:
    """The oracle over records in the order of their offsets within each partition."""
    found = Truth({}, {}, {}, 0)
    for record in records:
        told = _told(record.value)
        if told is None:
            found.garbage += 1
        elif told["record"] == "clock":
            found.clocks[record.partition] = told["to"]
        else:
            drawn = told["record"] == "number"
            identity = (told["seal_id" if drawn else "dossier_id"], told["seq"])
            found.places.setdefault(identity, (record.partition, record.offset))
            found.types.setdefault(identity, "NumberDrawn" if drawn else told["body"]["type"])
    return found


def _told(value: bytes | None) -> dict[str, Any] | None:
    try:
        told = json.loads(value or b"")
    except ValueError:
        return None
    return told if isinstance(told, dict) and ("seq" in told or "to" in told) else None
