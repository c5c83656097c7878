"""A reader that cannot be set up, because its topic is missing or has no leader, leaves no client behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from services.analytics.adapters import kafka as adapter
from services.analytics.adapters.kafka import Appender, Brokers, KafkaFactLog, KafkaIntentLog, KafkaLawLog
from services.analytics.errors import RetryLaterError

BROKERS = Brokers(("127.0.0.1:9",), 0.1, "test")


class Client:
    """Finds no topic."""

    _fetcher = type("Fetcher", (), {})

    def __init__(self) -> None:
        self.closed = False

    def assign(self, parts: object) -> None:
        pass

    def beginning_offsets(self, parts: object, **named: object) -> dict[object, int]:
        raise KafkaTimeoutError

    def seek(self, part: object, offset: int) -> None:
        raise KafkaTimeoutError

    def close(self, **named: object) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("build", "clients"),
    [
        (lambda: KafkaFactLog(BROKERS, [0]), 2),
        (lambda: KafkaIntentLog(BROKERS, Appender(BROKERS)), 1),
        (lambda: KafkaLawLog(BROKERS), 1),
    ],
    ids=["facts", "intents", "law"],
)
def test_nothing_is_left_of_what_was_connected(
    build: Callable[[], object], clients: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Client] = []

    def connected(kind: Any, **settings: object) -> Client:
        made.append(Client())
        return made[-1]

    monkeypatch.setattr(adapter, "connected", connected)
    with pytest.raises(RetryLaterError):
        build()
    assert [one.closed for one in made] == [True] * clients
