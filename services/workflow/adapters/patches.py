"""What is changed in Faust and aiokafka, each for a reason and each with a test that fails without it.

Holds for exactly the releases that :mod:`services.workflow.adapters.worker` asserts at start.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
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


def patch_commit_offset() -> None:
    """Let Faust commit up to the highest acknowledged record.

    A runner acknowledges a record when it and all before it in the partition are durable, so the highest
    acknowledgement says everything. Faust looks for the first run of consecutive numbers instead: where a
    partition is read again some come twice, and it then commits one record an interval; where a group has
    never committed it takes the first run for the beginning.
    """

    def new_offset(self: Any, tp: Any) -> int | None:
        acked = self._acked[tp]
        if not acked:
            return None
        offset = int(max(acked)) + 1
        acked.clear()
        self._acked_index[tp].clear()
        self._gap.pop(tp, None)
        return offset

    Consumer._new_offset = new_offset  # type: ignore[method-assign]  # the patch


def patch_failed_commit() -> None:
    """Let Faust remember an offset as committed only when the broker took it, and offer it again."""
    original = Consumer._commit_offsets
    if hasattr(original, "original"):
        original = original.original

    async def commit(self: Any, offsets: Mapping[Any, int], start_new_transaction: bool = True) -> bool:
        before = {tp: self._committed_offset[tp] for tp in offsets}
        if await original(self, offsets, start_new_transaction):
            return True
        assigned = self.assignment()
        for tp, offset in offsets.items():
            if tp in assigned and self._committed_offset[tp] == offset:
                self._committed_offset[tp] = before[tp]
                self._acked[tp].append(offset - 1)
        return False

    commit.original = original  # type: ignore[attr-defined]  # so that patching twice does not stack
    Consumer._commit_offsets = commit  # type: ignore[method-assign]  # the patch
