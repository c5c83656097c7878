"""The law as intake reads it: what is enacted, what is forwarded, what is in force here.

``law.v1`` is the one order. A change is enacted when it stands there, and in force at this door only
once ``LawForwarded`` covers it: by then every partition of the commands knows it, so no command can
overtake the law it rests on. A pure state machine over the entries of the topic.

Two doors may enact at the same moment, neither knowing of the other's change. What every reader makes of
it is fixed by the order alone: the first content of a procedure's version stays what that version means,
a later one is void, and so are a seal registered as another one and an amendment that makes no calendar.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import date
from typing import Final

from contracts.codec import encode
from contracts.law import (
    AgencyPublished,
    CalendarAmended,
    CalendarDay,
    CertificateRegistered,
    EngineVersion,
    LawChange,
    LawEnacted,
    LawEntry,
    ProcedurePublished,
    SealRegistered,
)
from legalclock.amendment import enacted
from legalclock.calendar import Calendar
from legalclock.sessions import BadCalendarError
from services.intake.domain.catalogue import Catalogue
from services.intake.domain.law_checks import (
    check_agency_code,
    check_calendar,
    check_certificate,
    check_procedure,
    check_seal,
    seal_taken,
    version_taken,
)
from services.intake.domain.refusals import Refused, bad_shape

ENTRY_CHANGES: Final = 200
ENTRY_BYTES: Final = 512 * 1024
"""Bounds of one entry, well below what a topic takes in one record."""


class LawCorruptError(RuntimeError):
    """``law.v1`` contradicts itself: the process must stop, a person must look."""


class _Standing:
    """Everything enacted so far, to tell a change from a repetition."""

    def __init__(self) -> None:
        self.catalogue = Catalogue()
        self.versions: dict[tuple[str, int], ProcedurePublished] = {}
        self.calendar = Calendar()
        self.years: set[int] = set()
        self.days: dict[tuple[str | None, date], CalendarDay] = {}
        self.weeks: dict[str | None, tuple[object, ...]] = {}
        """By province, the weeks named last and when they hold."""
        self.engine: EngineVersion | None = None

    def copy(self) -> _Standing:
        other = _Standing()
        other.catalogue = self.catalogue.copy()
        other.versions.update(self.versions)
        other.calendar = self.calendar
        other.years.update(self.years)
        other.days.update(self.days)
        other.weeks.update(self.weeks)
        other.engine = self.engine
        return other

    def has(self, change: LawChange) -> bool:
        if isinstance(change, CalendarAmended):
            return (
                self.years.issuperset(change.years)
                and all(self.days.get((change.province, day.date)) == day for day in change.days)
                and _week(change) in (None, self.weeks.get(change.province))
            )
        if isinstance(change, EngineVersion):
            return self.engine == change
        return self.catalogue.has(change)

    def apply(self, change: LawChange) -> bool:
        """The next change of the log; False for one that is void."""
        if isinstance(change, ProcedurePublished):
            if self.versions.setdefault((change.code, change.version), change) != change:
                return False
        elif isinstance(change, CalendarAmended):
            try:
                self.calendar = enacted(self.calendar, change)
            except BadCalendarError:
                return False
            self.years.update(change.years)
            self.days.update({(change.province, day.date): day for day in change.days})
            if week := _week(change):
                self.weeks[change.province] = week
        elif isinstance(change, SealRegistered):
            if self._other_seal(change):
                return False
        elif isinstance(change, EngineVersion):
            self.engine = change
        self.catalogue.apply(change)
        return True

    def stands(self, change: LawChange) -> bool:
        """Whether an enacted procedure or seal means what `change` says; all else does."""
        if isinstance(change, ProcedurePublished):
            return self.versions.get((change.code, change.version)) == change
        return not (isinstance(change, SealRegistered) and self._other_seal(change))

    def _other_seal(self, change: SealRegistered) -> bool:
        registered = self.catalogue.seals.get(change.code)
        return registered is not None and not registered.is_seal(change)


class LawBook:
    """A fold of ``law.v1``. `in_force` is what the door checks against."""

    def __init__(self) -> None:
        self.in_force = Catalogue()
        self.enacted = 0
        self.forwarded = 0
        self._standing = _Standing()
        self._waiting: deque[tuple[LawEnacted, list[LawChange]]] = deque()

    def apply(self, entry: LawEntry) -> int:
        """The next entry of the topic; how many of its changes are void. Raises LawCorruptError."""
        if isinstance(entry, LawEnacted):
            self.enacted += 1
            valid = [change for change in entry.changes if self._standing.apply(change)]
            self._waiting.append((entry, valid))
            return len(entry.changes) - len(valid)
        if entry.through > self.enacted:
            raise LawCorruptError(f"forwarded through {entry.through} of {self.enacted} versions")
        while self.forwarded < entry.through:
            self.forwarded += 1
            for change in self._waiting.popleft()[1]:
                self.in_force.apply(change)
        return 0

    def waiting(self) -> list[tuple[int, LawEnacted]]:
        """Versions enacted and not yet forwarded, in order."""
        return list(enumerate((entry for entry, _ in self._waiting), start=self.forwarded + 1))

    def why_void(self, change: LawChange, where: str) -> Refused | None:
        """The refusal of an enacted change, said at `where`, that another one came before in the log."""
        if isinstance(change, ProcedurePublished) and not self._standing.stands(change):
            return version_taken(change, where)
        if isinstance(change, SealRegistered) and not self._standing.stands(change):
            return seal_taken(change, where)
        return None

    def news(self, changes: Sequence[LawChange]) -> list[LawChange]:
        """The changes that change anything, in order.

        Raises Refused (version_not_newer) for a procedure altered without a higher version: dossiers
        are pinned to versions, so one version must not mean two things; (seal_taken) for a seal registered
        as another one; (unknown_agency) for a seal or certificate of nobody; (bad_shape) for all else that
        ``law_checks`` does not let through.
        """
        fresh: list[LawChange] = []
        standing = self._standing.copy()
        for place, change in enumerate(changes):
            if standing.has(change):
                continue
            where = f"changes[{place}]"
            _check(change, standing, where)
            standing.apply(change)
            fresh.append(change)
        return fresh


def _check(change: LawChange, standing: _Standing, where: str) -> None:
    """`change`, said at `where`, may follow what stands. Raises Refused.

    An engine's version is not judged here: a worker that does not know it stops and says so.
    """
    match change:
        case AgencyPublished():
            check_agency_code(change, where)
        case CalendarAmended():
            check_calendar(change, standing.calendar, where)
        case ProcedurePublished():
            before = standing.catalogue.procedures.get(change.code)
            first = standing.versions.get((change.code, change.version), change)
            if (before is not None and before.version >= change.version) or first != change:
                raise version_taken(change, where)
            check_procedure(change, where)
        case SealRegistered():
            check_seal(change, standing.catalogue.agencies, where)
            if not standing.stands(change):
                raise seal_taken(change, where)
        case CertificateRegistered():
            check_certificate(change, standing.catalogue.agencies, where)


def _week(change: CalendarAmended) -> tuple[object, ...] | None:
    """What a change says about weeks; None when it says nothing."""
    if change.sessions is None and change.counter is None:
        return None
    return change.sessions, change.counter, change.valid_from, change.valid_to


def entries(author: str, changes: Sequence[LawChange]) -> list[LawEnacted]:
    """The changes cut into entries that fit a record. Raises Refused (bad_shape) for one that never fits."""
    cut: list[LawEnacted] = []
    part: list[LawChange] = []
    size = 0
    for place, change in enumerate(changes):
        weight = len(encode(change))
        if weight > ENTRY_BYTES:
            raise bad_shape(f"changes[{place}]", f"Một thay đổi dài tối đa {ENTRY_BYTES} byte")
        if part and (len(part) == ENTRY_CHANGES or size + weight > ENTRY_BYTES):
            cut.append(LawEnacted(author=author, changes=tuple(part)))
            part, size = [], 0
        part.append(change)
        size += weight
    if part:
        cut.append(LawEnacted(author=author, changes=tuple(part)))
    return cut
