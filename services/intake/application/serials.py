"""Getting serial numbers: claims go out, are read back in the one order, and numbers come in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from contracts.codec import encode
from contracts.topics import SERIALS
from services.intake.application.metrics import Metrics
from services.intake.domain.commands import SerialKey
from services.intake.domain.refusals import Refused
from services.intake.domain.serials import SCARCE_SERIAL, SerialClaim, SerialLedger
from services.intake.ports import Ack, BrokenLogError, Broker, Record, Unavailable

_log = logging.getLogger(__name__)
_decoder: Final = msgspec.json.Decoder(SerialClaim)


class SerialDesk:
    """The numbers this process may give out."""

    def __init__(self, broker: Broker, claimant: str, metrics: Metrics, *, patience: float) -> None:
        self._broker = broker
        self._ledger = SerialLedger(claimant)
        self._metrics = metrics
        self._patience = patience
        self._changed = asyncio.Event()
        self._failures = 0

    def read(self, record: Record) -> None:
        """The next record of the topic of claims. Raises BrokenLogError for what is no claim.

        Passing over it would let this replica disagree with another about who owns a block.
        """
        try:
            claim = _decoder.decode(record.value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BrokenLogError(f"{SERIALS} offset {record.offset} is no claim: {error}") from error
        won = self._ledger.apply(claim)
        if claim.claimant != self._ledger.claimant:
            return
        self._metrics.serial_blocks.labels("won" if won else "lost").inc()
        if won and claim.serials[-1] > SCARCE_SERIAL:
            self._metrics.serials_scarce.inc()
            _log.warning("agency %s is at number %d of 9999 of a day", claim.agency, claim.serials[-1])
        self._wake()

    async def reserve(self, key: SerialKey, count: int) -> list[int]:
        """`count` numbers nobody else has. Raises Refused (serial_exhausted), Unavailable."""
        taken: list[int] = []
        failures = self._failures
        self._ledger.want(key, count)
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    taken += self._ledger.take(key, count - len(taken))
                    if len(taken) == count:
                        self._claim_ahead(key)
                        return taken
                    # The event before the claims: one read back meanwhile must not be missed.
                    changed = self._changed
                    self._send(self._ledger.plan(key))
                    await changed.wait()
                    if self._failures > failures:
                        # A claim of ours failed: the broker is in trouble, and trying on would add to it.
                        raise Unavailable("serials_not_claimed")
        except TimeoutError as error:
            raise Unavailable("serials_not_claimed") from error
        finally:
            if len(taken) < count:
                self._ledger.want(key, len(taken) - count)
                self._ledger.give_back(key, taken)

    def _claim_ahead(self, key: SerialKey) -> None:
        with suppress(Refused, Unavailable):  # nobody waits for these numbers yet
            self._send(self._ledger.plan(key))

    def _send(self, claims: list[SerialClaim]) -> None:
        for place, claim in enumerate(claims):
            key = f"{claim.agency}|{claim.day.isoformat()}".encode()
            try:
                sent = self._broker.send(SERIALS, encode(claim), key=key)
            except Unavailable:
                for unsent in claims[place:]:
                    self._ledger.dropped(unsent)
                raise
            sent.add_done_callback(self._on_ack(claim))

    def _on_ack(self, claim: SerialClaim) -> Callable[[asyncio.Future[Ack]], None]:
        def done(sent: asyncio.Future[Ack]) -> None:
            if sent.cancelled() or sent.exception() is not None:
                self._ledger.dropped(claim)
                self._failures += 1
                self._wake()

        return done

    def _wake(self) -> None:
        event, self._changed = self._changed, asyncio.Event()
        event.set()
