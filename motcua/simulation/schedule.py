"""On which day each dossier comes in, and at which moment of the day."""

from __future__ import annotations

from collections import Counter
from datetime import date, time
from typing import Final

from contracts.words import Channel
from motcua.simulation.axis import ONE_DAY, Axis, epoch
from motcua.simulation.counts import Fate
from motcua.simulation.dice import Dice, Weights
from motcua.simulation.menu import ROOM, Menu
from motcua.simulation.profile import Profile, ProfileError

HOUR: Final = 3_600
LAST_MINUTES: Final = 1_200
"""Working seconds before the end of a session in which the counter takes no more dossiers."""

Cell = tuple[Fate, Channel]


class Schedule:
    """Receipts over the period, following the profile's weekdays and hours and what the law leaves open."""

    def __init__(self, profile: Profile, menu: Menu, axis: Axis) -> None:
        self._profile: Final = profile
        self._menu: Final = menu
        self._axis: Final = axis
        period = profile.period
        self.days: Final = [
            period.first + ONE_DAY * place for place in range((period.last - period.first).days + 1)
        ]

    def spread(self, dealt: dict[Cell, int], dice: Dice) -> list[Counter[Cell]]:
        """How many dossiers of each cell come in on each day. Raises ProfileError when there is no day."""
        spread: list[Counter[Cell]] = [Counter() for _ in self.days]
        for cell, dossiers in dealt.items():
            try:
                weights = Weights(self._weight(*cell, day) for day in self.days)
            except ValueError as error:
                fate, channel = cell
                raise ProfileError(f"no day and procedure of the period allow {fate} by {channel}") from error
            for _ in range(dossiers):
                spread[dice.pick(weights)][cell] += 1
        return spread

    def receipts(self, day: date, cells: Counter[Cell], dice: Dice) -> list[tuple[int, Fate, Channel]]:
        """The receipts of a day in order of their moments (seconds since 1970)."""
        counter = self._counter_hours(day)
        online = self._online_hours(day)
        found: list[tuple[int, Fate, Channel]] = []
        for (fate, channel), dossiers in cells.items():
            spans = online if channel is Channel.ONLINE else counter
            weights = Weights(weight for _, _, weight in spans)
            for _ in range(dossiers):
                start, end, _ = spans[dice.pick(weights)]
                found.append((dice.between(start, end - 1), fate, channel))
        return sorted(found)

    def _weight(self, fate: Fate, channel: Channel, day: date) -> float:
        """The weekday's weight times the share of procedures that fit, however late it is accepted."""
        axis, online = self._axis, channel is Channel.ONLINE
        if fate is Fate.WAITING and (self.days[-1] - day).days >= self._profile.assumed.waiting_days:
            return 0.0
        weight = self._profile.receipts.weekday(channel)[day.weekday()]
        if not weight or not (online or axis.works(day)):
            return 0.0
        earliest = axis.start_of(day)
        latest_day = day if channel is Channel.COUNTER else axis.next_working_day(day)
        latest = axis.end_of(latest_day) - ROOM
        if latest > self._menu.end - ROOM:
            return 0.0
        fitting = min(self._menu.share(fate, channel, accepted) for accepted in (earliest, latest))
        return weight * fitting

    def _counter_hours(self, day: date) -> list[tuple[int, int, float]]:
        """Spans (seconds since 1970) in which the counter takes dossiers, with their weights."""
        hours = self._profile.receipts.counter_hour
        spans: list[tuple[int, int, float]] = []
        for opens, closes in self._axis.spans(day):
            for hour, weight in enumerate(hours):
                start = max(opens, epoch(day, time(hour)))
                end = min(closes - LAST_MINUTES, epoch(day, time(hour)) + HOUR)
                if start < end and weight:
                    spans.append((start, end, weight * (end - start)))
        return spans

    def _online_hours(self, day: date) -> list[tuple[int, int, float]]:
        hours = self._profile.receipts.online_hour
        midnight = epoch(day, time())
        return [
            (midnight + hour * HOUR, midnight + (hour + 1) * HOUR, weight)
            for hour, weight in enumerate(hours)
        ]
