"""One dossier's life: from its receipt to what has become of it by the end of the period.

Officers act inside working sessions; what is early, on time or not yet due follows from ``legalclock``.
"""

from __future__ import annotations

from typing import Final

from contracts.law import ProcedurePublished
from contracts.outcomes import ActionName
from contracts.words import Channel
from motcua.simulation.axis import Axis, moment
from motcua.simulation.counts import FINISHED, Fate
from motcua.simulation.dice import Dice, Weights
from motcua.simulation.law import Law
from motcua.simulation.lines import Story
from motcua.simulation.menu import MARGIN, REQUEST_ROOM, Menu
from motcua.simulation.profile import Profile

OFFICERS: Final = 3
"""Officers of each kind in an agency; kinds never mix, so a stamp's keeper is not its approver."""
SUPPLEMENT_TERM: Final = 3
"""The shortest term, in working days, in which a finished dossier was sent back for papers."""
SESSION_REST: Final = 600
"""Working seconds that are always left in the session of an acceptance."""
EDGE: Final = 1_800
"""A due date moved by a pause keeps this distance from the ends of its day before it is rounded up."""
HOUR: Final = 3_600


class Lives:
    """Tells the lives of one profile. `Dice` come with each life, so a life depends on nothing before it."""

    def __init__(self, profile: Profile, menu: Menu, law: Law, axis: Axis, received: int) -> None:
        self._assumed: Final = profile.assumed
        self._menu: Final = menu
        self._law: Final = law
        self._axis: Final = axis
        self._agencies: Final = profile.agencies
        self._agency_draw: Final = Weights(agency.weight for agency in profile.agencies)
        self._score_draw: Final = Weights(profile.assumed.scores)
        # People come back: fewer applicants than dossiers.
        self._applicants: Final = received * 2 // 3 + 1

    def tell(self, key: str, fate: Fate, channel: Channel, registered: int, dice: Dice) -> Story:
        """The life of the dossier registered under `key` at `registered` (seconds since 1970)."""
        story = Story(key, self._agencies[dice.pick(self._agency_draw)].code)
        accepted = self._accept_position(channel, registered, dice)
        procedure, due = self._menu.choose(fate, channel, accepted, dice)
        applicant = f"applicant-{dice.below(self._applicants):06d}"
        story.register(registered, procedure=procedure.code, channel=channel, applicant=applicant)
        if fate is Fate.REFUSED:
            reasons = self._assumed.refuse_reasons
            self._act(story, ActionName.REFUSE, accepted, dice, reason=reasons[dice.below(len(reasons))])
            return story
        self._act(story, ActionName.ACCEPT, accepted, dice)
        if fate in FINISHED:
            self._finish(story, fate, procedure, accepted, due, dice)
        elif fate is Fate.WAITING:
            self._wait(story, accepted, due, dice)
        else:
            self._begin(story, accepted, dice)
        return story

    def _accept_position(self, channel: Channel, registered: int, dice: Dice) -> int:
        """Minutes after at the counter; within the next working hours when it came online or by post."""
        wait = dice.between(20, 600) if channel is Channel.COUNTER else dice.between(300, 2 * HOUR)
        position = self._axis.position(registered) + wait
        rest = self._axis.left_in_session(position)
        return position if rest >= SESSION_REST else position + rest + dice.between(60, 600)

    def _finish(
        self, story: Story, fate: Fate, procedure: ProcedurePublished, accepted: int, due: int, dice: Dice
    ) -> None:
        """To the stamp, in the fate's window, and what comes after it."""
        started, appraised = accepted, False
        supplement = procedure.term_value >= SUPPLEMENT_TERM and dice.chance(
            float(self._assumed.supplement_of_finished)
        )
        pause = self._pause(fate, accepted, due, dice) if supplement else None
        if pause:
            requested, received, due = pause
            appraised = dice.chance(0.5)
            if appraised:
                self._act(story, ActionName.APPRAISE, dice.between(accepted + 60, requested - 60), dice)
            self._request(story, requested, dice)
            self._act(story, ActionName.RECEIVE_SUPPLEMENT, received, dice)
            started = received
        window = self._menu.window(fate, started, due)
        if window is None:
            raise AssertionError(f"{story.key}: chosen for {fate}, which its due date does not allow")
        stamped = dice.late_between(*window)
        if not appraised:
            started = dice.between(started + 60, stamped - 120)
            self._act(story, ActionName.APPRAISE, started, dice)
        self._act(story, ActionName.APPROVE, dice.between(started + 30, stamped - 30), dice)
        self._act(story, ActionName.STAMP, stamped, dice)
        self._hand_over(story, stamped, dice)

    def _pause(self, fate: Fate, accepted: int, due: int, dice: Dice) -> tuple[int, int, int] | None:
        """Request and receipt of a supplement (positions) and the due moment after it, or None.

        Both fall on whole minutes, and the new end away from the edges of its day, so that no way of
        rounding could put the due date on another day.
        """
        axis = self._axis
        window = self._menu.window(Fate.WAITING, accepted, due)
        if window is None:
            return None
        requested = dice.between(*window) // 60 * 60
        received = requested + dice.between(4 * HOUR, 60 * HOUR) // 60 * 60
        if received >= self._menu.end:
            return None
        moved = self._law.resumed(due, axis.at(requested), axis.at(received))
        day = moment(moved).date()
        exact = axis.position(due) + received - requested
        if not axis.start_of(day) + EDGE <= exact <= axis.end_of(day) - EDGE:
            return None
        return (requested, received, moved) if self._menu.window(fate, received, moved) else None

    def _hand_over(self, story: Story, stamped: int, dice: Dice) -> None:
        """The result goes out, at once or in the next days, and some say how it was."""
        returned = stamped + (dice.between(120, HOUR) if dice.chance(0.7) else dice.between(HOUR, 15 * HOUR))
        if returned >= self._menu.end - MARGIN:
            return
        self._act(story, ActionName.RETURN, returned, dice)
        if dice.chance(float(self._assumed.rated_of_returned)):
            at = self._axis.at(returned) + dice.between(20, MARGIN)
            story.then(ActionName.RATE, at, score=dice.pick(self._score_draw) + 1)

    def _wait(self, story: Story, accepted: int, due: int, dice: Dice) -> None:
        """Sent back for papers that have not come yet."""
        window = self._menu.window(Fate.WAITING, accepted, due)
        if window is None:
            raise AssertionError(f"{story.key}: chosen to wait, which its due date does not allow")
        requested = dice.between(*window)
        if dice.chance(0.5):
            self._act(story, ActionName.APPRAISE, dice.between(accepted + 60, requested - 60), dice)
        self._request(story, requested, dice)

    def _begin(self, story: Story, accepted: int, dice: Dice) -> None:
        """Some steps before the period ends."""
        at = accepted
        for action in (ActionName.APPRAISE, ActionName.APPROVE):
            low, high = at + REQUEST_ROOM, self._menu.end - MARGIN
            if low > high or dice.chance(0.4):
                return
            at = dice.between(low, high)
            self._act(story, action, at, dice)

    def _request(self, story: Story, position: int, dice: Dice) -> None:
        reasons = self._assumed.supplement_reasons
        reason = reasons[dice.below(len(reasons))]
        self._act(story, ActionName.REQUEST_SUPPLEMENT, position, dice, reason=reason)

    def _act(
        self, story: Story, action: ActionName, position: int, dice: Dice, reason: str | None = None
    ) -> None:
        """An officer's act at a moment of work."""
        actor = f"{story.agency}.{_DESK[action]}-{1 + dice.below(OFFICERS)}"
        story.then(action, self._axis.at(position), actor, reason=reason)


_DESK: Final = {
    ActionName.ACCEPT: "counter",
    ActionName.REFUSE: "counter",
    ActionName.RECEIVE_SUPPLEMENT: "counter",
    ActionName.RETURN: "counter",
    ActionName.APPRAISE: "officer",
    ActionName.REQUEST_SUPPLEMENT: "officer",
    ActionName.APPROVE: "approver",
    ActionName.STAMP: "keeper",
}
