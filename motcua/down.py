"""`motcua down`: stop the stack of a home and wait until it is gone."""

from __future__ import annotations

import argparse
import os
import signal
import time
from typing import Final

from deploy.local.home import Home, home_from, is_alive
from motcua.client import add_home
from motcua.failure import Failure

HELP: Final = "Stop the stack that runs here and wait until every process is gone."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_home(parser)
    parser.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="give up after (60)")


def run(args: argparse.Namespace) -> int:
    """0 also when nothing ran."""
    home = home_from(args.home)
    print(f"stopped the stack in {home.path}" if stop(home, args.wait) else f"no stack runs in {home.path}")
    return 0


def stop(home: Home, seconds: float) -> bool:
    """Ask the supervisor to stop, wait for it. False when none ran. Raises Failure when it takes too long."""
    running = home.running()
    if running is None:
        return False
    os.kill(running.pid, signal.SIGTERM)
    until = time.monotonic() + seconds
    while is_alive(running.pid, running.started):
        if time.monotonic() > until:
            raise Failure(f"the supervisor (pid {running.pid}) has not stopped after {seconds:g} s")
        time.sleep(0.05)
    return True
