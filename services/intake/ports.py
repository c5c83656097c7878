"""What intake needs of a broker (:class:`Broker`, its records and its failure) and of who judges signatures.

Everything here is called on the event loop's thread; an adapter brings its own threads and crosses over
by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from contracts.commands import Evidence
from contracts.headers import Headers


class Unavailable(Exception):  # noqa: N818  named for what the caller is told
    """Not now: retry later, with the same Idempotency-Key. `reason` is a code from a closed list.

    Raised also when nobody knows whether a record reached the log; the same key makes the retry safe.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TooLargeError(ValueError):
    """The record exceeds what the broker takes; retrying is of no use."""


class BrokenLogError(RuntimeError):
    """The log is not what it was or not what the contract says: stop the process, a person must look."""


class Ack(NamedTuple):
    """The place of a record that all in-sync replicas have."""

    topic: str
    partition: int
    offset: int


class Record(NamedTuple):
    """A record read from a topic."""

    topic: str
    partition: int
    offset: int
    value: bytes | None


Deliver = Callable[[Sequence[Record]], None]
Fatal = Callable[[BaseException], None]


def report_to(fatal: Fatal) -> Callable[[asyncio.Task[None]], None]:
    """A callback for a task that runs for ever: tell `fatal` what ended it."""

    def done(task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            fatal(error)

    return done


class Signatures(Protocol):
    """Who judges signed files. Raises Refused for what is no evidence, Unavailable when nobody can say."""

    async def verify_pdf(self, data: bytes, now: datetime) -> Evidence:
        """Evidence of the last signature of a PDF."""

    async def verify_detached(self, signature: bytes, document_sha256: str, now: datetime) -> Evidence:
        """Evidence of a CMS signature on the document of that hash."""


class Broker(Protocol):
    """The log as intake uses it."""

    async def open(self, deliver: Deliver, fatal: Fatal) -> None:
        """Connect, and read from then on, handing records to `deliver` in order within a partition.

        ``law.v1`` and ``intake.serials.v1`` are read from their first record; ``dossier.outcomes.v1``
        from its end, all partitions, without a group. Returns when the reader stands in every partition
        and has delivered both whole topics up to their ends; retries a broker that is not there until
        cancelled. `fatal` is called once when it cannot go on. Raises BrokenLogError.
        """

    def partition_of(self, topic: str, key: bytes) -> int:
        """The partition a record of that key goes to, when none is named."""

    def send(
        self,
        topic: str,
        value: bytes,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Headers | None = None,
    ) -> asyncio.Future[Ack]:
        """Hand a record over; never blocks. Records of one partition keep the order of the calls.

        The future yields the Ack, or raises Unavailable; it is done within a bounded time, whatever
        becomes of the broker. Raises Unavailable at once when a limit is
        reached or the broker is not open, TooLargeError for a record it would never take. A record
        without partition goes where its key says.
        """

    async def close(self, grace: float) -> None:
        """Wait up to `grace` seconds for what is under way, then let go of everything."""
