"""What must be durable before what: law in every partition before it is in force, numbers never lost."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from contracts.codec import encode
from contracts.law import LawEnacted, LawForwarded
from contracts.topics import DOSSIER_PARTITIONS, LAW
from services.intake.domain.commands import SerialKey
from services.intake.ports import Unavailable
from tests.fakes.intake_broker import MemoryLog, Stored
from tests.fakes.intake_desk import AGENCY, desk, in_loop, law_in, procedure, until

KEY = SerialKey(AGENCY, date(2026, 3, 5))


@in_loop
async def test_law_is_forwarded_only_when_every_partition_has_acked_it() -> None:
    log = MemoryLog()
    law_in(log)
    async with desk(log) as d:
        enacted = LawEnacted(author="a", changes=(procedure("2.000908"),))
        log.append(LAW, 0, Stored(None, encode(enacted), {}))
        d.broker.hold = True
        forwarding = asyncio.create_task(d.intake.law.forward())
        await until(lambda: d.gate.records >= DOSSIER_PARTITIONS)
        for _ in range(20):
            await asyncio.sleep(0)  # all that could run without an ack has run
        assert d.gate.records == DOSSIER_PARTITIONS
        d.broker.down = True
        d.broker.release()
        with pytest.raises(Unavailable, match="not_acked"):
            await forwarding
        d.broker.down = d.broker.hold = False
        assert LawForwarded(through=2) not in d.law_entries()
        assert "2.000908" not in d.intake.law.book.in_force.procedures
        await d.intake.law.forward()
        assert d.law_entries()[-1] == LawForwarded(through=2)


@in_loop
async def test_numbers_taken_for_a_request_that_fails_go_to_the_next() -> None:
    async with desk(patience=0.5) as d:
        serials = d.intake.door.serials
        assert await serials.reserve(KEY, 1) == [1]
        d.broker.hold = True
        with pytest.raises(Unavailable, match="serials_not_claimed"):
            await serials.reserve(KEY, 25)  # takes 19, and waits in vain for the next block
        d.broker.hold = False
        d.broker.release()
        assert await serials.reserve(KEY, 20) == list(range(2, 22))
        assert d.metric("serial_blocks_total", result="won") == 2
