"""``python -m deploy.local.warehouse --listen 127.0.0.1:PORT --path DIR``

Exit codes: 0 after SIGTERM or SIGINT, 2 when the address or the path cannot be had. Logs to stderr.
"""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import signal
import socket
import sys
import threading
from dataclasses import fields
from functools import reduce
from pathlib import Path

from deploy.local.warehouse.engine import Engine, PathUnavailableError
from deploy.local.warehouse.limits import Limits
from deploy.local.warehouse.server import Server

_log = logging.getLogger("warehouse")


def main() -> int:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local.warehouse", description=__doc__)
    parser.add_argument("--listen", type=_loopback, required=True, metavar="127.0.0.1:PORT")
    parser.add_argument("--path", type=Path, required=True, metavar="DIR")
    parser.add_argument("--limit", type=_limit, action="append", default=[], metavar="NAME=NUMBER")
    arguments = parser.parse_args()
    logging.basicConfig(
        stream=sys.stderr,
        level=os.environ.get("MOTCUA_LOG", "INFO"),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        listener = _bind(arguments.listen)
        engine = Engine(arguments.path)
    except (OSError, PathUnavailableError) as error:
        _log.error("%s", error)
        return 2
    limits = reduce(Limits.having, arguments.limit, Limits())
    server = Server(listener, engine, limits)
    server.start()
    host, port = listener.getsockname()[:2]
    _log.info("serving %s on %s:%d", arguments.path, host, port)
    stop.wait()
    if not server.stop():
        # Closing the engine under a running statement is not safe; an end without closing is, because
        # it is what the engine recovers from after a kill.
        _log.warning("statements still run after %g s: leaving without closing the engine", limits.patience)
        logging.shutdown()
        os._exit(0)
    engine.close()
    _log.info("closed")
    return 0


def _loopback(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    try:
        if ipaddress.ip_address(host.strip("[]")).is_loopback and 0 <= int(port) < 65536:
            return host.strip("[]"), int(port)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected a loopback host:port (there are no passwords), got {text!r}")


def _limit(text: str) -> str:
    try:
        Limits().having(text)
    except ValueError:
        names = ", ".join(field.name for field in fields(Limits))
        raise argparse.ArgumentTypeError(f"expected one of {names} = a number, got {text!r}") from None
    return text


def _bind(address: tuple[str, int]) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise OSError(f"cannot listen on {address[0]}:{address[1]}: {error.strerror}") from error
    return listener


if __name__ == "__main__":
    sys.exit(main())
