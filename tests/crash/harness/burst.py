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
_TO_STAMP: Final = ("appraise", "approve", "stamp")
_END: Final = ("return", "rate")
LIVES: Final = tuple(
    ("register", "accept", *rest)
    for rest in (
        (*_TO_STAMP, *_END),
        ("hand_over", *_TO_STAMP, *_END),
        ("request_payment", "receive_payment", *_TO_STAMP, *_END),
        ("request_supplement", "receive_supplement", *_TO_STAMP, "revoke_stamp", "stamp"),
        ("appraise", "suspend", "resume", "approve", "stamp", *_END),
        (*_TO_STAMP, "correct", *_TO_STAMP),
        ("apologise", "extend", *_TO_STAMP, *_END),
        ("appraise", "decline", *_END),
        ("withdraw", "appraise", "stop"),
        ("stamp", "stop", "resume"),
    )
)
"""What is asked of one dossier after the other, mostly allowed, and not always."""
PLACES: Final = max(map(len, LIVES))
PROCEDURE: Final = sample_procedures()[0]  # due the same day
AGENCIES: Final = tuple(agency.code for agency in sample_agencies()[:3])
HERD: Final = 1_600
"""Dossiers that come due in one second: 200 a partition."""

_SAYS: Final[dict[str, dict[str, Any]]] = {
    "rate": {"score": 5},
    "request_payment": {"amount_vnd": 50_000},
    "request_supplement": {"reason": "missing_document"},
    "revoke_stamp": {"reason": "wrong_seal"},
    "suspend": {"reason": "court_case"},
    "correct": {"reason": "wrong_name"},
    "apologise": {"reason": "backlog"},
    "extend": {"reason": "complex_matter", "value": 1},
    "decline": {"reason": "conditions_not_met"},
    "stop": {"reason": "no_ground"},
    "hand_over": {"to_officer": "appraise"},
}
"""What an action needs besides; who appraises, approves and stamps is called after it."""


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

    def later(self) -> str:
        """Some days from now."""
        now = datetime.now(UTC) if self.clock is Clock.SYSTEM else self._day
        return (now + timedelta(days=9)).isoformat()

    def next(self, days: int = 1) -> datetime:
        """Go on by some days; the last moment before."""
        self._day += timedelta(days=days)
        return self._day - timedelta(hours=1)


class Burst:
    """`DOSSIERS` lives, sent step by step; ends with the log clock's next day."""

    def __init__(self, client: Client, days: Days, name: str) -> None:
        self.days, self.name = days, name
        self.door = Door(client, patience=PATIENCE)
        self._thread = threading.Thread(target=self._send, daemon=True)
        self._until = PLACES
        self._failed: BaseException | None = None
        self.sent = 0
        self.to: datetime | None = None

    def start(self) -> None:
        """Begin sending."""
        self._thread.start()

    def wait_for(self, steps: int) -> None:
        """Until so many steps are sent, or everything is."""
        while self.sent < steps and self._thread.is_alive():
            time.sleep(0.002)

    def hold(self, steps: int) -> None:
        """Send no more than so many steps (or than are sent already) before `go_on`."""
        self._until = steps

    def go_on(self) -> None:
        """Send the rest."""
        self._until = PLACES

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
            for place in range(PLACES):
                while place >= self._until:
                    time.sleep(0.002)
                going_on = (n for n in range(DOSSIERS) if place < len(LIVES[n % len(LIVES)]))
                self.door.send([line(self.days, f"{self.name}-{n}", n, place) for n in going_on])
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
            self._door.send([line(self._days, f"{self._name}-{n}", n, place) for n in range(HERD)])
        assert not self._door.sent.refused, self._door.sent.refused[:3]

    def come_due(self) -> datetime:
        """Let the time pass, as the log has it; to when."""
        to = self._days.next(12)  # a term of a day, and the longest holidays
        self._door.post("/v1/time", {"to": to.isoformat()})
        return to


def line(days: Days, dossier: str, kind: int, place: int) -> bytes:
    """What is asked at that place in a life of that kind, as the door wants it."""
    action, agency = LIVES[kind % len(LIVES)][place], AGENCIES[kind % len(AGENCIES)]
    said: dict[str, Any] = {"action": action, "actor": action, **_SAYS.get(action, {})}
    if action == "register":
        said |= {"procedure": PROCEDURE.code, "agency": agency, "channel": PROCEDURE.channels[0]}
        said |= {"key": dossier}
    else:
        said |= {"key": f"{dossier}/{place}", "dossier_key": dossier}
    if action == "accept":
        said["agency"] = agency
    if action == "apologise":
        said["until"] = days.later()
    return msgspec.json.encode(said | days.at(place))
