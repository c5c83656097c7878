"""Which procedures can lead to which fate, for dossiers accepted at a given moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import time
from typing import Final

from contracts.law import ProcedurePublished
from contracts.words import Channel
from motcua.simulation.axis import Axis, moment
from motcua.simulation.counts import Fate
from motcua.simulation.dice import Dice, Weights
from motcua.simulation.law import Law, usable
from motcua.simulation.profile import Profile, ProfileError

ROOM: Final = 300
"""Working seconds kept free for the steps between acceptance and stamp."""
MARGIN: Final = 120
"""Working seconds kept to the due moment and to the end of the period."""
REQUEST_ROOM: Final = 1_200
"""Working seconds kept free for a supplement request and before it."""
_TRIES: Final = 8


class Menu:
    """The procedures of a profile with their weights, and the windows that the law leaves to each fate.

    Positions are places on `axis`; `end` is the position at which the period ends.
    """

    def __init__(
        self, profile: Profile, procedures: Sequence[ProcedurePublished], law: Law, axis: Axis
    ) -> None:
        self._law: Final = law
        self._axis: Final = axis
        self._edges: Final[dict[tuple[int, time | None, int], int]] = {}
        self.end: Final = axis.end_of(profile.period.last)
        terms = profile.assumed.terms
        levels = frozenset(profile.assumed.levels)
        offered = [
            p
            for p in procedures
            if usable(p) and levels.intersection(p.level.split("|")) and terms.get(str(p.term_value), 0) > 0
        ]
        missing = set(terms) - {str(p.term_value) for p in offered}
        if missing:
            raise ProfileError(
                f"the catalogue has no procedure of {', '.join(sorted(missing))} working days"
                f" at the levels {', '.join(sorted(levels))}"
            )
        # A term's weight is shared by its procedures.
        per_term = {term: sum(str(p.term_value) == term for p in offered) for term in terms}
        self._weighed: Final = {
            channel: [
                (p, terms[str(p.term_value)] / per_term[str(p.term_value)])
                for p in offered
                if channel in p.channels
            ]
            for channel in Channel
        }
        self._draw: Final = {
            channel: Weights(weight for _, weight in weighed)
            for channel, weighed in self._weighed.items()
            if weighed
        }

    def window(self, fate: Fate, started: int, due: int) -> tuple[int, int] | None:
        """Positions, both inclusive, in which the fate's deciding act may fall; None when there is none.

        The deciding act is the stamp of a finished dossier and the request of a waiting one; for the
        others the window only says whether the fate is possible. `started` is the position from which
        the clock runs, `due` the due moment.
        """
        axis, end = self._axis, self.end - MARGIN
        day = moment(due).date()
        match fate:
            case Fate.EARLY:
                low, high = started + ROOM, min(axis.start_of(day) - MARGIN, end)
            case Fate.ON_TIME:
                low, high = max(started + ROOM, axis.start_of(day)), axis.position(due) - MARGIN
                high = high if high <= end else low - 1
            case Fate.WAITING:
                low, high = started + REQUEST_ROOM, min(axis.position(due) - REQUEST_ROOM, end)
            case Fate.NOT_DUE:
                low, high = started, end if axis.position(due) > self.end else started - 1
            case Fate.REFUSED:
                low, high = started, end
        return (low, high) if low <= high else None

    def due(self, procedure: ProcedurePublished, accepted: int) -> int:
        """The due moment of a dossier accepted at this position."""
        return self._law.due(procedure, self._axis.at(accepted))

    def _due_at(self, procedure: ProcedurePublished, accepted: int) -> int:
        """The same, reckoned once for all procedures of a term: it is asked at the edges of days."""
        term = procedure.term_value, procedure.late_cutoff, accepted
        due = self._edges.get(term)
        if due is None:
            due = self._edges[term] = self.due(procedure, accepted)
        return due

    def share(self, fate: Fate, channel: Channel, accepted: int) -> float:
        """How much of the channel's weight can lead to `fate` from acceptance at this position."""
        weighed = self._weighed[channel]
        fitting = sum(
            weight for p, weight in weighed if self.window(fate, accepted, self._due_at(p, accepted))
        )
        return fitting / sum(weight for _, weight in weighed) if fitting else 0.0

    def choose(
        self, fate: Fate, channel: Channel, accepted: int, dice: Dice
    ) -> tuple[ProcedurePublished, int]:
        """A procedure that can lead to `fate`, and its due moment."""
        weighed = self._weighed[channel]
        for _ in range(_TRIES):
            procedure = weighed[dice.pick(self._draw[channel])][0]
            due = self.due(procedure, accepted)
            if self.window(fate, accepted, due):
                return procedure, due
        fitting = [(p, weight) for p, weight in weighed if self.window(fate, accepted, self.due(p, accepted))]
        procedure = fitting[dice.pick(Weights(weight for _, weight in fitting))][0]
        return procedure, self.due(procedure, accepted)
