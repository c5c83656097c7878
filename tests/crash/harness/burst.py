"""What is asked of the door in one schedule: a burst of whole lives, or many dossiers that come due at once.

A burst runs in a thread of its own and can be watched: an accident waits until part of it is sent.
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from contracts.words import Clock
from motcua.catalogue import sample_agencies, sample_procedures
from motcua.client import Client
from motcua.replaying.door import Door
from tests.crash.harness.processes import PATIENCE

DOSSIERS: Final = 40
STEPS: Final = ("register", "accept", "appraise", "approve", "stamp", "return", "rate")
PROCEDURE: Final = sample_procedures()[0]  # due the same day
AGENCY: Final = sample_agencies()[0].code
HERD: Final = 1_600
"""Dossiers that come due in one second: 200 a partition."""


class Days:
    """The log clock's days, one after the other; under the system clock there are none."""

    def __init__(self, clock: Clock) -> None:
        self.clock: Final = clock
        self._day = datetime(2025, 8, 1, 2, tzinfo=UTC)  # in the morning, all sample agencies open

    def at(self, hours: int) -> dict[str, str]:
        """The member of a line that says when, so many hours into the day."""
        if self.clock is Clock.SYSTEM:
            return {}
        return {"at": (self._day + timedelta(hours=hours)).isoformat()}

    def next(self, days: int = 1) -> datetime:
        """Go on by some days; the last moment before."""
        self._day += timedelta(days=days)
        return self._day - timedelta(hours=1)


class Burst:
    """`DOSSIERS` lives of seven steps each, sent step by step; ends with the log clock's next day."""

    def __init__(self, client: Client, days: Days, name: str) -> None:
        self.days, self.name = days, name
        self.door = Door(client, patience=PATIENCE)
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._until = len(STEPS)
        self._failed: BaseException | None = None
        self.sent = 0
        self.to: datetime | None = None

    def start(self) -> None:
        """Begin sending."""
        self._thread.start()

    def wait_for(self, steps: int) -> None:
        """Until so many of the seven steps are sent, or everything is."""
        while self.sent < steps and self._thread.is_alive():
            time.sleep(0.002)

    def hold(self, steps: int) -> None:
        """Send no more than so many steps (or than are sent already) before `go_on`."""
        self._until = steps

    def go_on(self) -> None:
        """Send the rest."""
        self._until = len(STEPS)

    @property
    def over(self) -> bool:
        """Whether everything is sent."""
        return not self._thread.is_alive()

    def finish(self) -> None:
        """Everything must have been sent, and taken."""
        self._thread.join()
        if self._failed:
            raise self._failed
        assert not self.door.sent.refused, self.door.sent.refused[:3]

    def _send(self) -> None:
        try:
            for place in range(len(STEPS)):
                while place >= self._until:
                    time.sleep(0.002)
                self.door.send([line(self.days, f"{self.name}-{n}", place) for n in range(DOSSIERS)])
                self.sent += 1
            if self.days.clock is Clock.LOG:
                self.to = self.days.next()
                self.door.post("/v1/time", {"to": self.to.isoformat()})
        except BaseException as error:  # told by `finish`, in the thread that can do something about it
            self._failed = error


class Herd:
    """`HERD` dossiers registered and accepted after a burst, and then a day after they all were due."""

    def __init__(self, burst: Burst) -> None:
        self._door, self._days, self._name = burst.door, burst.days, f"{burst.name}-herd"

    def gather(self) -> None:
        """Hand them in."""
        for place in (0, 1):
            self._door.send([line(self._days, f"{self._name}-{n}", place) for n in range(HERD)])
        assert not self._door.sent.refused, self._door.sent.refused[:3]

    def come_due(self) -> datetime:
        """Let the time pass, as the log has it; to when."""
        to = self._days.next(12)  # a term of a day, and the longest holidays
        self._door.post("/v1/time", {"to": to.isoformat()})
        return to


def line(days: Days, dossier: str, place: int) -> bytes:
    """The step at that place in the life of a dossier, as the door wants it."""
    step = STEPS[place]
    # An actor a step: nobody may approve what they appraised, nor seal what they approved.
    said: dict[str, Any] = {"action": step, "actor": f"desk-{step}"}
    said["key"] = dossier if step == "register" else f"{dossier}/{step}"
    if step == "register":
        said |= {"procedure": PROCEDURE.code, "agency": AGENCY, "channel": PROCEDURE.channels[0]}
    else:
        said["dossier_key"] = dossier
    if step == "accept":
        said["agency"] = AGENCY
    if step == "rate":
        said["score"] = 5
    return msgspec.json.encode(said | days.at(place))
