"""Run intake: ``python -m services.intake``. The composition root; settings come from the environment.

Exit codes: 0 stopped on request, 70 an unexpected error (start again), 78 a wrong setting or a log that
is not what the contract says (do not just start again; read the message).
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import signal
import sys
from typing import Final

import uvicorn
import uvloop

from services.intake.adapters.clock import utc_now
from services.intake.adapters.kafka import Connection, KafkaBroker
from services.intake.adapters.signatures.process import SignatureVerifier, TrustRefusedError
from services.intake.application.intake import Intake, Terms
from services.intake.application.metrics import Metrics
from services.intake.domain.admission import Gate, Limits
from services.intake.http.app import create_app
from services.intake.ports import BrokenLogError, Signatures, Unavailable
from services.intake.settings import SettingError, Settings, read_settings

EXIT_CRASH: Final = 70
EXIT_REFUSED: Final = 78
_GRACE: Final = 15
_FETCH_WAIT_MS: Final = {"apache": 500, "tansu": 14}

_log = logging.getLogger("services.intake")


class _Server(uvicorn.Server):
    """Uvicorn that, once told to stop, lets those go first who only wait for an outcome."""

    intake: Intake

    async def shutdown(self, sockets: object = None) -> None:
        """Stop accepting, answer what is under way."""
        self.intake.stop_waiting()
        await super().shutdown()


async def run(settings: Settings) -> int:
    """Serve until told to stop; the exit code."""
    if settings.trust is None:
        return await _serve(settings, None)
    signatures = SignatureVerifier(settings.trust, os.environ)
    try:
        await signatures.start()
        return await _serve(settings, signatures)
    except TrustRefusedError as error:
        _log.critical("MOTCUA_TRUST: %s", error)
        return EXIT_REFUSED
    except Unavailable as error:
        _log.critical("stopping: %s", error.reason)
        return EXIT_CRASH
    finally:
        await signatures.close()


async def _serve(settings: Settings, signatures: Signatures | None) -> int:
    metrics, gate = Metrics(), Gate(Limits())
    connection = Connection(
        servers=settings.kafka,
        client=settings.instance,
        fetch_wait_ms=_FETCH_WAIT_MS[settings.broker],
    )
    terms = Terms(
        clock=settings.clock,
        province_key=settings.province_key,
        claimant=f"{settings.instance}/{secrets.token_hex(8)}",
        analytics_url=settings.analytics_url,
    )
    intake = Intake(KafkaBroker(connection, gate, metrics), gate, metrics, terms, utc_now, signatures)
    server = _Server(
        uvicorn.Config(
            create_app(intake, settings.keys),
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_GRACE,
        )
    )
    server.intake = intake
    code = 0

    def fatal(error: BaseException) -> None:
        nonlocal code
        refused = isinstance(error, BrokenLogError)
        _log.critical("stopping: %s", error, exc_info=None if refused else error)
        code = EXIT_REFUSED if refused else EXIT_CRASH
        server.should_exit = True

    def started(task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            fatal(error)

    # Listening comes first: a probe can see why the process is not ready while the broker is away.
    starting = asyncio.create_task(intake.start(fatal))
    starting.add_done_callback(started)
    await server.serve()
    starting.cancel()
    await intake.close(_GRACE)
    if not server.started:
        return EXIT_CRASH
    return code


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
    # A request passes between three threads; each of them waits this long for one that is busy.
    sys.setswitchinterval(0.0005)
    # The client's own debug lines print keys and values.
    logging.getLogger("kafka").setLevel(max(logging.WARNING, logging.getLogger().level))
    # Uvicorn raises the signal again when it is done; by then the stop is complete and the exit is 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    return int(uvloop.run(run(settings)))


if __name__ == "__main__":
    sys.exit(main())
