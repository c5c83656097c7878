"""Run workflow: ``python -m services.workflow``. The composition root; settings come from the environment.

Exit codes: 0 stopped on request, 70 an unexpected error (nothing was committed after it; start again),
78 a wrong setting or a log this code must not decide on (do not just start again; read the message).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from functools import partial
from typing import Any, Final, NoReturn

import uvloop
from prometheus_client import REGISTRY

from contracts.topics import COMMANDS
from services.workflow.adapters.http import OperatorPage
from services.workflow.adapters.log import Log, wall_clock
from services.workflow.adapters.metrics import Metrics
from services.workflow.adapters.topics import keep_same, topic_id
from services.workflow.adapters.worker import STOP_SECONDS, Worker, WrongFaustError
from services.workflow.domain.engines import UnknownEngineError
from services.workflow.domain.law import LawGapError
from services.workflow.engine.lease import Lease, LeaseExpiredError
from services.workflow.engine.partition import Partition
from services.workflow.engine.records import (
    CorruptStateError,
    PartitionStuckError,
    StatesLostError,
    TopicRecreatedError,
)
from services.workflow.engine.runner import PoisonLimit, Runner, TooMuchPoisonError
from services.workflow.engine.turns import Turns
from services.workflow.settings import Settings, SettingsError, read_settings

EXIT_CRASH: Final = 70
EXIT_REFUSED: Final = 78
TOPIC_SECONDS: Final = 5.0
"""How often the brokers are asked whether the commands topic is still the same one."""

_REFUSALS: Final = (
    SettingsError,
    WrongFaustError,
    LawGapError,
    UnknownEngineError,
    CorruptStateError,
    PartitionStuckError,
    StatesLostError,
    TopicRecreatedError,
    TooMuchPoisonError,
)

log = logging.getLogger("services.workflow")


def fail(error: BaseException) -> NoReturn:
    """End the process at once: no handler, no commit, no flush may run after an unexpected error."""
    if isinstance(error, (*_REFUSALS, LeaseExpiredError)):
        log.critical("stopping: %s", error)
    else:
        log.critical("unexpected error, ending before anything is committed", exc_info=error)
    logging.shutdown()
    os._exit(EXIT_REFUSED if isinstance(error, _REFUSALS) else EXIT_CRASH)


async def _to_the_end(settings: Settings) -> NoReturn:
    """Work, then leave at once: what the libraries' threads and tasks still wait for may never come."""
    await work(settings)
    logging.shutdown()
    os._exit(0)


def _ended(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        fail(error)


async def work(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    metrics = Metrics(REGISTRY)
    ledger = Log(settings)
    lease = Lease(settings.broker.session_timeout_seconds, time.monotonic)
    ask = partial(topic_id, settings, COMMANDS)
    commands_id = await asyncio.to_thread(ask)
    turns = Turns(settings.lists_at_once)

    def new_runner(number: int) -> Runner:
        return Runner(
            Partition(number, settings.clock),
            ledger,
            metrics,
            wall_clock,
            batch_records=settings.batch_records,
            limit=PoisonLimit(settings.poison_window, settings.poison_share),
            topic_id=commands_id,
            may_write=lease.check,
            turns=turns,
        )

    worker = Worker(settings, new_runner, lease, fail)
    page = OperatorPage(settings.http_host, settings.http_port, REGISTRY, lambda: readiness(worker))
    watch = asyncio.create_task(keep_same(commands_id, ask, TOPIC_SECONDS), name="topic")
    watch.add_done_callback(
        lambda task: None if task.cancelled() else fail(task.exception() or SystemError())
    )
    await ledger.start()
    try:
        await worker.run(stop)
    finally:
        watch.cancel()
        await asyncio.wait([asyncio.create_task(ledger.stop(), name="log")], timeout=STOP_SECONDS)
        page.close()


def readiness(worker: Worker) -> dict[str, Any]:
    """Ready when this worker has its assignment and every partition of it has recovered."""
    runners = dict(worker.runners)
    partitions = [runner.partition for runner in runners.values()]
    recovering = sorted(number for number, runner in runners.items() if not runner.ready)
    return {
        "ready": worker.assigned and not recovering,
        "assigned": sorted(runners),
        "recovering": recovering,
        "parked": sum(one.parking.standing(one.last_offset) for one in partitions),
    }


def main() -> None:
    """Read the settings, run, and turn errors into exit codes."""
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"workflow: {error}\n")
        sys.exit(EXIT_REFUSED)
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    for noisy in ("aiokafka", "faust", "mode"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # Faust's consumer runs in a thread and a loop of its own: records and acks pass from one to the other.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    sys.setswitchinterval(0.0005)
    try:
        asyncio.run(_to_the_end(settings))
    except Exception as error:
        fail(error)


if __name__ == "__main__":
    main()
