"""How every part makes a client of kafka-python: one that does not come about leaves nothing open.

The library leaves behind the thread and the sockets of a client that finds no broker, and each socket whose
connection does not come about. A service that waits for its brokers would come to the end of its open files.
"""

from __future__ import annotations

import socket
from typing import Any

from kafka.net.inet import KafkaNetSocket


def connected(kind: Any, **settings: Any) -> Any:
    """A consumer, a producer or an admin client, `kind` being its class (the library is untyped).

    Raises what the class raises, after closing what it had begun.
    """
    begun: list[Any] = []
    network = kind.DEFAULT_CONFIG["kafka_client"]

    def kept(**config: Any) -> Any:
        begun.append(network(**config))
        return begun[-1]

    try:
        return kind(**settings, kafka_client=kept)
    except BaseException:
        for one in begun:
            one.close()
        raise


_connect = KafkaNetSocket.sock_connect


async def _closing(self: Any, net: Any, sock: socket.socket, *rest: Any, **named: Any) -> Any:
    try:
        return await _connect(self, net, sock, *rest, **named)
    except BaseException:  # GeneratorExit too: so ends what a closing client cancels
        sock.close()
        raise


KafkaNetSocket.sock_connect = _closing
