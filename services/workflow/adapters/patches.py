"""What is changed in Faust and aiokafka, each for a reason and each with a test that fails without it.

Holds for exactly the releases that :mod:`services.workflow.adapters.worker` asserts at start.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from functools import partial
from types import CoroutineType, coroutine
from typing import Any, Final

from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport.consumer import Consumer
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode import Service
from mode.services import WaitResults

from services.workflow.engine.lease import Lease


def patch_fetch_wait(milliseconds: int) -> None:
    """Let Faust's consumer wait this long for new records; its own 1 500 ms is a constant.

    A broker that does not wake a waiting fetch would otherwise add most of it to every command.
    """
    original = AIOKafkaConsumerThread._create_worker_consumer
    if hasattr(original, "original"):
        original = original.original

    def create(self: Any, transport: Any) -> Any:
        consumer = original(self, transport)
        consumer._fetch_max_wait_ms = milliseconds
        return consumer

    create.original = original  # type: ignore[attr-defined]  # so that patching twice does not stack
    AIOKafkaConsumerThread._create_worker_consumer = create  # type: ignore[method-assign]  # the patch


def patch_heartbeat(lease: Lease) -> None:
    """Let every heartbeat the coordinator answers renew the lease, as of the moment it was sent."""
    original = GroupCoordinator._do_heartbeat
    if hasattr(original, "original"):
        original = original.original

    async def beat(self: Any) -> Any:
        sent = time.monotonic()
        answered = await original(self)
        if answered:
            lease.renew(sent)
        return answered

    beat.original = original  # type: ignore[attr-defined]  # so that patching twice does not stack
    GroupCoordinator._do_heartbeat = beat


def patch_hand_over() -> None:
    """Let Faust's consumer hand a record on without four tasks for each, as long as nothing has to wait.

    It races handing on a record against being told to stop, and starts tasks to do so. Mostly the record is
    handed on at once; only what does not come through in one go is raced, from where it stopped.
    """
    original = Service.wait_first

    async def wait_first(self: Any, *awaited: Any, **limits: Any) -> Any:
        if len(awaited) != 2 or limits or not all(isinstance(one, CoroutineType) for one in awaited):
            return await original(self, *awaited, **limits)
        handing, told = awaited
        try:
            waits_for = handing.send(None)
        except StopIteration:
            told.close()
            return _HANDED_ON
        except BaseException:
            told.close()
            raise
        return await original(self, _rest(handing, waits_for), told)

    Consumer.wait_first = wait_first  # type: ignore[method-assign]  # the patch


_HANDED_ON: Final = WaitResults([], [], False)


async def _rest(begun: CoroutineType[Any, Any, Any], waits_for: Any) -> Any:
    """A coroutine already begun, from where it waits."""
    return await _driven(begun, waits_for)


@coroutine
def _driven(begun: CoroutineType[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    while True:
        try:
            answer = yield waits_for
        except BaseException as error:
            step = partial(begun.throw, error)
        else:
            step = partial(begun.send, answer)
        try:
            waits_for = step()
        except StopIteration as end:
            return end.value
