"""The broker the tests run on: Tansu, or Apache Kafka when MOTCUA_TEST_BROKER says so.

A broker of a test's own costs a fraction of a second with Tansu and some seconds with Apache Kafka, whose
servers here are those of the one-machine stack, with the settings it gives them.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib
import os
import shutil
import signal
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from deploy.local.apache import Apache
from deploy.local.broker import BrokerKind, StackBroker, Tansu
from deploy.local.home import Home
from deploy.local.leash import leashed
from deploy.local.ports import free_ports

with warnings.catch_warnings():
    # While it is imported, and only then, kafka-python calls functions Python 3.11 deprecates; here
    # every warning is an error.
    warnings.filterwarnings("ignore", "(open|read)_text is deprecated", DeprecationWarning)
    ensure_topics = importlib.import_module("deploy.kafka.topics").ensure_topics
    base_environment = importlib.import_module("deploy.local.plan").base_environment

KIND: Final = BrokerKind(os.environ.get("MOTCUA_TEST_BROKER", BrokerKind.TANSU))
START_SECONDS: Final = {BrokerKind.TANSU: 30.0, BrokerKind.APACHE: 120.0}
STOP_SECONDS: Final = 10.0

needs_apache: Final = pytest.mark.skipif(
    KIND is not BrokerKind.APACHE, reason="shows what only Apache Kafka does: make test-kafka"
)


class OwnBroker:
    """A broker of one test, of `size` processes; `start` and `kill` work on all of them or on one by name."""

    def __init__(self, folder: Path, size: int = 1, kind: BrokerKind = KIND) -> None:
        """`folder` keeps data and logs."""
        self._home = Home(folder / "broker")
        self._home.logs.mkdir(parents=True, exist_ok=True)
        self._broker = _made(self._home, size, kind)
        self._broker.prepare(lambda _: None)
        specs = self._broker.processes(base_environment(os.environ))
        self._specs: Final = {spec.name: spec for spec in specs}
        self._running: Final[dict[str, subprocess.Popen[bytes]]] = {}

    @property
    def bootstrap(self) -> str:
        """host:port[,host:port]"""
        return self._broker.bootstrap

    @property
    def names(self) -> list[str]:
        """Its processes."""
        return list(self._specs)

    def start(self, *names: str, topics: bool = True) -> None:
        """Start the processes (default: all); with `topics`, wait until every topic is there."""
        for name in names or self._specs:
            spec = self._specs[name]
            with (self._home.logs / f"{name}.log").open("ab") as log:
                self._running[name] = subprocess.Popen(
                    leashed(spec.command, signal.SIGKILL),
                    env=dict(spec.env),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
        if topics:
            patience = START_SECONDS[self._broker.kind]
            ensure_topics(self.bootstrap, self._broker.replication, patience=patience)

    def kill(self, *names: str) -> None:
        """SIGKILL, to all or to some; harmless when they are down."""
        processes = [
            self._running.pop(name) for name in names or tuple(self._running) if name in self._running
        ]
        for process in processes:
            process.kill()
        for process in processes:
            process.wait(STOP_SECONDS)


@contextlib.contextmanager
def running_broker(folder: Path, size: int = 1, *, topics: bool = True) -> Iterator[str]:
    """Bootstrap address of a broker that lives as long as the block."""
    broker = OwnBroker(folder, size)
    try:
        broker.start(topics=topics)
        yield broker.bootstrap
    finally:
        broker.kill()


def _made(home: Home, size: int, kind: BrokerKind) -> StackBroker:
    if kind is BrokerKind.TANSU:
        return Tansu(home, free_ports(1)[0])
    ports = free_ports(2 * size)
    made = Apache(home, "log", tuple(ports[:size]), tuple(ports[size:]))
    if not made.folder.exists():
        shutil.copytree(_formatted(size), made.folder)
    return made


@functools.cache
def _formatted(size: int) -> Path:
    """The data of a cluster that has never run, made once: making it starts Java a few times more."""
    scratch = Path(tempfile.mkdtemp(prefix="motcua-kafka-"))
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    model = Apache(Home(scratch), "log", tuple(range(1, size + 1)), tuple(range(size + 1, 2 * size + 1)))
    model.prepare(lambda _: None)
    return model.folder
