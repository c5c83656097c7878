"""The ports of a stack, all on 127.0.0.1: fixed ones a developer can remember, or free ones."""

from __future__ import annotations

import contextlib
import itertools
import secrets
import socket
from typing import Final

import psutil
from msgspec import Struct

from deploy.local.errors import StackError

HOST = "127.0.0.1"

_FREE: Final = range(16_384, 32_768)
"""Where free ports are looked for. From 32 768 on systems take those of connections going out."""
_turn: Final = itertools.count(secrets.randbelow(len(_FREE)))


class Ports(Struct, frozen=True, kw_only=True):
    """One port a process."""

    intake: int = 8801
    analytics: int = 8802
    workflow: int = 8803
    broker: int = 9392
    warehouse: int = 9393

    def by_name(self) -> dict[str, int]:
        """Process name to port."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


def ports_from(base: int, more: int = 0) -> Ports:
    """Five ports in a row from `base`. Raises ValueError when they, and `more`, do not fit below 65536."""
    last = 65_531 - more
    if not 1 <= base <= last:
        raise ValueError(f"--port-base must lie between 1 and {last}, got {base}")
    return Ports(intake=base, analytics=base + 1, workflow=base + 2, broker=base + 3, warehouse=base + 4)


def free_ports(count: int) -> list[int]:
    """`count` different ports nobody listens on now.

    Nothing takes one before its server listens: no connection going out, no other call, which goes on where
    this one stopped, and hardly a process beside, which began elsewhere. Raises StackError when there are not
    so many.
    """
    tried = (_FREE[next(_turn) % len(_FREE)] for _ in _FREE)
    found = list(itertools.islice(filter(is_free, tried), count))
    if len(found) < count:
        raise StackError(f"{count} free ports are needed, and there are {len(found)}")
    return found


def any_free() -> Ports:
    """Free ports for a whole stack."""
    return Ports(**dict(zip(Ports.__struct_fields__, free_ports(len(Ports.__struct_fields__)), strict=True)))


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a closed connection's rest is no holder
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
        return True


def holder(port: int) -> str:
    """Who listens on `port`, in words: `pid 123 (name)`, or that it cannot be seen."""
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections(kind="inet"):
            local = connection.laddr
            if connection.status != psutil.CONN_LISTEN or not local or local.port != port:
                continue
            if connection.pid:
                with contextlib.suppress(psutil.Error):
                    return f"pid {connection.pid} ({psutil.Process(connection.pid).name()})"
                return f"pid {connection.pid}"
    return "a process of another user"
