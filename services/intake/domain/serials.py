"""Serial numbers of legal dossier codes: blocks of 20 a day and agency, the first claim wins.

Every replica reads all claims in their one order and so agrees with the others on who owns which block.
Numbers may stay unused; none is ever given twice, and after 9 999 the day is full. A pure state
machine: claims go in in log order, numbers come out.
"""

from __future__ import annotations

from collections import deque
from datetime import date
from typing import Annotated, Final

from msgspec import Meta, Struct

from contracts.codes import LAST_SERIAL
from contracts.words import AgencyCode
from services.intake.domain.commands import SerialKey
from services.intake.domain.refusals import DOSSIER_CODE_CIRCULAR, Refused

BLOCK: Final = 20
LOW: Final = 4
"""With fewer numbers left, the next block is claimed ahead of need: reading a claim back takes time."""

SCARCE_SERIAL: Final = 9_000
_BLOCKS: Final = LAST_SERIAL // BLOCK + 1


class SerialClaim(Struct, frozen=True, kw_only=True):
    """A record of ``intake.serials.v1``: `claimant` wants block `block` (numbers from 20*block + 1)."""

    agency: AgencyCode
    day: date
    block: Annotated[int, Meta(ge=0, lt=_BLOCKS)]
    claimant: Annotated[str, Meta(min_length=1, max_length=100)]

    @property
    def key(self) -> SerialKey:
        """What the claim is counted by."""
        return SerialKey(self.agency, self.day)

    @property
    def serials(self) -> range:
        """The numbers of the block."""
        first = self.block * BLOCK + 1
        return range(first, min(first + BLOCK - 1, LAST_SERIAL) + 1)


class _Day:
    """One agency's day: blocks taken by anyone, claims of ours under way, numbers of ours to give."""

    __slots__ = ("free", "pending", "taken", "wanted")

    def __init__(self) -> None:
        self.taken = 0  # bit n: block n has an owner
        self.pending = 0  # bit n: we claimed block n and have not read the claim back yet
        self.free: deque[int] = deque()
        self.wanted = 0


class SerialLedger:
    """The claims read so far and the numbers this process owns.

    `claimant` names this run of this process: numbers of an earlier run are never given again, because
    nobody knows which of them it had used.
    """

    def __init__(self, claimant: str) -> None:
        self.claimant = claimant
        self._days: dict[SerialKey, _Day] = {}

    def want(self, key: SerialKey, count: int) -> None:
        """`count` more numbers are needed (negative: fewer)."""
        self._day(key).wanted += count

    def take(self, key: SerialKey, count: int) -> list[int]:
        """Up to `count` numbers that are ours; they no longer count as wanted."""
        day = self._day(key)
        serials = [day.free.popleft() for _ in range(min(count, len(day.free)))]
        day.wanted -= len(serials)
        return serials

    def give_back(self, key: SerialKey, serials: list[int]) -> None:
        """Numbers taken but not used after all."""
        self._day(key).free.extendleft(reversed(serials))

    def plan(self, key: SerialKey) -> list[SerialClaim]:
        """Claims to publish now, for all that is wanted and soon will be; they count as under way.

        Raises Refused (serial_exhausted) when nothing is free, nothing under way and no block left.
        """
        day = self._day(key)
        missing = day.wanted - len(day.free) - BLOCK * day.pending.bit_count()
        if missing <= 0 and day.free and len(day.free) < LOW and not day.pending:
            missing = 1
        claims: list[SerialClaim] = []
        block = (day.taken | day.pending).bit_length()
        while missing > 0 and block < _BLOCKS:
            claims.append(SerialClaim(agency=key.agency, day=key.day, block=block, claimant=self.claimant))
            day.pending |= 1 << block
            missing -= BLOCK
            block += 1
        if day.wanted > 0 and not day.free and not day.pending:
            raise Refused(
                "serial_exhausted",
                f"Cơ quan {key.agency} đã cấp hết {LAST_SERIAL} số hồ sơ của ngày {key.day.isoformat()}",
                field="agency",
                legal_ground=DOSSIER_CODE_CIRCULAR,
            )
        return claims

    def apply(self, claim: SerialClaim) -> bool:
        """The next claim of the log; True when it won its block."""
        day = self._day(claim.key)
        bit = 1 << claim.block
        won = not day.taken & bit
        day.taken |= bit
        if claim.claimant == self.claimant:
            day.pending &= ~bit
            if won:
                day.free.extend(claim.serials)
        return won

    def dropped(self, claim: SerialClaim) -> None:
        """A claim of ours was not acked. If it reached the log after all, :meth:`apply` still counts it."""
        self._day(claim.key).pending &= ~(1 << claim.block)

    def _day(self, key: SerialKey) -> _Day:
        day = self._days.get(key)
        if day is None:
            day = self._days[key] = _Day()
        return day
