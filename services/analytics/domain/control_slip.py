"""The control slip (phiếu kiểm soát quá trình): who had a dossier in hand, when, for which step.

A fold over its facts. Each fact says who has which step in hand after it; where that changes, one entry ends
and the next begins at the same moment. So there is exactly one holder at any moment from the registration to
the end. Only between the end and a re-opening (a returned result is corrected, its stamp void) has nobody
anything to do, and no entry covers that time.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from contracts.facts import DossierAccepted, DossierDeclined, Fact, HandedOver, Holder, StepCompleted
from contracts.words import Outcome, Place, Step
from services.analytics.domain.details import step_time


class EntryKind(StrEnum):
    """How an entry ended: the step was done, was handed over, or ended with the dossier or its re-opening."""

    STEP = "step"
    HAND_OVER = "hand_over"
    ENDED = "ended"


class Entry(NamedTuple):
    """One holder's time with one step, `since` included, `until` not; None while it lasts.

    `officer` is the one named for the step; where none was, the one who did it. `due` is the step's own due
    time, `outcome` how its holder left it, both None where the procedure does not share its term out.
    `place` is where the step was done, `kind` how the entry ended.
    """

    step: Step
    agency: str
    officer: str | None
    since: datetime
    until: datetime | None = None
    due: datetime | None = None
    outcome: Outcome | None = None
    place: Place | None = None
    kind: EntryKind | None = None


def control_slip(facts: Iterable[Fact]) -> tuple[Entry, ...]:
    """The entries of one dossier in order of time, from its facts in order of seq."""
    done: list[Entry] = []
    current: Entry | None = None
    holder: Holder | None = None
    for fact in facts:
        ends = fact.step is None or (
            current is not None and (fact.step, fact.holder) != (current.step, holder)
        )
        # Whoever takes a step over has what is left of its time.
        due = current.due if current is not None and isinstance(fact.body, HandedOver) else None
        if current is not None and ends:
            entry = _ended(current, fact)
            # Two facts of one moment, as a void stamp and a correction: nobody had it in between.
            passing = entry.kind is EntryKind.ENDED and entry.since == entry.until and fact.step is not None
            if not passing:
                done.append(entry)
            current = None
        if current is None and fact.step is not None and fact.holder is not None:
            holder = fact.holder
            current = Entry(fact.step, holder.agency, holder.officer, fact.at, due=due)
        if current is not None:
            current = _noted(current, fact)
    return tuple(done) if current is None else (*done, current)


def _ended(entry: Entry, fact: Fact) -> Entry:
    entry, body = entry._replace(until=fact.at), fact.body
    match body:
        case DossierAccepted(place=place):
            return entry._replace(officer=entry.officer or fact.actor, place=place, kind=EntryKind.STEP)
        case StepCompleted(place=place, due=due, outcome=outcome):
            return entry._replace(
                officer=entry.officer or fact.actor,
                due=due,
                outcome=outcome,
                place=place,
                kind=EntryKind.STEP,
            )
        case HandedOver(due=due, outcome=outcome):
            return entry._replace(due=due, outcome=outcome, kind=EntryKind.HAND_OVER)
        case _:
            return entry._replace(kind=EntryKind.ENDED)


def _noted(entry: Entry, fact: Fact) -> Entry:
    """What a fact says of the entry it leaves open."""
    if isinstance(fact.body, DossierDeclined):
        return entry._replace(officer=entry.officer or fact.actor)
    time = step_time(fact.body)
    return entry._replace(due=time.due) if time.state else entry
