"""kafka-python forgets a socket whose connection is under way when its client closes.

The interpreter closes it later, and warns; warnings are errors here, in whatever test is next. It happens
where a client lives shortly on a busy machine.
"""

from __future__ import annotations

import socket
from typing import Any

from kafka.net.inet import KafkaNetSocket


def close_what_is_given_up() -> None:
    """From now on a connection that does not come about leaves no open socket behind."""
    connect = KafkaNetSocket.sock_connect

    async def closing(self: Any, net: Any, sock: socket.socket, *rest: Any, **named: Any) -> Any:
        try:
            return await connect(self, net, sock, *rest, **named)
        except BaseException:  # GeneratorExit too: so ends what a closing client cancels
            sock.close()
            raise

    KafkaNetSocket.sock_connect = closing
