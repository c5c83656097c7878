"""The working half of the process: connect, bring the schema up to date, run the lane until told to stop.

It runs in a thread of its own; the API beside it reads `status` and may hold `gate`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.analytics.errors import FencedError, RefusedError, StopRequestedError
from services.analytics.sink.gate import Gate
from services.analytics.sink.loop import LaneSettings, Ports, Sink
from services.analytics.sink.ports import Clock, Observer
from services.analytics.sink.retry import Retry
from services.analytics.sink.status import Status

_log = logging.getLogger(__name__)
CRASHED = 70


@dataclass(frozen=True)
class Lane:
    """What a lane needs: settings, the world when it can be reached, who watches, who mends at the start."""

    settings: LaneSettings
    prepare: Callable[[], None]
    connect: Callable[[], Ports]
    clock: Clock
    observer: Observer
    mend: Callable[[Mapping[int, int]], Mapping[int, int]] | None = None
    fill: Callable[[Mapping[int, int]], None] = lambda positions: None


class Service:
    """Start it, stop it, and learn its exit code. `on_end` is called from its thread when it ends."""

    def __init__(self, lane: Lane, on_end: Callable[[], None]) -> None:
        self.status = Status(lane.settings.partitions)
        self.gate = Gate()
        self.exit_code = 0
        self._lane = lane
        self._on_end = on_end
        self._stop = threading.Event()
        self._sink: Sink | None = None
        self._thread = threading.Thread(target=self._work, name="sink", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Ask it to stop and wait. A batch cut short is finished by the next start."""
        self._stop.set()
        self._thread.join(seconds)

    def confirm(self) -> None:
        """Whether this process still is the lane's writer; for whoever holds `gate`.

        Raises FencedError, or RetryLaterError when the brokers do not say.
        """
        if self._sink is None or not self.alive:
            raise FencedError("the sink does not run: this process writes nothing")
        self._sink.confirm()

    def doubt(self) -> None:
        """End the process: roll-ups may be half in place. Its next start counts them before anything else."""
        _log.critical("stopping: a warehouse that does not answer may hold roll-ups twice")
        self.exit_code = CRASHED
        self._stop.set()
        self._on_end()

    def said(self) -> Mapping[int, int]:
        """How many rows the lane says are inserted, by partition; for whoever holds `gate`."""
        return {} if self._sink is None else self._sink.said()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def _work(self) -> None:
        try:
            lane = self._lane
            retry = Retry(self._stop, lane.clock, self.status, lane.observer)
            retry("prepare the warehouse", lane.prepare)
            ports = retry("connect", lane.connect)
            self._sink = Sink(
                ports, lane.settings, self._stop, self.status, self.gate, mend=lane.mend, fill=lane.fill
            )
            self._sink.run()
        except StopRequestedError:
            pass  # asked to stop before anything could be reached
        except RefusedError as error:
            _log.critical("stopping: %s", error)
            self.exit_code = error.exit_code
        except Exception:
            _log.critical("stopping: an error nobody expected", exc_info=True)
            self.exit_code = CRASHED
        finally:
            self._on_end()
