"""Many requests at once, answered line by line, in the order of the lines.

The serial numbers of all acceptances are claimed first, each agency and day concurrently; then the
commands go out partition by partition, inside each in the order of the lines. After a line that could
not be handed over (503) no later line of the same dossier goes out: the workflow remembers what it
refused, and a retry must find the dossier as if nothing had been sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec.structs import asdict

from contracts import identity
from contracts.access import Client
from contracts.outcomes import ActionName
from services.intake.application.door import Door, Taken
from services.intake.domain.commands import Prepared, SerialKey
from services.intake.domain.decoding import decode_line
from services.intake.domain.refusals import Refused, bad_shape
from services.intake.domain.requests import Ask, BulkLine
from services.intake.ports import Ack, Unavailable

LineResult = Taken | Refused | Unavailable
Serial = int | Refused | Unavailable

_BREATH: Final = 200
"""Lines between two turns of the event loop, so that a large request does not starve the others."""


class Bulk:
    """One bulk request under way."""

    def __init__(self, door: Door, client: Client, *, patience: float) -> None:
        self._door = door
        self._client = client
        self._patience = patience

    async def take(self, lines: Sequence[bytes]) -> list[LineResult]:
        """The result of every line. Never raises for a single line."""
        prepared = await self._prepare(lines)
        serials = await self._serials(prepared)
        results: dict[int, LineResult] = {}
        sent: dict[int, tuple[Prepared, bool, asyncio.Future[Ack]]] = {}
        held_back: set[str] = set()
        for count, place in enumerate(self._in_log_order(prepared), 1):
            if count % _BREATH == 0:
                await asyncio.sleep(0)
            item = prepared[place]
            if isinstance(item, Refused):
                results[place] = item
            elif item.dossier_id in held_back:
                results[place] = Unavailable("earlier_line_not_taken")
            else:
                handed = self._hand_over(item, serials.get(place))
                if isinstance(handed, tuple):
                    sent[place] = (item, *handed)
                    continue
                results[place] = handed
                if isinstance(handed, Unavailable):
                    held_back.add(item.dossier_id)
        if sent:
            await asyncio.wait([future for _, _, future in sent.values()], timeout=self._patience)
        for place, (item, repeated, future) in sent.items():
            results[place] = self._settle(item, repeated, future)
        return [results[place] for place in range(len(lines))]

    def _in_log_order(self, prepared: Sequence[Prepared | Refused]) -> list[int]:
        """Places partition by partition, inside each as the lines stand.

        A partition's records then travel in a few large batches; taken in turns they would fill a small one
        for every partition each time the producer sends, and every reader would pay for each of them.
        """
        partitions = [-1 if isinstance(item, Refused) else self._door.partition_of(item) for item in prepared]
        return sorted(range(len(prepared)), key=partitions.__getitem__)

    def _hand_over(
        self, item: Prepared, serial: Serial | None
    ) -> tuple[bool, asyncio.Future[Ack]] | Refused | Unavailable:
        """Publish a line: whether it is a repetition, and its ack to come."""
        if isinstance(serial, Refused | Unavailable):
            return serial
        try:
            return self._door.note(item, "key"), self._door.publish(item, serial)
        except Refused as refused:
            return refused
        except Unavailable as unavailable:
            self._door.unsent(item)
            return unavailable

    async def _prepare(self, lines: Sequence[bytes]) -> list[Prepared | Refused]:
        prepared: list[Prepared | Refused] = []
        for place, line in enumerate(lines):
            if place % _BREATH == _BREATH - 1:
                await asyncio.sleep(0)
            try:
                ask = _ask(decode_line(line), self._client)
                prepared.append(self._door.prepare(ask, self._client))
            except Refused as refused:
                prepared.append(refused)
        return prepared

    async def _serials(self, prepared: Sequence[Prepared | Refused]) -> dict[int, Serial]:
        """A number for every acceptance, by its place among the lines."""
        serials: dict[int, Serial] = {}
        needing: dict[SerialKey, list[int]] = {}
        for place, item in enumerate(prepared):
            if isinstance(item, Prepared) and item.serial_key is not None:
                known = self._door.known_serial(item)
                if known is None:
                    needing.setdefault(item.serial_key, []).append(place)
                else:
                    serials[place] = known
        claims = [self._door.serials.reserve(key, len(places)) for key, places in needing.items()]
        got = await asyncio.gather(*claims, return_exceptions=True)
        for places, result in zip(needing.values(), got, strict=True):
            if isinstance(result, list):
                serials.update(zip(places, result, strict=True))
            elif isinstance(result, Refused | Unavailable):
                serials.update(dict.fromkeys(places, result))
            else:
                raise result
        return serials

    def _settle(self, item: Prepared, repeated: bool, future: asyncio.Future[Ack]) -> LineResult:
        error = future.exception() if future.done() else Unavailable("not_acked")
        if error is None:
            self._door.acked(item)
            return Taken(command_id=item.command_id, dossier_id=item.dossier_id, repeated=repeated)
        self._door.unsent(item)
        return error if isinstance(error, Unavailable) else Unavailable("not_acked")


def _ask(line: BulkLine, client: Client) -> Ask:
    registering = line.action is ActionName.REGISTER
    if registering:
        if line.dossier_key is not None or line.dossier_id is not None:
            raise bad_shape("dossier_id", "Đăng ký tạo ra hồ sơ mới nên không nêu hồ sơ nào")
        dossier = None
    elif line.dossier_key is not None and line.dossier_id is not None:
        raise bad_shape("dossier_id", "Nêu hồ sơ bằng dossier_key hoặc dossier_id, không dùng cả hai")
    elif line.dossier_key is not None:
        dossier = identity.dossier_id(client.name, line.dossier_key)
    elif line.dossier_id is not None:
        dossier = line.dossier_id
    else:
        raise bad_shape("dossier_id", f"Thao tác {line.action} cần dossier_key hoặc dossier_id")
    said = asdict(line) | {"dossier_id": dossier}
    del said["dossier_key"]
    return Ask(**said)
