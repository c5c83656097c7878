"""The state of one dossier: a fold over its facts, and the only thing a decision reads of it.

Everything here follows from the facts (:mod:`services.workflow.domain.evolve`), so a state can be rebuilt
from ``dossier.events.v1`` alone.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import Struct

from contracts.words import Channel, NationalStatus, Outcome, Step

MEMORY: Final = 64
"""How many of its last commands a dossier remembers."""

DUE_TIMER: Final = "due"
"""Name of the timer that fires when the due date goes by."""

CALENDAR_TIMER: Final = "calendar"
"""Stands in lists of deadlines for a due date to be counted again; never in a dossier."""


class Timer(Struct, frozen=True, array_like=True):
    """A deadline that stands: fires once when time passes `at`; `version` tells a stale entry from it."""

    name: str
    at: datetime
    version: int


class Pause(Struct, frozen=True, array_like=True):
    """The clock stood from `since` to `until`."""

    since: datetime
    until: datetime


class Remembered(Struct, frozen=True, array_like=True):
    """A command already decided; `refused` is the reason it was refused for, if it was."""

    command_id: str
    fingerprint: str
    refused: str | None = None


class Dossier(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dossier after its last fact.

    `at` is the time of that fact, `seq` its number. `done` is the last step completed. `remaining_minutes`
    is the working time left while the clock is paused; `due` is the due date in force (None before
    acceptance), `due_original` the first one given, `pauses` those that are over. Instants are aware;
    minutes are working minutes.
    """

    id: str
    seq: int
    at: datetime
    agency: str
    procedure: str
    procedure_version: int
    channel: Channel
    status: NationalStatus
    applicant: str | None = None
    done: Step | None = None
    dossier_code: str | None = None
    rules: str | None = None
    accepted_at: datetime | None = None
    received_at: datetime | None = None
    due_original: datetime | None = None
    due: datetime | None = None
    paused_at: datetime | None = None
    remaining_minutes: int | None = None
    pauses: tuple[Pause, ...] = ()
    overdue: bool = False
    outcome: Outcome | None = None
    score: int | None = None
    timers: tuple[Timer, ...] = ()
    timer_version: int = 0
    memory: tuple[Remembered, ...] = ()

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
