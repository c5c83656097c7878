"""Watches the sockets of clients whose statements run: who cancels or leaves has its statement killed.

The client's own thread cannot look: it is inside the engine, for as long as a statement computes.
"""

from __future__ import annotations

import logging
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_EVERY_S: Final = 0.1

_log = logging.getLogger(__name__)


class Watched:
    """A running statement; `killed` once its client has been heard."""

    def __init__(self, sock: socket.socket, thread: int) -> None:
        self.sock = sock
        self.thread = thread
        self.killed = False
        self.ended = False
        self.lock = threading.Lock()
        """Held while it is killed: it is not over before, and its thread has no other statement."""


class Watch:
    """`kill` is given the native id of the thread a statement runs in. Costs nothing while none runs."""

    def __init__(self, kill: Callable[[int], None]) -> None:
        self._kill = kill
        self._changed = threading.Condition()
        self._running: set[Watched] = set()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._thread.start()

    def stop(self) -> None:
        """No statement is killed any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    @contextmanager
    def over(self, sock: socket.socket) -> Iterator[Watched]:
        """For the length of a statement in this thread. On leaving nothing is or will be killed."""
        watched = Watched(sock, threading.get_native_id())
        with self._changed:
            self._running.add(watched)
            self._changed.notify()
        try:
            yield watched
        finally:
            with self._changed:
                self._running.discard(watched)
            with watched.lock:
                watched.ended = True

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._running)
                if self._closed:
                    return
                running = set(self._running)
            # Whatever is heard while a statement runs ends it: cancel, the end, or nonsense. Again in every
            # round: the engine may not have known the statement yet.
            for watched in _heard(running):
                with watched.lock:
                    if not watched.ended:
                        self._end(watched)
            with self._changed:
                self._changed.wait_for(lambda: self._closed, _EVERY_S)

    def _end(self, watched: Watched) -> None:
        watched.killed = True
        try:
            self._kill(watched.thread)
        except Exception:
            _log.exception("a statement could not be killed")


def _heard(running: set[Watched]) -> list[Watched]:
    poll = select.poll()
    by_number = {watched.sock.fileno(): watched for watched in running}
    by_number.pop(-1, None)  # closed in the meantime
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(0)]
