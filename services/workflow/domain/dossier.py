"""The state of one dossier: a fold over its facts, and the only thing a decision reads of it.

Everything here follows from the facts (:mod:`services.workflow.domain.evolve`), so a state can be rebuilt
from ``dossier.events.v1`` alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts.facts import Holder
from contracts.words import AlarmName, Channel, NationalStatus, Outcome, Step

MEMORY: Final = 64
"""How many of its last commands a dossier remembers."""

DUE_TIMER: Final = AlarmName.DUE.value
"""Name of the timer that fires when the due date goes by."""

CALENDAR_TIMER: Final = "calendar"
"""Stands in lists of deadlines for a due date to be counted again; never in a dossier."""


class Timer(Struct, frozen=True, array_like=True):
    """A deadline that stands: fires once when time passes `at`; `version` tells a stale entry from it."""

    name: str
    at: datetime
    version: int


class Paused(Struct, frozen=True, array_like=True, tag="paused"):
    """The clock stands from `at` on; `cause` is that of :class:`legalclock.dossier_clock.PauseCause`."""

    at: datetime
    cause: str


class GoesOn(Struct, frozen=True, array_like=True, tag="goes_on"):
    """The clock goes on."""

    at: datetime


class Apologised(Struct, frozen=True, array_like=True, tag="apology"):
    """A new date was promised."""

    at: datetime
    until: datetime
    counts: bool


class Extended(Struct, frozen=True, array_like=True, tag="extension"):
    """The term grew."""

    at: datetime
    value: int


Move = Paused | GoesOn | Apologised | Extended


class Stamp(Struct, frozen=True, array_like=True):
    """The stamp that stands: its seal, the number of its fact, the agency that put it.

    An electronic one has the `certificate` it was made with, by its fingerprint, and its time stamp.
    """

    seal: str
    seq: int
    agency: str
    certificate: str | None = None
    stamped_at: datetime | None = None


class Remembered(Struct, frozen=True, array_like=True):
    """A command already decided; `refused` is the reason it was refused for, if it was."""

    command_id: str
    fingerprint: str
    refused: str | None = None


class Dossier(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dossier after its last fact.

    `at` is the time of that fact, `seq` its number. `step` is the step in hand and `holder` who answers for
    it since `since`; None once nobody has anything to do. `moves` is what happened to the clock since
    `accepted_at`, in order; `remaining_minutes` the working time left while it stands. `due` is the due date
    last promised (None before acceptance), `due_original` the first one. `late_step` and `escalated_step`
    are the steps last noticed as late and told to the head. `document` is what the approval was signed on,
    where that was electronic, `reopened_at` when a result or its stamp was last taken back. Instants are
    aware.
    """

    id: str
    seq: int
    at: datetime
    agency: str
    procedure: str
    procedure_version: int
    channel: Channel
    status: NationalStatus
    step: Step | None = None
    holder: Holder | None = None
    since: datetime | None = None
    applicant: str | None = None
    dossier_code: str | None = None
    rules: str | None = None
    accepted_at: datetime | None = None
    reopened_at: datetime | None = None
    due_original: datetime | None = None
    due: datetime | None = None
    moves: tuple[Move, ...] = ()
    remaining_minutes: int | None = None
    overdue: bool = False
    late_step: Step | None = None
    escalated_step: Step | None = None
    appraiser: str | None = None
    approver: str | None = None
    document: str | None = None
    stamp: Stamp | None = None
    outcome: Outcome | None = None
    score: int | None = None
    timers: tuple[Timer, ...] = ()
    timer_version: int = 0
    memory: tuple[Remembered, ...] = ()

    @property
    def paused_at(self) -> datetime | None:
        """Since when the clock stands, if it does."""
        last = self.moves[-1] if self.moves else None
        return last.at if isinstance(last, Paused) else None

    def remembers(self, command_id: str, fingerprint: str | None = None) -> Remembered | None:
        """The remembered command of that id, if it is among the last ones.

        With a fingerprint, the one that asked just that: one id may, wrongly, have come with two bodies.
        """
        for remembered in reversed(self.memory):
            if remembered.command_id == command_id and fingerprint in (None, remembered.fingerprint):
                return remembered
        return None

    def timer(self, name: str) -> Timer | None:
        """The timer of that name that stands, if any."""
        for timer in self.timers:
            if timer.name == name:
                return timer
        return None
