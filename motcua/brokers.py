"""Finding the brokers for the commands that work on topics directly."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from deploy.kafka.admin import Admin, BrokerUnavailableError
from deploy.local.home import home_from
from motcua.client import add_home
from motcua.failure import Failure
from services.workflow.adapters.topics import Topics, TopicsUnavailableError


def add_bootstrap(parser: argparse.ArgumentParser) -> None:
    """Add `--home` and `--bootstrap`."""
    add_home(parser)
    parser.add_argument(
        "--bootstrap", metavar="HOST:PORT", help="a broker (default: MOTCUA_KAFKA, or the stack running here)"
    )


def bootstrap_of(args: argparse.Namespace) -> str:
    """The address named, in the environment, or of the stack running here. Raises Failure without any."""
    named = args.bootstrap or os.environ.get("MOTCUA_KAFKA")
    if named:
        return str(named)
    running = home_from(args.home).running()
    if running is None:
        raise Failure("no broker named: give --bootstrap or MOTCUA_KAFKA")
    return running.urls["broker"]


def connect(bootstrap: str) -> Topics:
    """The topics of brokers that answer. Raises Failure when they do not."""
    try:
        with Admin(bootstrap, connect_seconds=5):
            return Topics(bootstrap.split(","))
    except BrokerUnavailableError as error:
        raise Failure(str(error)) from error


def act_on_topics(args: argparse.Namespace) -> int:
    """Let `args.act` do what was asked with the brokers' topics. Raises Failure when they do not answer."""
    topics = connect(bootstrap_of(args))
    act: Callable[[argparse.Namespace, Topics], int] = args.act
    try:
        return act(args, topics)
    except TopicsUnavailableError as error:
        raise Failure(str(error)) from error
