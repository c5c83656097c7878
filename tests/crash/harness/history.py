"""What stands in a partition's log: several lives interleaved, with law, time, garbage, repeats, mistakes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from contracts.commands import Command, CommandRecord, LawChanged, TimeAdvanced
from contracts.facts import Cause, Fact
from contracts.law import CalendarAmended, CalendarDay, DayKind, EngineVersion
from contracts.words import Clock
from services.workflow.domain.decide import Decision, decide, fire
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.engines import Engine, Engines
from services.workflow.domain.law import Law
from services.workflow.domain.redate import redate
from tests.fakes.workflow import START, law_record, life
from tests.fakes.workflow_lives import more_law, stray, whole_life

END: Final = START + timedelta(days=40)
NEW_YEAR: Final = datetime(2024, 12, 31, 8, tzinfo=UTC)
"""Some hours before a new year begins in Việt Nam."""

Entry = CommandRecord | bytes | None
"""A record, or a value that is none."""


@cache
def law(version: int) -> LawChanged:
    """The law with that version: all of it, the engine's version and a seal's end, a day off or worked."""
    if version == 1:
        return LawChanged(version=1, changes=(*law_record().changes, *more_law()))
    if version % 3 == 0:
        kind = DayKind.OFF if version % 2 else DayKind.WORK
        day = CalendarDay(date=START.date() + timedelta(days=3), kind=kind, name_vi="Nghỉ bù", source="test")
        return LawChanged(
            version=version, changes=(CalendarAmended(years=(2025,), days=(day,), source="test"),)
        )
    if version % 3 == 2:
        return LawChanged(version=version, changes=(EngineVersion(version=1), *more_law(START.date())))
    return law_record(version)


def history(chance: random.Random, clock: Clock, partition: int) -> list[Entry]:
    """The entries of one partition in their order."""
    entries: list[Entry] = []
    if chance.random() < 0.5:
        entries.append(life(f"early-{partition}")[0])  # before any law: refused, and never a dossier
    entries.append(law(1))
    lives = [_life(chance, f"p{partition}-{n}", n) for n in range(chance.randint(1, 4))]
    version = 1
    while any(lives):
        kind = chance.random()
        if kind < 0.04:
            entries.append(chance.choice([None, b"{", b'{"record":"command"}']))
        elif kind < 0.10:
            version += chance.choice([0, 1])
            entries.append(law(version))
        elif kind < 0.18 and clock is Clock.LOG:
            entries.append(TimeAdvanced(to=START + timedelta(days=chance.randint(0, 20))))
        else:
            one = chance.choice([one for one in lives if one])
            entries.append(one[0])
            if chance.random() < 0.9:  # else it comes again
                one.pop(0)
    return entries


def _life(chance: random.Random, name: str, hours: int) -> list[Command]:
    begins = chance.choice([START, NEW_YEAR]) + timedelta(hours=hours)
    one = whole_life(chance, name, begins)
    if chance.random() < 0.5:
        cut = chance.randint(1, len(one))
        one[cut:] = [_wild(chance, name, n) for n in range(chance.randint(0, 5))]
    return one


def _wild(chance: random.Random, dossier: str, n: int) -> Command:
    at = START + timedelta(hours=chance.randint(0, 400))
    return stray(chance, dossier, f"wild-{chance.randint(0, n)}", at)


@dataclass
class Fragile:
    """Code with a defect: some commands and the timers of some dossiers crash it, until it is mended."""

    commands: set[str] = field(default_factory=set)
    timers: set[str] = field(default_factory=set)
    mended: bool = False

    def engines(self) -> Engines:
        """Today's code."""
        return {1: Engine(self.decide, self.fire, redate)}

    def decide(self, dossier: Dossier | None, law: Law, command: Command, cause: Cause) -> Decision:
        """Like the real one, save for the defect."""
        if command.id in self.commands and not self.mended:
            raise KeyError(command.id)
        return decide(dossier, law, command, cause)

    def fire(
        self, dossier: Dossier, timer: str, version: int, now: datetime, cause: Cause
    ) -> tuple[Fact, Dossier] | None:
        """Like the real one, save for the defect."""
        if dossier.id in self.timers and not self.mended:
            raise AssertionError(timer)
        return fire(dossier, timer, version, now, cause)


def fragile(chance: random.Random, entries: list[Entry]) -> Fragile:
    """No defect, or one that some of these entries meet."""
    commands_ = [entry for entry in entries if isinstance(entry, Command)]
    code = Fragile()
    if chance.random() < 0.3:
        code.commands = {chance.choice(commands_).id for _ in range(chance.randint(1, 2))}
    if chance.random() < 0.15:
        code.timers = {chance.choice(commands_).dossier_id}
    return code
