"""The plan of a chaos run, and carrying it out."""

from __future__ import annotations

import threading

import pytest

from deploy.local.errors import StackError
from motcua.failure import Failure
from motcua.replaying import chaos as chaos_module
from motcua.replaying.chaos import LATEST_SHARE, VICTIMS, Chaos, plan
from motcua.replaying.sampler import Sampler


class Stack:
    """Remembers who was killed; `down` answers so many times that the process is down already."""

    def __init__(self, down: int = 0) -> None:
        self.killed: list[str] = []
        self._down = down
        self._lock = threading.Lock()

    def kill(self, name: str) -> int:
        with self._lock:
            if self._down:
                self._down -= 1
                raise StackError(f"{name} is down already")
            self.killed.append(name)
            return 4711


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos_module, "LONGEST_DELAY_MS", 0)


def test_a_seed_gives_one_strike_a_process_and_always_the_same() -> None:
    for seed in range(50):
        strikes = plan(seed)
        assert sorted(strike.victim for strike in strikes) == sorted(VICTIMS)
        assert all(0 <= strike.share < LATEST_SHARE for strike in strikes)
        assert strikes == plan(seed) == sorted(strikes)
    assert len({tuple(plan(seed)) for seed in range(50)}) == 50


def test_strikes_fall_as_their_share_is_reached(capsys: pytest.CaptureFixture[str]) -> None:
    stack, strikes = Stack(), plan(3)
    chaos = Chaos(3, stack)
    chaos.reach(strikes[0].share)
    chaos.finish()
    assert stack.killed == [strike.victim for strike in strikes if strike.share <= strikes[0].share]
    chaos.reach(1.0)
    chaos.finish()
    assert sorted(stack.killed) == sorted(VICTIMS)
    assert capsys.readouterr().err.count("chaos: killed") == 4


def test_a_process_that_is_down_is_struck_in_its_next_life() -> None:
    stack = Stack(down=2)
    chaos = Chaos(1, stack)
    chaos.reach(1.0)
    chaos.finish()
    assert sorted(stack.killed) == sorted(VICTIMS)


def test_a_process_that_never_comes_back_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos_module, "GIVE_UP", 0.0)
    chaos = Chaos(1, Stack(down=1_000))
    chaos.reach(1.0)
    with pytest.raises(Failure, match=r"could not kill .* is down already"):
        chaos.finish()


def test_the_sampler_keeps_the_largest_value() -> None:
    values = iter([3, 7, 5])
    with Sampler(lambda: next(values, 1)) as sampler:
        assert sampler.peak == 3
    assert sampler.peak == 7


def test_a_stack_that_is_gone_leaves_the_peak_as_it_was() -> None:
    def gone() -> int:
        raise StackError("gone")

    with Sampler(gone) as sampler:
        pass
    assert sampler.peak == 0
