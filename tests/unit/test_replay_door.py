"""Sending through a door that is busy, dies, or loses its answers: every line once, in order."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest

from motcua.client import Client, ClientError
from motcua.failure import Failure
from motcua.replaying.door import LONGEST_PAUSE, Door
from tests.fakes.door import FakeStack, FakeTime

KEYS = [f"k{number}" for number in range(10)]
LINES = [f'{{"key":"{key}","applicant":"somebody"}}'.encode() for key in KEYS]
END = datetime.fromisoformat("2020-12-31T23:59:59+07:00")


def _door(stack: FakeStack, patience: float = 60.0) -> tuple[Door, FakeTime]:
    clock = FakeTime()
    return Door(stack.client(), patience=patience, now=clock, sleep=clock.sleep), clock


@pytest.mark.parametrize(
    ("mischief", "bodies"),
    [
        ([], [10]),
        (["busy"], [10, 10]),
        (["down", "down"], [10, 10, 10]),
        (["lost"], [10, 10]),
        (["torn"], [10, 10]),
        (["busy-at-4"], [10, 6]),
        (["busy-at-4", "busy-at-0", "busy-at-5"], [10, 6, 6, 1]),
        (["short-3"], [10, 7]),
        (["lost", "busy-at-2", "down", "short-1"], [10, 10, 8, 8, 7]),
    ],
)
def test_every_line_is_taken_once_and_in_order(mischief: list[str], bodies: list[int]) -> None:
    stack = FakeStack(mischief=mischief)
    door, _ = _door(stack)
    door.send(LINES)
    assert stack.taken == KEYS
    assert stack.bodies == bodies
    assert door.sent.commands == 10
    assert door.sent.refused == []
    assert door.sent.repeated == sum(bodies[1:])


def test_the_door_says_how_long_to_wait() -> None:
    stack = FakeStack(mischief=["busy"])
    door, clock = _door(stack)
    door.send(LINES)
    assert clock.slept == [3.0]


def test_pauses_grow_and_start_anew_after_progress() -> None:
    stack = FakeStack(mischief=["down"] * 7 + ["busy-at-1", "down"])
    door, clock = _door(stack)
    door.send(LINES)
    assert clock.slept[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, LONGEST_PAUSE, LONGEST_PAUSE]
    assert clock.slept[7:] == [0.1, 0.2]


def test_patience_is_bounded() -> None:
    stack = FakeStack(mischief=["down"] * 1000)
    door, clock = _door(stack, patience=30)
    with pytest.raises(Failure, match=r"gave up after 30 s: .*connection refused"):
        door.send(LINES)
    assert 30 < clock.now < 35


def test_a_line_refused_for_good_is_kept_and_the_rest_goes_on() -> None:
    stack = FakeStack(refused=frozenset({"k2"}), mischief=["busy-at-5"])
    door, _ = _door(stack)
    door.send(LINES)
    assert stack.taken == [key for key in KEYS if key != "k2"]
    assert door.sent.commands == 9
    assert door.sent.refused == ["422 unknown procedure (unknown_procedure): k2"]


def test_a_body_refused_as_a_whole_ends_the_replay() -> None:
    def forbid(_: httpx.Request) -> httpx.Response:
        return httpx.Response(403, json={"title": "Forbidden", "reason": "role"})

    door = Door(Client("http://intake.test", "key", transport=httpx.MockTransport(forbid)))
    with pytest.raises(ClientError, match="403 Forbidden"):
        door.send(LINES)


def test_the_clock_is_waited_for() -> None:
    stack = FakeStack(clocks=[None, "2020-12-30T00:00:00Z", "2020-12-31T16:59:58Z", "2020-12-31T16:59:59Z"])
    door, clock = _door(stack)
    door.wait_for_clock(END)
    assert stack.clocks == []
    assert len(clock.slept) == 3


def test_waiting_ends_when_nothing_moves() -> None:
    stack = FakeStack()
    stack.time_to = "2020-01-01T00:00:00Z"
    door, clock = _door(stack, patience=10)
    with pytest.raises(
        Failure, match=r"analytics should reach 2020-12-31.* nothing moved for 10 s.*2020-01-01"
    ):
        door.wait_for_clock(END)
    assert clock.now < 12


def test_nobody_waits_for_a_stack_that_has_ended() -> None:
    def ended() -> None:
        raise Failure("the stack has ended")

    stack, clock = FakeStack(mischief=["down"] * 5), FakeTime()
    door = Door(stack.client(), check=ended, now=clock, sleep=clock.sleep)
    with pytest.raises(Failure, match="the stack has ended"):
        door.send(LINES)
    stack.time_to = "2020-01-01T00:00:00Z"
    with pytest.raises(Failure, match="the stack has ended"):
        door.wait_for_clock(END)
    assert clock.slept == []
