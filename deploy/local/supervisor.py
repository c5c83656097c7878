"""Keeps a stack running in the foreground: starts it in stages, restarts what dies, stops it in order.

A stage starts its processes side by side, waits until each is ready, then runs its own step (create the
topics, enact the law). SIGINT, SIGTERM and SIGHUP stop everything in reverse order; a second signal does
not wait. run.json always tells what is known. Knows nothing of what it runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from deploy.local.child import Backoff, Child, ProcessSpec, VitalProcessDiedError
from deploy.local.errors import StackError
from deploy.local.home import Home, RunState, StackState, start_time

_DEATHS_ALLOWED = 3
_STOP_SECONDS_FAILED = 2.0


@dataclass(frozen=True)
class Stage:
    """Processes started together, and what to do once all are ready."""

    processes: tuple[ProcessSpec, ...]
    then: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True)
class Description:
    """What run.json says about the stack besides its processes."""

    clock: str
    broker: str
    urls: dict[str, str]
    options: tuple[str, ...] = ()


@contextlib.contextmanager
def only_one(home: Home) -> Iterator[None]:
    """Hold the home's lock. Raises StackError when another supervisor does, or the folder is not a home.

    The kernel gives the lock back when its holder dies, however it dies.
    """
    home.path.mkdir(parents=True, exist_ok=True)
    strangers = home.strangers()
    if strangers:  # a start empties folders here, so this must not be somebody's own
        raise StackError(
            f"{home.path} holds other files ({strangers[0]}, …): name a folder of its own with --home"
        )
    with home.lock_file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            run = home.running()
            where = "; ".join(f"{name} {url}" for name, url in run.urls.items()) if run else "starting now"
            raise StackError(f"a stack is already running in {home.path}: {where}") from error
        yield


class Supervisor:
    """Runs the stages. One instance runs once."""

    def __init__(
        self,
        home: Home,
        stages: Sequence[Stage],
        description: Description,
        *,
        say: Callable[[str], None],
        on_ready: Callable[[RunState], None] | None = None,
        ready_seconds: float = 60.0,
        backoff: Backoff | None = None,
    ) -> None:
        """`ready_seconds` is the time limit of a stage; `say` gets one line for people at a time."""
        self._home = home
        self._description = description
        self._say = say
        self._on_ready = on_ready
        self._ready_seconds = ready_seconds
        self._state = StackState.STARTING
        self._message = ""
        self._pid = os.getpid()
        self._started = start_time(self._pid) or 0.0
        self._stages = [
            (
                [
                    Child(spec, home.logs / f"{spec.name}.log", self._publish, say, backoff or Backoff())
                    for spec in stage.processes
                ],
                stage.then,
            )
            for stage in stages
        ]
        self._children = [child for children, _ in self._stages for child in children]
        self._keepers: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Until a signal says stop. Raises StackError when the stack cannot start or go on."""
        stop, hurry = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_signal() -> None:
            (hurry if stop.is_set() else stop).set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, on_signal)
        stopped = asyncio.create_task(stop.wait())
        self._publish()
        try:
            await self._until(stopped, self._live())
        except VitalProcessDiedError as error:
            self._fail(f"{error}; the stack ends with it")
        except StackError as error:
            self._fail(str(error))
        except Exception as error:
            self._fail(f"{type(error).__name__}: {error}")
            raise
        finally:
            stop.set()
            stopped.cancel()
            await self._stop_all(hurry)
        if self._state is StackState.FAILED:
            raise StackError(self._message)

    async def _until(self, stopped: asyncio.Task[bool], life: Awaitable[None]) -> None:
        living = asyncio.ensure_future(life)
        await asyncio.wait({stopped, living}, return_when=asyncio.FIRST_COMPLETED)
        if living.done():
            living.result()
        living.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await living

    async def _live(self) -> None:
        for children, then in self._stages:
            await self._start(children)
            if then is not None:
                await self._guarded(then())
        self._state = StackState.READY
        self._publish()
        if self._on_ready is not None:
            self._on_ready(self._run_state())
        await self._guarded(asyncio.Event().wait())

    async def _start(self, children: list[Child]) -> None:
        for child in children:
            self._keepers.append(asyncio.create_task(child.keep()))
        try:
            async with asyncio.timeout(self._ready_seconds):
                await self._guarded(self._all_ready(children))
        except TimeoutError as error:
            slow = next(child for child in children if not child.ready)
            raise StackError(
                f"{slow.spec.name} is not ready after {self._ready_seconds:g} s: {slow.why}\n"
                f"{slow.last_words()}\n(log: {slow.log})"
            ) from error

    async def _all_ready(self, children: list[Child]) -> None:
        while not all(child.ready for child in children):
            for child in children:
                if child.refused or child.deaths_unready >= _DEATHS_ALLOWED:
                    raise StackError(
                        f"{child.spec.name} does not start: it {child.ended}\n"
                        f"{child.last_words()}\n(log: {child.log})"
                    )
            await asyncio.sleep(0.05)

    async def _guarded(self, work: Awaitable[object]) -> None:
        """Wait for `work`, but no longer than every keeper lives."""
        task = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({task, *self._keepers}, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()
        finally:
            task.cancel()

    async def _stop_all(self, hurry: asyncio.Event) -> None:
        if self._state is not StackState.FAILED:
            self._state = StackState.STOPPING
        self._publish()
        for child in self._children:
            child.tell_to_stop()
        # Without what it lives on (the broker above all) a service has nothing left to bring to an end.
        at_most = _STOP_SECONDS_FAILED if self._state is StackState.FAILED else None
        for _, together in groupby(reversed(self._children), lambda one: one.spec.group or one.spec.name):
            await asyncio.gather(*(child.stop(hurry, at_most) for child in together))
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        if self._state is not StackState.FAILED:
            self._state = StackState.STOPPED
        self._publish()

    def _fail(self, message: str) -> None:
        self._state, self._message = StackState.FAILED, message

    def _run_state(self) -> RunState:
        return RunState(
            pid=self._pid,
            started=self._started,
            state=self._state,
            clock=self._description.clock,
            broker=self._description.broker,
            urls=self._description.urls,
            processes=tuple(child.state() for child in self._children),
            message=self._message,
            options=self._description.options,
        )

    def _publish(self) -> None:
        self._home.write_run(self._run_state())
