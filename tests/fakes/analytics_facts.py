"""Facts to feed a sink with, and an oracle that shares no code with it.

The oracle looks at nothing but the JSON of the records: the first record of each (dossier, seq) counts.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from contracts.codec import encode
from contracts.facts import (
    Cause,
    ClockMoved,
    DossierAccepted,
    DossierRated,
    DossierRegistered,
    Fact,
    FactBody,
    ProcessingFinished,
    ResultReturned,
    StepCompleted,
    SupplementReceived,
    SupplementRequested,
)
from contracts.words import Channel, NationalStatus, Outcome, Step
from services.analytics.domain.batch import Record
from tests.fakes.analytics import MemoryFacts

START: Final = datetime(2020, 1, 31, 23, 30, 0, 123456, tzinfo=UTC)
DUE: Final = datetime(2020, 2, 14, 10, 0, tzinfo=UTC)

LIFE: Final[tuple[tuple[FactBody, NationalStatus], ...]] = (
    (DossierRegistered(applicant="a" * 32), NationalStatus.REGISTERED),
    (DossierAccepted("H52.18-200201-0001", START, DUE, "nd61"), NationalStatus.ACCEPTED),
    (StepCompleted(Step.APPRAISE), NationalStatus.IN_PROGRESS),
    (SupplementRequested("missing_paper", 600), NationalStatus.WAITING_SUPPLEMENT),
    (SupplementReceived(DUE, 90), NationalStatus.IN_PROGRESS),
    (StepCompleted(Step.STAMP), NationalStatus.IN_PROGRESS),
    (ProcessingFinished(Outcome.EARLY, DUE), NationalStatus.FINISHED),
    (ResultReturned(), NationalStatus.RETURNED),
    (DossierRated(5), NationalStatus.RETURNED),
)


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
    )


def fill(topic: MemoryFacts, dossiers: int, rng: random.Random, *, noise: bool = True) -> None:
    """Lives of `dossiers` dossiers over the partitions, up to random ends.

    With `noise` the workflow repeats what it had said since some earlier record, as after a crash, and
    undecodable records stand in between.
    """
    partitions = sorted(topic.records)
    for partition in partitions:
        told: list[bytes] = []
        ids = [n for n in range(dossiers) if partitions[n % len(partitions)] == partition]
        ends = {n: rng.randint(1, len(LIFE)) for n in ids}
        steps = [(n, seq) for seq in range(1, len(LIFE) + 1) for n in ids if seq <= ends[n]]
        offset = -1
        for n, seq in steps:
            offset += 1 if seq % 2 or offset < 0 else 0
            body, status = LIFE[seq - 1]
            place = sum(1 for line in told if json.loads(line)["cause"][1] == offset)
            one = fact(
                body,
                dossier=n,
                seq=seq,
                cause=Cause(partition, offset, place),
                at=START + timedelta(days=seq, seconds=n),
                status=status,
                due=DUE if seq > 1 else None,
                agency=f"H52.{18 + n % 3}",
            )
            told.append(encode(one))
            topic.append(partition, told[-1], one.dossier_id.encode())
            if noise and rng.random() < 0.1:
                for again in told[-rng.randint(1, 8) :]:
                    topic.append(partition, again)
            if noise and rng.random() < 0.02:
                topic.append(partition, rng.choice([b"\xff\xfe", b"{}", None]))
        moved = ClockMoved(cause=Cause(partition, offset + 1, 0), to=START + timedelta(days=400))
        topic.append(partition, encode(moved), None)


@dataclass
class Truth:
    """What must come out: the first place of each (dossier, seq), and the clocks."""

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
            identity = (told["dossier_id"], told["seq"])
            found.places.setdefault(identity, (record.partition, record.offset))
            found.types.setdefault(identity, told["body"]["type"])
    return found


def _told(value: bytes | None) -> dict[str, Any] | None:
    try:
        told = json.loads(value or b"")
    except ValueError:
        return None
    return told if isinstance(told, dict) and "record" in told else None
