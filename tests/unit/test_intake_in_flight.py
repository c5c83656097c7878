"""Records under way are answered for exactly once, also when the client library forgets them."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from contracts.topics import COMMANDS, TOPICS
from services.intake.adapters import kafka as adapter
from services.intake.adapters.in_flight import InFlight
from services.intake.adapters.kafka import Connection, KafkaBroker, StuckClientError
from services.intake.application.metrics import Metrics
from services.intake.domain.admission import Gate, Limits
from services.intake.ports import Ack, Unavailable
from tests.fakes.intake_desk import in_loop, until

ACK = Ack(COMMANDS, 0, 7)


def _metric(metrics: Metrics, name: str, **labels: str) -> float:
    return metrics.registry.get_sample_value(f"motcua_intake_{name}", labels) or 0.0


@in_loop
async def test_an_ack_from_another_thread_answers_and_gives_the_budget_back() -> None:
    gate, metrics = Gate(Limits()), Metrics()
    under_way = InFlight(gate, metrics)
    pending = under_way.add(COMMANDS, 10, time.monotonic())
    assert (len(under_way), gate.records, gate.record_bytes) == (1, 1, 10)
    threading.Thread(target=under_way.settle, args=(pending, ACK)).start()
    assert await pending.future == ACK
    await under_way.until_idle()
    assert (len(under_way), gate.records, gate.record_bytes) == (0, 0, 0)
    assert not gate.in_doubt
    assert _metric(metrics, "published_total", topic=COMMANDS) == 1


@in_loop
async def test_a_forgotten_record_is_unknown_and_what_is_said_later_changes_nothing() -> None:
    gate, metrics = Gate(Limits()), Metrics()
    under_way = InFlight(gate, metrics)
    old, young = under_way.add(COMMANDS, 10, 100.0), under_way.add(COMMANDS, 20, 105.0)
    assert under_way.give_up(99.9) == 0
    assert under_way.give_up(100.0) == 1
    with pytest.raises(Unavailable, match="not_acked"):
        await old.future
    assert (gate.records, gate.record_bytes) == (1, 20)
    assert gate.in_doubt
    assert _metric(metrics, "unresolved_total", topic=COMMANDS) == 1
    under_way.settle(old, ACK)
    under_way.settle(young, OSError())
    await under_way.until_idle()
    assert young.future.exception()
    assert (gate.records, gate.record_bytes) == (0, 0)
    assert gate.in_doubt
    assert _metric(metrics, "produce_errors_total", topic=COMMANDS, reason="OSError") == 1
    assert _metric(metrics, "published_total", topic=COMMANDS) == 0


@in_loop
async def test_silence_begins_with_the_first_record_after_an_ack() -> None:
    under_way = InFlight(Gate(Limits()), Metrics())
    assert under_way.silence(50.0) == 0
    failing = under_way.add(COMMANDS, 1, 100.0)
    under_way.settle(failing, OSError())
    await under_way.until_idle()
    acked = under_way.add(COMMANDS, 1, 120.0)
    assert under_way.silence(130.0) == 30
    under_way.settle(acked, ACK)
    await acked.future
    assert under_way.silence(200.0) == 0
    under_way.add(COMMANDS, 1, 300.0)
    under_way.start_anew()
    assert under_way.silence(400.0) == 0


class _Handed:
    """What the library gives back for a record; a forgetful one never calls."""

    def __init__(self, answer: BaseException | str | None) -> None:
        self._answer = answer

    def add_callback(self, call: Callable[..., None], pending: object) -> None:
        if self._answer == "acked":
            call(pending, ACK)

    def add_errback(self, call: Callable[..., None], pending: object) -> None:
        if isinstance(self._answer, BaseException):
            call(pending, self._answer)


class _Producer:
    """A producer of kafka-python as the adapter uses it: `answer` is None for one that forgets."""

    def __init__(self, answer: BaseException | str | None, *, ends: bool = True) -> None:
        self._sender = self
        self.answer = answer
        self.ended = False
        self._ends = ends

    def partitions_for(self, topic: str) -> set[int]:
        return set(range(TOPICS[topic].partitions))

    def send(self, *_: object, **__: object) -> _Handed:
        return _Handed(self.answer)

    def force_close(self) -> None:
        self.ended = self._ends

    def join(self, _: float) -> None:
        """Nothing to wait for."""

    def is_alive(self) -> bool:
        return not self.ended

    def close(self, *, timeout: float) -> None:
        assert self.ended


class _NoReader:
    def __init__(self, *_: object) -> None:
        """Reads nothing."""

    async def start(self) -> None:
        """Stands everywhere."""

    def stop(self) -> None:
        """Is stopped."""


CONNECTION = Connection(
    servers=("nowhere:9",),
    client="t",
    delivery_timeout_ms=20,
    margin=0.02,
    silence=3600.0,
    watch_interval=0.01,
)


def _broker(
    monkeypatch: pytest.MonkeyPatch, producers: list[_Producer], connection: Connection = CONNECTION
) -> tuple[KafkaBroker, Gate, Metrics]:
    left = iter(producers)
    monkeypatch.setattr(adapter, "_connect_producer", lambda _: next(left))
    monkeypatch.setattr(adapter, "_Reader", _NoReader)
    gate, metrics = Gate(Limits()), Metrics()
    return KafkaBroker(connection, gate, metrics), gate, metrics


@in_loop
async def test_a_producer_that_forgets_a_record_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    producers = [_Producer(None), _Producer("acked")]
    broker, gate, metrics = _broker(monkeypatch, producers)
    await broker.open(lambda _: None, lambda error: pytest.fail(str(error)))
    lost = broker.send(COMMANDS, b"{}")
    with pytest.raises(Unavailable, match="not_acked"):
        await asyncio.wait_for(lost, 10)
    await until(lambda: _metric(metrics, "producers_total") == 2)
    assert producers[0].ended
    assert await broker.send(COMMANDS, b"{}") == ACK
    assert (gate.records, gate.in_doubt) == (0, False)
    await broker.close(1.0)


@in_loop
async def test_a_producer_whose_records_all_fail_for_long_is_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    producers = [_Producer(OSError()), _Producer("acked")]
    shorter = Connection(
        servers=CONNECTION.servers, client="t", silence=0.02, watch_interval=CONNECTION.watch_interval
    )
    broker, _, metrics = _broker(monkeypatch, producers, shorter)
    await broker.open(lambda _: None, lambda error: pytest.fail(str(error)))
    with pytest.raises(Unavailable, match="not_acked"):
        await broker.send(COMMANDS, b"{}")
    await until(lambda: _metric(metrics, "producers_total") == 2)
    assert _metric(metrics, "unresolved_total", topic=COMMANDS) == 0
    assert await broker.send(COMMANDS, b"{}") == ACK
    await broker.close(1.0)


@in_loop
async def test_a_producer_that_does_not_end_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    broker, _, _ = _broker(monkeypatch, [_Producer(None, ends=False)])
    fatal: list[BaseException] = []
    await broker.open(lambda _: None, fatal.append)
    broker.send(COMMANDS, b"{}")
    await until(lambda: fatal)
    assert isinstance(fatal[0], StuckClientError)
    with pytest.raises(Unavailable, match="broker_failing"):
        broker.send(COMMANDS, b"{}")
    await broker.close(0.01)


def test_what_the_watch_waits_for_is_beyond_what_the_library_waits_for() -> None:
    made: Any = Connection(servers=("nowhere:9",), client="t")
    assert made.margin > 0
    assert made.silence > made.delivery_timeout_ms / 1000 + made.margin
