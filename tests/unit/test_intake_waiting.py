"""Who waits gets the answer to what was asked, not to what another asked under the same key."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from contracts.outcomes import CommandOutcome, Result
from services.intake.application.metrics import Metrics
from services.intake.application.waiting import Waiters

OUTCOME = CommandOutcome(
    command_id="0" * 32, fingerprint="1" * 16, dossier_id="2" * 32, result=Result.ACCEPTED
)


def test_one_key_with_two_bodies_gets_two_answers() -> None:
    async def ask() -> tuple[CommandOutcome | None, CommandOutcome | None]:
        waiters = Waiters(Metrics())
        first = waiters.expect((OUTCOME.command_id, "1" * 16))
        second = waiters.expect((OUTCOME.command_id, "f" * 16))
        waiters.resolve(OUTCOME)
        assert not second.done()
        waiters.resolve(replace(OUTCOME, fingerprint="f" * 16, result=Result.REFUSED))
        return await waiters.wait(first, 1), await waiters.wait(second, 1)

    first, second = asyncio.run(ask())
    assert first is not None
    assert second is not None
    assert (first.result, second.result) == (Result.ACCEPTED, Result.REFUSED)
