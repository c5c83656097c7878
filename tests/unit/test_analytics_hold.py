"""Holding the sink still: when the tables stand exactly at its position, and who may write beside it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from services.analytics.domain.intents import Greeting, encode, key_of
from services.analytics.errors import FencedError
from services.analytics.rebuild import BehindError, Hold
from services.analytics.service import Lane, Service
from services.analytics.sink.loop import LaneSettings, Ports
from services.analytics.sink.status import Status
from tests.fakes.analytics import FakeClock, MemoryFacts, Notes, World
from tests.waiting import wait_until


def test_the_tables_are_settled_only_between_batches() -> None:
    status = Status([0])
    assert not status.snapshot().settled
    status.moved({0: 3})
    assert status.snapshot().settled
    status.began()
    status.measured({0: 0}, 5.0)
    assert not status.snapshot().settled


def test_who_does_not_run_the_sink_is_no_writer() -> None:
    clock = FakeClock()
    world = World(MemoryFacts([0]))
    stopped = threading.Event()

    def connect() -> Ports:
        return world.ports(clock, lambda point: None, lambda: None)

    lane = Lane(LaneSettings("0of1", "w1", (0,)), lambda: None, connect, clock, Notes())
    service = Service(lane, stopped.set)
    with pytest.raises(FencedError, match="does not run"):
        service.confirm()
    service.start()
    assert wait_until(lambda: service.status.snapshot().settled, 30, "the sink to recover")
    with service.gate:
        service.confirm()
        newer = Greeting(lane="0of1", writer="w2", at=datetime(2020, 2, 1, tzinfo=UTC))
        world.intents.append(key_of(newer), encode(newer))
        with pytest.raises(FencedError, match="newer writer"):
            service.confirm()
    service.stop(30)
    with pytest.raises(FencedError):
        service.confirm()


def test_a_batch_that_does_not_end_is_not_waited_for_for_ever() -> None:
    gate = threading.Lock()
    hold = Hold(Status([0]), gate, lambda: None, patience=0.01)
    with gate, pytest.raises(BehindError, match="does not end"), hold.still():
        pass
    with hold.still():
        assert gate.locked()
    assert not gate.locked()
