"""`motcua topics`: create and verify the topics on any broker."""

from __future__ import annotations

import argparse
import os
from typing import Final

from deploy.kafka.__main__ import configure as configure_replication
from deploy.kafka.__main__ import run as create_and_verify
from deploy.local.home import home_from
from motcua.client import add_home
from motcua.failure import Failure

HELP: Final = "Create the topics of the contracts on a broker, and verify those that exist."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_home(parser)
    parser.add_argument(
        "--bootstrap", metavar="HOST:PORT", help="a broker (default: MOTCUA_KAFKA, or the stack running here)"
    )
    configure_replication(parser)


def run(args: argparse.Namespace) -> int:
    """0 when the broker has every topic as the contracts say."""
    bootstrap, replication = args.bootstrap or os.environ.get("MOTCUA_KAFKA"), args.replication
    if not bootstrap:
        running = home_from(args.home).running()
        if running is None:
            raise Failure("no broker named: give --bootstrap or MOTCUA_KAFKA")
        bootstrap = running.urls["broker"]
        replication = replication or len(bootstrap.split(","))
    return create_and_verify(bootstrap, replication)
