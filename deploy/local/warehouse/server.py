"""The listener: one thread a client, and an orderly end."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from time import monotonic, sleep
from typing import Final

from deploy.local.warehouse.engine import Engine
from deploy.local.warehouse.limits import Limits
from deploy.local.warehouse.protocol import Channel
from deploy.local.warehouse.session import Session
from deploy.local.warehouse.watch import Watch

_LINGER_S: Final = 2.0
_ACCEPT_AGAIN_S: Final = 0.1

_log = logging.getLogger(__name__)


class Server:
    """Accepts clients on a bound socket. `start` returns at once; `stop` ends it."""

    def __init__(self, listener: socket.socket, engine: Engine, limits: Limits) -> None:
        self._listener = listener
        self._engine = engine
        self._limits = limits
        self._watch = Watch(engine.kill)
        self._lock = threading.Lock()
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._stopping = False
        self._acceptor = threading.Thread(target=self._accept, name="accept", daemon=True)

    def start(self) -> None:
        """Accept clients from now on."""
        self._listener.listen(128)
        self._watch.start()
        self._acceptor.start()

    def stop(self) -> bool:
        """End every connection. A statement inside the engine ends first and is answered, if patience
        lasts so long; one that waits for its client is cancelled. Whether all ended.
        """
        deadline = monotonic() + self._limits.patience
        self._watch.stop()  # the ends its clients' sockets get now are ours
        with self._lock:
            self._stopping = True
            threads = list(self._clients.values())
            for client in self._clients:
                _half_close(client, socket.SHUT_RD)  # who waits for a client reads the end
        _half_close(self._listener, socket.SHUT_RDWR)
        self._listener.close()
        for thread in threads:
            thread.join(max(0.0, deadline - monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError as error:
                if self._stopping:
                    return
                _log.error("accepting failed: %s", error.strerror)  # no descriptor is left: until one is
                sleep(_ACCEPT_AGAIN_S)
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(client,), name="client", daemon=True)
            with self._lock:
                if self._stopping:
                    client.close()
                    return
                self._clients[client] = thread
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        try:
            session = Session(Channel(client, self._limits), self._engine, self._watch, self._limits)
            if len(self._clients) > self._limits.clients:
                session.refuse()
            else:
                session.serve()
            _linger(client)
        except (EOFError, OSError):
            pass  # the client left; whatever it had begun is cancelled
        except Exception:
            _log.exception("a client's connection failed")
        finally:
            with self._lock:
                del self._clients[client]
            client.close()


def _half_close(sock: socket.socket, how: int) -> None:
    with suppress(OSError):  # the other side may have closed already
        sock.shutdown(how)


def _linger(client: socket.socket) -> None:
    """Read on until the client closes: closing over unread bytes would destroy our last answer."""
    _half_close(client, socket.SHUT_WR)
    client.settimeout(_LINGER_S)
    while client.recv(65536):
        pass
