"""Run analytics: ``python -m services.analytics``. The composition root; settings come from the environment.

Exit codes: 0 stopped on request; 70 an unexpected error (start again); 71 to 77 see `errors.py` (72, a
newer writer took the lane over, cures itself by a start; the others need a person); 78 a wrong setting.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

import uvicorn

from contracts.topics import DOSSIER_PARTITIONS
from services.analytics.adapters.beside import Beside
from services.analytics.adapters.clickhouse import Connection, Pool, SinkWarehouse, check_windows
from services.analytics.adapters.clock import SystemClock
from services.analytics.adapters.kafka import (
    Appender,
    Brokers,
    KafkaDeadLetters,
    KafkaFactLog,
    KafkaIntentLog,
    KafkaLawLog,
)
from services.analytics.domain.lane import lane_name, lanes_of, partitions_of
from services.analytics.filled import Filled, unfilled
from services.analytics.mending import filler, mender
from services.analytics.metrics import Metrics
from services.analytics.migrations import migrate
from services.analytics.migrations.restore import restore
from services.analytics.naming import Naming
from services.analytics.rebuild import Hold, Rebuilder
from services.analytics.reconcile import Reconciler
from services.analytics.service import CRASHED, Lane, Service
from services.analytics.settings import SettingError, Settings, read_settings
from services.analytics.sink.loop import LaneSettings, Ports
from services.analytics.web.app import create_app
from services.analytics.web.parts import Parts

EXIT_REFUSED: Final = 78
_GROUP: Final = "analytics"
_GRACE: Final = 15
_NAMING_GRACE: Final = 3
_PROOF_SILENCE: Final = 300.0
_COLLECT_EVERY: Final = 100_000
_FETCH_WAIT: Final = {"apache": 0.25, "tansu": 0.02}

_log = logging.getLogger("services.analytics")


def _lane(
    settings: Settings,
    brokers: Brokers,
    clock: SystemClock,
    metrics: Metrics,
    confirm: Callable[[], None],
    tell: Callable[[str], None],
) -> Lane:
    partitions = partitions_of(settings.lane, DOSSIER_PARTITIONS)
    warehouse = Connection(settings.clickhouse)
    appender = Appender(brokers)

    def prepare() -> None:
        for migration in migrate(warehouse):
            _log.info("applied migration %04d_%s", migration.number, migration.name)
        for done in restore(warehouse) if settings.repair else ():
            _log.warning("put back: %s", done)
        check_windows(warehouse)

    def connect() -> Ports:
        facts = KafkaFactLog(brokers, partitions, _GROUP)
        try:
            intents = KafkaIntentLog(brokers, appender)
        except BaseException:
            facts.close()
            raise
        dead_letters = KafkaDeadLetters(appender)
        return Ports(facts, intents, dead_letters, SinkWarehouse(warehouse), clock, metrics)

    proving = Pool(settings.clickhouse, size=1, timeout=_PROOF_SILENCE)
    beside = partial(Beside, proving)
    mend = mender(lambda: KafkaFactLog(brokers, partitions), proving, beside, confirm, tell)
    return Lane(
        settings=LaneSettings(
            lane=lane_name(settings.lane),
            writer=f"{settings.instance}-{secrets.token_hex(8)}",
            partitions=partitions,
            poison_share=settings.poison_share,
        ),
        prepare=prepare,
        connect=connect,
        clock=clock,
        observer=metrics,
        mend=mend if settings.repair else None,
        fill=filler(lambda: unfilled(proving), beside, confirm),
    )


async def run(settings: Settings) -> int:
    """Serve until told to stop; the exit code."""
    clock, metrics = SystemClock(), Metrics()
    metrics.works(settings.lane, lanes_of(DOSSIER_PARTITIONS))
    wait, wakes = _FETCH_WAIT[settings.broker], settings.broker == "apache"
    brokers = Brokers(settings.kafka, wait, settings.instance, wakes)

    def tell(trouble: str) -> None:
        service.status.beat(clock.monotonic(), trouble)

    lane = _lane(settings, brokers, clock, metrics, lambda: service.confirm(), tell)

    def ended() -> None:
        server.should_exit = True

    service = Service(lane, ended)
    naming = Naming(lambda: KafkaLawLog(brokers))
    # The proof reads whole partitions: it may take its time, and takes no connection from the others.
    proving = Pool(settings.clickhouse, size=1, timeout=_PROOF_SILENCE)
    hold = Hold(service.status, service.gate, service.confirm, said=service.said, doubt=service.doubt)
    reconciler = Reconciler(
        lambda: KafkaFactLog(brokers, lane.settings.partitions),
        proving,
        hold,
        Rebuilder(partial(Beside, proving), hold),
    )
    pool, book = Pool(settings.clickhouse), naming.book
    status = service.status
    tables = Filled(pool, lanes_of(DOSSIER_PARTITIONS), lambda: status.snapshot().recovered)
    parts = Parts(settings.keys, tables, status, reconciler, metrics, clock, settings.clock, book)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(parts),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE,
        )
    )
    service.start()
    naming.start()
    await server.serve()
    await asyncio.to_thread(service.stop, _GRACE)
    await asyncio.to_thread(naming.stop, _NAMING_GRACE)
    return service.exit_code if server.started else CRASHED


def main() -> int:
    """The process."""
    try:
        settings = read_settings(os.environ)
    except SettingError as error:
        print(error, file=sys.stderr)  # noqa: T201  there is no logging yet, and this is for the operator
        return EXIT_REFUSED
    logging.basicConfig(
        stream=sys.stderr,
        level=settings.log_level,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    # A warehouse that is away is told by the sink at each try; the driver would add a traceback.
    logging.getLogger("clickhouse_driver").setLevel(logging.ERROR)
    # The client's own debug lines print keys and values.
    logging.getLogger("kafka").setLevel(max(logging.WARNING, logging.getLogger().level))
    # A batch makes tens of thousands of objects and no cycles: at the usual pace the collector walks through
    # them, and through every module, dozens of times a batch, which costs as much as decoding the facts.
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)
    # Uvicorn raises the signal again when it is done; by then the stop is complete and the exit is 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return asyncio.run(run(settings))


if __name__ == "__main__":
    sys.exit(main())
