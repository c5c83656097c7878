"""How every part makes a client of kafka-python: one that does not come about leaves nothing open."""

from __future__ import annotations

from typing import Any


def connected(kind: Any, **settings: Any) -> Any:
    """A consumer, a producer or an admin client, `kind` being its class (the library is untyped).

    Raises what the class raises, after closing what it had begun: it leaves its thread, which goes on looking
    for brokers for ever, and its sockets to nobody. Where brokers are away for long, whoever asks again and
    again would run out of both.
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
