"""Topics in memory, as the operators' tools see them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from contracts.headers import Headers
from contracts.topics import COMMANDS, FACTS, STATES
from services.workflow.adapters.topics import Raw, Topics
from tests.crash.harness.cluster import Topics as Cut

AT = 1_750_000_000_000


class MemoryTopics(Topics):
    """Starts empty; everything is committed."""

    def __init__(self) -> None:
        super().__init__(["127.0.0.1:1"])
        self.rows: defaultdict[tuple[str, int], list[Raw]] = defaultdict(list)

    def take(self, cut: Cut, partition: int) -> None:
        """What a worker made of a partition."""
        for record in cut.commands:
            self.append(COMMANDS, partition, record.key, record.value, [])
        for _, data in cut.facts:
            self.append(FACTS, partition, None, data, [])
        for key, data in cut.states:
            self.append(STATES, partition, key.encode(), data, [])

    def read(self, topic: str, partition: int) -> Iterator[Raw]:
        yield from list(self.rows[topic, partition])

    def committed(self, partitions: Iterable[int]) -> dict[int, int]:
        return {number: len(self.rows[COMMANDS, number]) for number in partitions}

    def append(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, headers: Headers
    ) -> int:
        rows = self.rows[topic, partition]
        rows.append(Raw(partition, len(rows), AT + len(rows), key, value, tuple(headers)))
        return len(rows) - 1
