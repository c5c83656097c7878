"""Handing records on without tasks: what is patched in Faust's consumer, seen from outside."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from faust.transport.consumer import Consumer
from mode import Service

from services.workflow.adapters.patches import patch_hand_over


class _Consumer(Service):
    """As much of a consumer as racing needs."""

    wait_first: Any


def _patched() -> _Consumer:
    patch_hand_over()
    _Consumer.wait_first = Consumer.wait_first
    return _Consumer()


async def _told(event: asyncio.Event) -> None:
    await event.wait()


def test_what_never_waits_is_handed_on_without_a_task() -> None:
    async def scenario() -> tuple[list[int], int]:
        handed: list[int] = []

        async def hand_on() -> None:
            handed.append(1)

        tasks = [0]

        def counted(loop: asyncio.AbstractEventLoop, coro: Any, **named: Any) -> asyncio.Task[Any]:
            tasks[0] += 1
            return asyncio.Task(coro, loop=loop, **named)

        asyncio.get_running_loop().set_task_factory(counted)
        await _patched().wait_first(hand_on(), _told(asyncio.Event()))
        return handed, tasks[0]

    assert asyncio.run(scenario()) == ([1], 0)


def test_what_waits_goes_on_from_where_it_stopped() -> None:
    async def scenario() -> list[str]:
        said: list[str] = []
        first, second = asyncio.Event(), asyncio.Event()

        async def hand_on() -> None:
            said.append("begun")
            await first.wait()
            said.append("first")
            await second.wait()
            said.append("second")

        async def let_go() -> None:
            first.set()
            await asyncio.sleep(0)
            second.set()

        letting = asyncio.create_task(let_go())
        await _patched().wait_first(hand_on(), _told(asyncio.Event()))
        await letting
        return said

    assert asyncio.run(scenario()) == ["begun", "first", "second"]


def test_being_told_to_stop_ends_what_waits() -> None:
    async def scenario() -> list[str]:
        said: list[str] = []
        stop = asyncio.Event()

        async def hand_on() -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                said.append("cancelled")
                raise

        asyncio.get_running_loop().call_soon(stop.set)
        await asyncio.wait_for(_patched().wait_first(hand_on(), _told(stop)), 5)
        await asyncio.sleep(0)
        return said

    assert asyncio.run(scenario()) == ["cancelled"]


@pytest.mark.parametrize("late", [False, True])
def test_an_error_reaches_whoever_hands_on(late: bool) -> None:
    async def scenario() -> None:
        async def hand_on() -> None:
            if late:
                await asyncio.sleep(0)
            raise KeyError("record")

        await _patched().wait_first(hand_on(), _told(asyncio.Event()))

    with pytest.raises(KeyError, match="record"):
        asyncio.run(scenario())
