"""Real facts without a worker: `decide` folds the commands of ordinary dossiers, one after the other.

Each fact has the partition its writer would choose, and causes that grow within it: a reader that drops
repeats takes all of them. Forty dossiers go through their steps side by side, then the next forty, so that
any stretch of the log has every kind of fact.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from aiokafka.partitioner import murmur2

from bench.dossiers import command_records, law_record
from contracts.codec import decode_command, encode
from contracts.commands import Command, LawChanged
from contracts.facts import Cause, Fact, NumberDrawn
from contracts.headers import Headers, cloud_event
from contracts.topics import DOSSIER_PARTITIONS
from services.workflow.domain.decide import decide
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.law import Law
from services.workflow.domain.seals import Register, draw, draws

SIDE_BY_SIDE: Final = 40


class Told(NamedTuple):
    """A fact as it is written. `kind` is its type; a NumberDrawn is a seal's and counts for no dossier."""

    partition: int
    key: bytes
    value: bytes
    headers: Headers
    kind: str


class Teller:
    """The commands partitions, the dossiers and the seals, as far as facts follow from them."""

    def __init__(self, begun: datetime) -> None:
        self._begun = begun
        law = decode_command(law_record(begun)[1])
        if not isinstance(law, LawChanged):
            raise TypeError("the law's record is no law")
        self._law = Law().amended(law)
        self._dossiers: dict[str, Dossier | None] = {}
        self._registers: dict[str, Register] = {}
        self._next = [0] * DOSSIER_PARTITIONS

    def tell(self) -> Iterator[Told]:
        """Facts without end."""
        first = 0
        while True:
            for _, value, _ in command_records(SIDE_BY_SIDE, self._begun, first):
                command = decode_command(value)
                if isinstance(command, Command):
                    yield from self._decided(command)
            self._dossiers.clear()  # they have had their last step
            first += SIDE_BY_SIDE

    def _decided(self, command: Command) -> Iterator[Told]:
        before = self._dossiers.get(command.dossier_id)
        decision = decide(before, self._law, command, self._cause(command.dossier_id))
        self._dossiers[command.dossier_id] = decision.dossier
        if not decision.facts:
            raise ValueError(f"{type(command.body).__name__} was not accepted: {decision.outcome}")
        for fact in decision.facts:
            yield told(fact)
        for asked in draws(decision.facts):
            drawn = draw(self._registers.get(asked.seal_id), asked, self._cause(asked.seal_id))
            if drawn is None:
                raise ValueError("a stamp that is new has its number already")
            number, self._registers[asked.seal_id] = drawn
            yield told(number)

    def _cause(self, key: str) -> Cause:
        partition = partition_of(key)
        self._next[partition] += 1
        return Cause(partition, self._next[partition] - 1, 0)


def told(fact: Fact | NumberDrawn) -> Told:
    """The record of a fact."""
    if isinstance(fact, Fact):
        key, kind, place = fact.dossier_id, type(fact.body).__name__, f"{fact.dossier_id}:{fact.seq}"
    else:
        key, kind, place = fact.seal_id, type(fact).__name__, f"{fact.seal_id}:{fact.seq}"
    headers = cloud_event(id=place, source="workflow", type=kind, time=fact.at.astimezone(UTC), subject=key)
    return Told(fact.cause.partition, key.encode(), encode(fact), headers, kind)


def partition_of(key: str) -> int:
    """Where the clients of Kafka put a key."""
    return int(murmur2(key.encode()) & 0x7FFF_FFFF) % DOSSIER_PARTITIONS
