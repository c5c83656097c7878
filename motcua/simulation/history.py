"""A whole history: the header, then every command in order of time, one line after the other.

Only what is still open is held in memory, so a year of a district streams in a few megabytes.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import time, timedelta
from decimal import Decimal
from typing import Final

from contracts.law import AgencyPublished, CalendarAmended, LawChange, ProcedurePublished
from legalclock.calendar import YearNotCoveredError
from motcua.simulation.axis import ONE_DAY, epoch, moment
from motcua.simulation.counts import count, deal
from motcua.simulation.dice import Dice
from motcua.simulation.law import Law, calendar_of
from motcua.simulation.lines import Header, History, encode
from motcua.simulation.lives import Lives
from motcua.simulation.menu import Menu
from motcua.simulation.profile import Profile, ProfileError
from motcua.simulation.schedule import Cell, Schedule

Cells = Counter[Cell]

BEYOND: Final = timedelta(days=150)
"""How far after the period due dates are looked at; the longest term of a profile must end within."""


def history(
    profile: Profile,
    seed: int,
    scale: Decimal,
    catalogue: Sequence[LawChange],
    calendar: CalendarAmended,
) -> Iterator[bytes]:
    """The lines, without line ends. Raises ProfileError, before the first line, for what cannot be told.

    `catalogue` holds the procedures and agencies to choose from, `calendar` the whole working calendar.
    """
    period = profile.period
    counts = count(profile, scale)
    name = f"{profile.name}/{seed}/{scale.normalize():f}"
    law = Law(calendar_of(calendar))
    try:
        axis = law.axis(period.first - ONE_DAY, period.last + BEYOND)
    except YearNotCoveredError as error:
        raise ProfileError(f"profile: period: {error}") from error
    _check_agencies(profile, catalogue)
    menu = Menu(profile, [c for c in catalogue if isinstance(c, ProcedurePublished)], law, axis)
    schedule = Schedule(profile, menu, axis)
    lives = Lives(profile, menu, law, axis, counts.received)
    dice = Dice(f"{name}/days")
    spread = schedule.spread(deal(counts, dice), dice)
    header = Header(
        history=History(
            profile=profile.name,
            seed=seed,
            scale=float(scale),
            period=period,
            dossiers=counts.received,
            time_to=moment(epoch(period.last, time(23, 59, 59))).isoformat(),
        )
    )
    return _lines(name, header, schedule, spread, lives)


def _lines(
    name: str, header: Header, schedule: Schedule, spread: Sequence[Cells], lives: Lives
) -> Iterator[bytes]:
    yield encode(header)
    serial = 0
    waiting: list[tuple[int, int, int, bytes]] = []
    for day, cells in zip(schedule.days, spread, strict=True):
        dice = Dice(f"{name}/{day}")
        for registered, fate, channel in schedule.receipts(day, cells, dice):
            serial += 1
            key = f"{name.replace('/', '.')}.{serial:06d}"
            story = lives.tell(key, fate, channel, registered, dice)
            for place, (at, line) in enumerate(story.lines):
                heapq.heappush(waiting, (at, serial, place, line))
        tomorrow = epoch(day + ONE_DAY, time())
        while waiting and waiting[0][0] < tomorrow:
            yield heapq.heappop(waiting)[-1]
    while waiting:
        yield heapq.heappop(waiting)[-1]


def _check_agencies(profile: Profile, catalogue: Sequence[LawChange]) -> None:
    """Every agency of the profile is in the catalogue and open through the period."""
    known = {change.code: change for change in catalogue if isinstance(change, AgencyPublished)}
    for office in profile.agencies:
        agency = known.get(office.code)
        if agency is None:
            raise ProfileError(f"profile: agencies: {office.code} is not in the catalogue")
        late = agency.valid_from is not None and agency.valid_from > profile.period.first
        closed = agency.valid_to is not None and agency.valid_to < profile.period.last
        if late or closed:
            raise ProfileError(f"profile: agencies: {office.code} is not open through the period")
