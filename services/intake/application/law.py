"""Law in: enacted in ``law.v1``, forwarded to every partition of the commands, then in force here.

Any replica may forward what another enacted and left behind; repeats are harmless, because the workflow
skips versions it has. Order is kept by one rule: no version is sent before the previous one is acked
everywhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from contracts.codec import UndecodableError, decode_law, encode
from contracts.commands import LawChanged
from contracts.headers import cloud_event
from contracts.identity import derived_id
from contracts.law import LawChange, LawEnacted, LawForwarded
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, LAW
from services.intake.application.metrics import Metrics
from services.intake.domain.lawbook import LawBook, LawCorruptError, entries
from services.intake.ports import Ack, BrokenLogError, Broker, Record, Unavailable

_log = logging.getLogger(__name__)


class LawDesk:
    """The law at this door. `book.in_force` is what requests are checked against."""

    def __init__(
        self, broker: Broker, metrics: Metrics, now: Callable[[], datetime], *, patience: float
    ) -> None:
        self.book = LawBook()
        self._broker = broker
        self._metrics = metrics
        self._now = now
        self._patience = patience
        self._read_to = -1
        self._moved = asyncio.Event()
        self._enacting = asyncio.Lock()
        self._forwarding = asyncio.Lock()

    def read(self, record: Record) -> None:
        """The next record of ``law.v1``. Raises BrokenLogError for what is none."""
        try:
            void = self.book.apply(decode_law(record.value))
        except (UndecodableError, LawCorruptError) as error:
            raise BrokenLogError(f"{LAW} offset {record.offset}: {error}") from error
        if void:
            self._metrics.law_void.inc(void)
            _log.warning("%s offset %d: %d changes are void", LAW, record.offset, void)
        self._read_to = record.offset
        self._metrics.law_version.set(self.book.forwarded)
        self._metrics.law_unforwarded.set(self.book.enacted - self.book.forwarded)
        event, self._moved = self._moved, asyncio.Event()
        event.set()

    async def enact(self, author: str, changes: Sequence[LawChange]) -> tuple[int, int]:
        """Make `changes` law, forward them and wait until they are in force here.

        Returns the version in force and how many changes were new. Changes identical to what stands are
        dropped, so repeating a request is harmless. Raises Refused, also (version_not_newer,
        seal_taken) when another door enacted the same version or seal first, which shows only once both
        stand in the log; Unavailable.
        """
        async with self._enacting:
            news = self.book.news(changes)
            for entry in entries(author, news):
                ack = await self._acked(self._broker.send(LAW, encode(entry)))
                await self._until_read(ack.offset)
            await self.forward()
            for change in news:
                if why := self.book.why_void(change, f"changes[{changes.index(change)}]"):
                    raise why
            return self.book.forwarded, len(news)

    async def forward(self) -> None:
        """Send every version enacted and not yet forwarded to every partition. Raises Unavailable."""
        async with self._forwarding:
            waiting = self.book.waiting()
            for version, entry in waiting:
                await self._to_every_partition(version, entry)
            if waiting:
                through = waiting[-1][0]
                await self._acked(self._broker.send(LAW, encode(LawForwarded(through=through))))
                await self._until(lambda: self.book.forwarded >= through)

    async def say_again(self) -> None:
        """Repeat what is forwarded: a record that changes nothing, to see whether the log takes records.

        Does nothing before there is any law. Raises Unavailable.
        """
        if self.book.forwarded:
            await self._acked(self._broker.send(LAW, encode(LawForwarded(through=self.book.forwarded))))

    async def keep_forwarded(self, interval: float) -> None:
        """For ever: forward what another replica enacted and left behind for a whole `interval` seconds."""
        left = 0
        while True:
            await asyncio.sleep(interval)
            if 0 < left <= self.book.enacted and self.book.forwarded < left:
                try:
                    await self.forward()
                except Unavailable as error:
                    _log.warning("law left unforwarded, trying again: %s", error.reason)
            left = self.book.enacted

    async def _to_every_partition(self, version: int, entry: LawEnacted) -> None:
        value = encode(LawChanged(version=version, changes=entry.changes))
        now = self._now()
        sent = [
            self._broker.send(
                COMMANDS,
                value,
                partition=partition,
                headers=cloud_event(
                    id=derived_id(f"law/{version}", f"partition/{partition}"),
                    source="intake",
                    type="LawChanged",
                    time=now,
                    subject="law",
                ),
            )
            for partition in range(DOSSIER_PARTITIONS)
        ]
        for future in sent:
            await self._acked(future)

    async def _acked(self, sent: asyncio.Future[Ack]) -> Ack:
        try:
            # Not wait_for: that of Python 3.11 forgets a cancellation that comes together with the ack.
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(sent)
        except TimeoutError as error:
            raise Unavailable("not_acked") from error

    async def _until_read(self, offset: int) -> None:
        await self._until(lambda: self._read_to >= offset)

    async def _until(self, reached: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while not reached():
                    await self._moved.wait()
        except TimeoutError as error:
            raise Unavailable("law_not_read_back") from error
