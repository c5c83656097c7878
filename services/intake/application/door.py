"""The door: a request becomes a command in the log, or does not.

Nothing is said to be taken before all in-sync replicas have it. A time-out of the ack is "unknown":
the caller repeats with the same key, and the workflow knows the repetition.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from contracts.access import Client
from contracts.codec import encode
from contracts.commands import Command, TimeAdvanced
from contracts.headers import cloud_event
from contracts.identity import derived_id
from contracts.outcomes import CommandOutcome
from contracts.topics import COMMANDS, DOSSIER_PARTITIONS
from contracts.words import Clock
from services.intake.application.law import LawDesk
from services.intake.application.serials import SerialDesk
from services.intake.application.waiting import Waiters
from services.intake.domain.commands import Prepared, complete, prepare
from services.intake.domain.recents import Recents
from services.intake.domain.refusals import Refused, bad_shape
from services.intake.domain.requests import Ask
from services.intake.domain.roles import OWN_TIME, check_role
from services.intake.domain.times import check_range
from services.intake.ports import Ack, Broker, TooLargeError, Unavailable


class Taken(Struct, frozen=True, kw_only=True):
    """The command stands in the log. `outcome` is there when the caller waited long enough."""

    command_id: str
    dossier_id: str
    repeated: bool
    outcome: CommandOutcome | None = None


class Door:
    """Takes requests in. `patience` is the longest wait for an ack, in seconds."""

    def __init__(
        self,
        broker: Broker,
        law: LawDesk,
        serials: SerialDesk,
        waiters: Waiters,
        *,
        clock: Clock,
        now: Callable[[], datetime],
        province_key: bytes,
        patience: float,
    ) -> None:
        self._broker = broker
        self._law = law
        self.serials = serials
        self._waiters = waiters
        self._recents = Recents()
        self._clock = clock
        self._now = now
        self._province_key = province_key
        self._patience = patience

    def prepare(self, ask: Ask, client: Client) -> Prepared:
        """Check a request against roles, catalogue and clock, and give it its identity. Raises Refused."""
        return prepare(
            ask,
            client,
            self._law.book.in_force,
            now=self._now(),
            clock=self._clock,
            province_key=self._province_key,
        )

    async def take(self, ask: Ask, client: Client, wait: float) -> Taken:
        """Take one request in, and wait up to `wait` seconds for its outcome. Raises Refused, Unavailable."""
        prepared = self.prepare(ask, client)
        repeated = self.note(prepared)
        asked = (prepared.command_id, prepared.fingerprint)
        expected = self._waiters.expect(asked) if wait > 0 else None
        try:
            serial = await self._serial(prepared)
            await self._acked(self.publish(prepared, serial))
            self.acked(prepared)
            outcome = await self._waiters.wait(expected, wait) if expected is not None else None
        except BaseException:
            self.unsent(prepared)
            raise
        finally:
            if expected is not None:
                self._waiters.forget(asked, expected)
        return Taken(
            command_id=prepared.command_id,
            dossier_id=prepared.dossier_id,
            repeated=repeated or (outcome is not None and outcome.repeated),
            outcome=outcome,
        )

    def note(self, prepared: Prepared, field: str = "Idempotency-Key") -> bool:
        """Remember a command about to go out; True for a repetition. Raises Refused for a reused key, which
        came in `field`."""
        return self._recents.check(prepared, field)

    def acked(self, prepared: Prepared) -> None:
        """The command stands in the log."""
        self._recents.acked(prepared.command_id)

    def unsent(self, prepared: Prepared) -> None:
        """The command is not known to stand in the log."""
        self._recents.unsent(prepared.command_id)

    def known_serial(self, prepared: Prepared) -> int | None:
        """The number a repeated acceptance was given here before."""
        return self._recents.serial(prepared)

    def partition_of(self, prepared: Prepared) -> int:
        """Where in the log the command will stand."""
        return self._broker.partition_of(COMMANDS, prepared.dossier_id.encode())

    def publish(self, prepared: Prepared, serial: int | None) -> asyncio.Future[Ack]:
        """Hand the command to the broker. Raises Refused (too large), Unavailable."""
        if serial is not None:
            self._recents.given(prepared, serial)
        command = complete(prepared, serial)
        try:
            return self._broker.send(
                COMMANDS, encode(command), key=command.dossier_id.encode(), headers=_headers(command)
            )
        except TooLargeError as error:
            raise bad_shape(None, "Lệnh dài quá mức nhật ký nhận được") from error

    async def advance(self, client: Client, to: datetime) -> None:
        """Move the log clock of every partition to `to`. Raises Refused, Unavailable."""
        check_role(client, OWN_TIME, "đặt đồng hồ")
        if self._clock is not Clock.LOG:
            rule = "Hệ thống chạy theo đồng hồ thật, không ai đặt lại được thời gian"
            raise Refused("wrong_clock", rule)
        moment = check_range(to, "to")
        value = encode(TimeAdvanced(to=moment))
        sent = [
            self._broker.send(
                COMMANDS,
                value,
                partition=partition,
                headers=cloud_event(
                    id=derived_id(f"time/{moment.isoformat()}", f"partition/{partition}"),
                    source="intake",
                    type="TimeAdvanced",
                    time=moment,
                    subject="time",
                ),
            )
            for partition in range(DOSSIER_PARTITIONS)
        ]
        for future in sent:
            await self._acked(future)

    async def _serial(self, prepared: Prepared) -> int | None:
        if prepared.serial_key is None:
            return None
        known = self.known_serial(prepared)
        if known is not None:
            return known
        return (await self.serials.reserve(prepared.serial_key, 1))[0]

    async def _acked(self, sent: asyncio.Future[Ack]) -> Ack:
        try:
            # Not wait_for: that of Python 3.11 forgets a cancellation that comes together with the ack.
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(sent)
        except TimeoutError as error:
            raise Unavailable("not_acked") from error


def _headers(command: Command) -> list[tuple[str, bytes]]:
    return cloud_event(
        id=command.id,
        source="intake",
        type=type(command.body).__name__,
        time=command.at,
        subject=command.dossier_id,
    )
