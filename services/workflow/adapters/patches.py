"""What is changed in Faust and aiokafka, each for a reason and each with a test that fails without it.

Holds for exactly the releases that :mod:`services.workflow.adapters.worker` asserts at start.
"""

from __future__ import annotations

import time
from typing import Any

from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread

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
