"""Who waits for which outcome.

A replica reads every outcome and keeps only those somebody here waits for. A repeated outcome (after a
crash of the workflow) finds nobody waiting and passes by.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any

from contracts.outcomes import CommandOutcome
from services.intake.application.metrics import Metrics

Asked = tuple[str, str]
"""A command's id and its fingerprint: the same key may, wrongly, come with two different bodies."""


class Waiters:
    """Futures by what was asked. Two requests that ask the same under one key share its outcome."""

    def __init__(self, metrics: Metrics) -> None:
        self._futures: dict[Asked, set[asyncio.Future[CommandOutcome]]] = defaultdict(set)
        self._metrics = metrics
        self._closing = asyncio.Event()

    def __bool__(self) -> bool:
        """Whether anybody waits at all."""
        return bool(self._futures)

    def expect(self, asked: Asked) -> asyncio.Future[CommandOutcome]:
        """A future for the next outcome of what was `asked`. Take it before the command is sent."""
        future: asyncio.Future[CommandOutcome] = asyncio.get_running_loop().create_future()
        self._futures[asked].add(future)
        return future

    def forget(self, asked: Asked, future: asyncio.Future[CommandOutcome]) -> None:
        """Nobody waits on `future` any more."""
        waiting = self._futures.get(asked)
        if waiting is not None:
            waiting.discard(future)
            if not waiting:
                del self._futures[asked]

    def resolve(self, outcome: CommandOutcome) -> None:
        """An outcome came by."""
        for future in self._futures.pop((outcome.command_id, outcome.fingerprint), ()):
            if not future.done():
                future.set_result(outcome)

    async def wait(self, future: asyncio.Future[CommandOutcome], seconds: float) -> CommandOutcome | None:
        """The outcome, or None when `seconds` are over or the process is stopping."""
        closing = asyncio.ensure_future(self._closing.wait())
        either: set[asyncio.Future[Any]] = {future, closing}
        try:
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            closing.cancel()
        answered = future.done() and not future.cancelled()
        self._metrics.outcomes.labels("answered" if answered else "timed_out").inc()
        return future.result() if answered else None

    def close(self) -> None:
        """Let everybody go: the commands stand, and their answers can be asked for elsewhere."""
        self._closing.set()
