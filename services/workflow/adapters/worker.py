"""The Faust worker: group membership, assignment, and records handed to the partitions' runners.

Durability is the engine's (:mod:`services.workflow.engine.runner`). Of Faust this uses neither tables nor
its producer nor its automatic acknowledgement: a record is acknowledged, in order, by the runner, once all
that follows from it is durable. No exception ever leaves the agent, since Faust would count the record as
done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import faust
from faust.sensors import Monitor

from contracts.topics import COMMANDS
from services.workflow.adapters.patches import (
    patch_commit_offset,
    patch_failed_commit,
    patch_fetch_wait,
    patch_hand_over,
    patch_heartbeat,
)
from services.workflow.engine.lease import Lease, LeaseExpiredError
from services.workflow.engine.records import Incoming
from services.workflow.engine.runner import Runner
from services.workflow.settings import GROUP, Settings

FAUST_VERSION: Final = "0.15.3"
STOP_SECONDS: Final = 8.0
WATCH_SECONDS: Final = 1.0

log = logging.getLogger(__name__)


class WrongFaustError(Exception):
    """Another release of Faust than the one whose internals this module relies on."""


class Worker:
    """The partitions this process owns. `new_runner` makes a runner, `fail` ends the process."""

    def __init__(
        self,
        settings: Settings,
        new_runner: Callable[[int], Runner],
        lease: Lease,
        fail: Callable[[BaseException], None],
    ) -> None:
        if faust.__version__ != FAUST_VERSION:
            raise WrongFaustError(f"expected faust-streaming {FAUST_VERSION}, got {faust.__version__}")
        self._new_runner = new_runner
        self._fail = fail
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self.runners: dict[int, Runner] = {}
        self.assigned = False
        self._lease = lease
        self._joined = self._stopping = False
        # Heartbeats rest while a group waits for its members; longer than this it waits in vain.
        self._join_seconds = (
            settings.broker.rebalance_timeout_seconds + settings.broker.session_timeout_seconds
        )
        patch_fetch_wait(settings.broker.fetch_max_wait_ms)
        patch_heartbeat(lease)
        patch_hand_over()
        patch_commit_offset()
        patch_failed_commit()
        self.app = _app(settings)
        topic = self.app.topic(
            COMMANDS, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        self.app.agent(topic, name="commands", concurrency=1)(self._read)
        self.app.on_partitions_assigned.connect(self._on_assigned)
        self.app.on_partitions_revoked.connect(self._on_revoked)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`. Raises when Faust itself crashed."""
        self.app.finalize()
        await self.app.start()
        watch = asyncio.create_task(self._watch(), name="session")
        watch.add_done_callback(self._ended)
        try:
            await self.app.wait_for_stopped(stop)
            if self.app.crashed:
                raise RuntimeError(f"the Faust app crashed: {self.app.crash_reason!r}")
        finally:
            self._stopping = True
            watch.cancel()
            # Without a broker, or in the middle of a rebalance, Faust waits for answers that never come, and
            # takes no cancellation either; what is not committed by then is read again and skipped.
            stopping = asyncio.create_task(self.app.stop(), name="stop")
            await asyncio.wait([stopping], timeout=STOP_SECONDS)
            if not stopping.done():
                log.warning("Faust does not stop within %g s; leaving all the same", STOP_SECONDS)
            await self._drop(set(self.runners))

    async def _watch(self) -> None:
        """End the process when the group has long forgotten this worker, also while it has nothing to write.

        A worker whose session is over does not find back reliably: after a pause the client library may wait
        for ever between two memberships, without a partition and without an error.
        """
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self._joined:
                self._lease.check(0.0 if self.runners else self._join_seconds)

    async def _read(self, stream: Any) -> None:
        try:
            async for event in stream.noack().events():
                message = event.message
                runner = self.runners.get(message.partition)
                if runner is not None:  # a record of a partition just taken away is its next owner's
                    record = Incoming(message.offset, message.key, message.value)
                    await runner.offer(record, partial(message.ack, self.app.consumer))
        except Exception as error:
            self._fail(error)
            raise

    async def _on_assigned(self, app: Any, assigned: set[Any], **_: Any) -> None:
        self._lease.renew()  # the coordinator has just given this assignment
        numbers = {tp.partition for tp in assigned if tp.topic == COMMANDS}
        await self._drop(set(self.runners) - numbers)
        for number in sorted(numbers - set(self.runners)):
            self.runners[number] = runner = self._new_runner(number)
            self._tasks[number] = task = asyncio.create_task(runner.run(), name=f"partition-{number}")
            task.add_done_callback(self._ended)
        self.assigned = self._joined = True
        log.info("assigned partitions %s", sorted(numbers))

    async def _on_revoked(self, app: Any, revoked: set[Any], **_: Any) -> None:
        self.assigned = False
        try:
            if self.runners and not self._stopping:
                self._lease.check()  # taken away because the session is over, not for a rebalance
        except LeaseExpiredError as error:
            self._fail(error)
            raise
        await self._drop({tp.partition for tp in revoked if tp.topic == COMMANDS})

    async def _drop(self, numbers: set[int]) -> None:
        for number in numbers:
            self.runners.pop(number, None)
            task = self._tasks.pop(number, None)
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._fail(task.exception() or RuntimeError(task.get_name()))


class _Quiet(Monitor):
    """Faust's own meters, without what they do for each record: nobody reads them, ours are in metrics.py."""

    def on_message_in(self, tp: Any, offset: int, message: Any) -> None:
        """Not counted."""

    def on_stream_event_in(self, tp: Any, offset: int, stream: Any, event: Any) -> None:
        """Not counted."""

    def on_stream_event_out(self, tp: Any, offset: int, stream: Any, event: Any, state: Any = None) -> None:
        """Not counted."""

    def on_message_out(self, tp: Any, offset: int, message: Any) -> None:
        """Not counted."""


class _App(faust.App):
    """Faust without its folders: nothing here has tables on a disk."""

    def _create_directories(self) -> None:
        """None: they would be made in whatever folder the process was started from."""


def _app(settings: Settings) -> Any:
    broker = settings.broker
    return _App(
        GROUP,
        broker=[f"aiokafka://{address}" for address in settings.bootstrap],
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        processing_guarantee="at_least_once",
        consumer_auto_offset_reset="earliest",
        consumer_group_instance_id=settings.instance if broker.static_membership else None,
        broker_client_id=settings.instance,
        broker_session_timeout=broker.session_timeout_seconds,
        broker_heartbeat_interval=broker.heartbeat_seconds,
        broker_rebalance_timeout=broker.rebalance_timeout_seconds,
        broker_request_timeout=max(30.0, broker.session_timeout_seconds),
        broker_commit_interval=1.0,
        Monitor=_Quiet,
        stream_wait_empty=True,
        stream_buffer_maxsize=4096,
    )
