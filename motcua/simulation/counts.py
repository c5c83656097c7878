"""How many dossiers of each fate and channel a history holds.

At scale X each published figure is X times itself, rounded half up; what was received is the sum of
the buckets, and a split inside a bucket gives the remainder to its last part, so that everything adds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from contracts.words import Channel
from motcua.simulation.dice import Dice, Weights
from motcua.simulation.profile import Profile, ProfileError


class Fate(StrEnum):
    """What has become of a dossier by the end of the period."""

    EARLY = "early"
    ON_TIME = "on_time"
    NOT_DUE = "not_due"
    REFUSED = "refused"
    WAITING = "waiting"


FINISHED = (Fate.EARLY, Fate.ON_TIME)


@dataclass(frozen=True)
class Counts:
    """Dossiers by fate and by channel; both add up to `received`."""

    fates: dict[Fate, int]
    channels: dict[Channel, int]

    @property
    def received(self) -> int:
        """All dossiers of the history."""
        return sum(self.fates.values())


def half_up(value: Decimal) -> int:
    """The nearest whole number; exactly a half goes up."""
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def count(profile: Profile, scale: Decimal) -> Counts:
    """The counts at `scale` (above 0). Raises ProfileError when nothing is left or shares overflow."""
    published, assumed = profile.published, profile.assumed
    finished = half_up(published.finished * scale)
    not_solved = half_up(published.not_solved * scale)
    early = half_up(finished * profile.early_of_finished)
    refused = half_up(not_solved * assumed.refused_of_not_solved)
    fates = {
        Fate.EARLY: early,
        Fate.ON_TIME: finished - early,
        Fate.NOT_DUE: half_up(published.not_due * scale),
        Fate.REFUSED: refused,
        Fate.WAITING: not_solved - refused,
    }
    received = sum(fates.values())
    if received == 0:
        raise ProfileError(f"no dossier is left of {profile.name} at scale {scale}")
    if published.online is not None:
        online = half_up(published.online * scale)
    else:
        online = half_up(received * (assumed.online or Decimal(0)))
    postal = half_up(received * assumed.postal)
    if online + postal > received:
        raise ProfileError(f"profile: {online} online and {postal} postal of {received} received")
    channels = {Channel.COUNTER: received - online - postal, Channel.ONLINE: online, Channel.POSTAL: postal}
    return Counts(fates, channels)


def deal(counts: Counts, dice: Dice) -> dict[tuple[Fate, Channel], int]:
    """Channels dealt to the fates by chance, each used exactly as often as counted."""
    left = dict(counts.channels)
    dealt: dict[tuple[Fate, Channel], int] = {}
    for fate, dossiers in counts.fates.items():
        for _ in range(dossiers):
            channel = list(left)[dice.pick(Weights(left.values()))]
            left[channel] -= 1
            dealt[fate, channel] = dealt.get((fate, channel), 0) + 1
    return dealt
