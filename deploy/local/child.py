"""One supervised process: started, watched, restarted with a growing pause, stopped in time.

A process runs in a group of its own, on a leash (leash.py), its output goes to one log. Readiness is
asked often until the first yes and rarely after it. A vital process is never restarted: its death is the
stack's. One that refuses to go on is not restarted either: it needs a person, and the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.home import ProcessState, start_time
from deploy.local.leash import leashed
from deploy.local.probes import Probe

_UNREADY_POLL = 0.1
_READY_POLL = 2.0
_READY_CHECK_AGAIN = 0.5


@dataclass(frozen=True)
class ProcessSpec:
    """What to run. `env` is the whole environment; `vital` ends the stack when it dies. `refusals` are
    the exit codes that no new start cures.

    Processes that follow each other with the same `group` are stopped together, others one after the other.
    """

    name: str
    command: tuple[str, ...]
    env: Mapping[str, str]
    url: str
    probe: Probe
    vital: bool = False
    refusals: frozenset[int] = frozenset()
    stop_seconds: float = 15.0
    group: str = ""


@dataclass(frozen=True)
class Backoff:
    """Pauses before restarts, seconds: doubled from `first` to `most`, back to `first` after `stable`."""

    first: float = 0.25
    most: float = 15.0
    stable: float = 30.0

    def pause(self, failures: int) -> float:
        """The pause after `failures` deaths in a row (1 or more)."""
        return min(self.most, self.first * 2.0 ** min(failures - 1, 16))


class VitalProcessDiedError(Exception):
    """A process the stack cannot live without has died; stop everything."""


@dataclass
class Child:
    """A process of the stack and what is known of it."""

    spec: ProcessSpec
    log: Path
    changed: Callable[[], None]
    say: Callable[[str], None]
    backoff: Backoff = field(default_factory=Backoff)
    ready: bool = False
    restarts: int = 0
    deaths_unready: int = 0
    refused: bool = False
    why: str = "not started"
    ended: str = ""
    _process: asyncio.subprocess.Process | None = None
    _started: float | None = None
    _log_begins: int = 0
    _stopping: bool = False
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    def state(self) -> ProcessState:
        """For run.json."""
        process = self._process
        return ProcessState(
            name=self.spec.name,
            pid=process.pid if process is not None and process.returncode is None else None,
            started=self._started,
            url=self.spec.url,
            ready=self.ready,
            restarts=self.restarts,
            why=self.why,
        )

    async def keep(self) -> None:
        """Run the process until `stop`. Raises VitalProcessDiedError."""
        loop = asyncio.get_running_loop()
        failures = 0
        while not self._stopping:
            process = await self._start()
            if process is None:
                return
            begun = loop.time()
            watch = asyncio.create_task(self._watch())
            code = await process.wait()
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            if self._stopping:
                return
            failures = 1 if loop.time() - begun >= self.backoff.stable else failures + 1
            await self._died(code, failures)

    async def _start(self) -> asyncio.subprocess.Process | None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        async with self._starting:  # `stop` must see the process, or there must be none
            if self._stopping:
                return None
            with self.log.open("ab") as out:
                self._log_begins = out.tell()
                process = await asyncio.create_subprocess_exec(
                    *leashed(self.spec.command, signal.SIGKILL),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=out,
                    stderr=asyncio.subprocess.STDOUT,
                    env=dict(self.spec.env),
                    process_group=0,
                )
            self._process, self._started = process, start_time(process.pid)
        self.ready, self.why = False, "starting"
        self.changed()
        return process

    async def _watch(self) -> None:
        misses = 0
        while True:
            try:
                why = await self.spec.probe()
            except Exception as error:  # an answer nobody foresaw is one more way of not being ready
                why = f"cannot be asked: {error!r}"
            # One slow answer of a ready process is no outage; two in a row are.
            misses = misses + 1 if why else 0
            if not why or not self.ready or misses > 1:
                self._set_ready(not why, why)
            if misses and self.ready:
                await asyncio.sleep(_READY_CHECK_AGAIN)
            else:
                await asyncio.sleep(_READY_POLL if self.ready else _UNREADY_POLL)

    def _set_ready(self, ready: bool, why: str) -> None:
        if (ready, why) != (self.ready, self.why):
            self.ready, self.why = ready, why
            self.changed()

    async def _died(self, code: int, failures: int) -> None:
        self.deaths_unready += 0 if self.ready else 1
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        self._started = None
        self.ended = how
        self._set_ready(False, how)
        if self.spec.vital:
            raise VitalProcessDiedError(f"{self.spec.name} {how}")
        if code in self.spec.refusals:
            self.refused = True
            left = f"{how} and is not started again: {self.last_reason()}"
            self._set_ready(False, left)
            self.say(f"{self.spec.name} {left} (log: {self.log})")
            await asyncio.Event().wait()  # until the stack ends
        pause = self.backoff.pause(failures)
        self.say(f"{self.spec.name} {how}; restarting in {pause:g} s (log: {self.log})")
        await asyncio.sleep(pause)
        self.restarts += 1

    def tell_to_stop(self) -> None:
        """From now on a death is final. Call for every child before stopping the first."""
        self._stopping = True

    async def stop(self, hurry: asyncio.Event, at_most: float | None = None) -> None:
        """SIGTERM, then SIGKILL to the whole group after the time limit, or at once when `hurry` is set.

        The limit is the process's own, or `at_most` seconds when that is less.
        """
        limit = self.spec.stop_seconds if at_most is None else min(at_most, self.spec.stop_seconds)
        self._stopping = True
        async with self._starting:
            process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        ended = asyncio.create_task(process.wait())
        hurried = asyncio.create_task(hurry.wait())
        try:
            await asyncio.wait({ended, hurried}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurried.cancel()
        if process.returncode is None:
            self.say(f"{self.spec.name} did not stop in time; killing it")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        await ended
        self.ready, self.why, self._started = False, "stopped", None
        self.changed()

    def last_words(self, lines: int = 15) -> str:
        """The end of what the process, as it was started last, wrote to the log."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(self._log_begins, log.seek(0, os.SEEK_END) - 8192))
                return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def last_reason(self) -> str:
        """The last line of the log that says what is wrong, else the last one.

        What is CRITICAL made the process end; an ERROR after it only came of that.
        """
        lines = self.last_words(100).splitlines() or [""]
        told = (line for word in ("CRITICAL", "ERROR") for line in reversed(lines) if word in line)
        return next(told, lines[-1])
