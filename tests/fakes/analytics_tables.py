"""Tables that answer the API's queries from rows in memory, query by query, without a warehouse."""

from __future__ import annotations

import hashlib
import operator
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final, NamedTuple

from services.analytics.domain.dossier import DossierRow
from services.analytics.domain.rollups import RollUp, RowCells, figures_of
from services.analytics.domain.rows import NUMBER_DRAWN, FactRow
from services.analytics.domain.stamps import StampKey, StampRow, fold_stamp, stamp_of
from services.analytics.queries import query

Row = tuple[Any, ...]

_NAMED: Final = (
    "figures",
    "compliance",
    "steps",
    "ratings",
    "dossier",
    "facts_of_dossier",
    "dossiers_by_code",
    "clocks",
    "strays",
    "dossiers_of_partition",
    "facts_of_stretch",
    "stamps_of_partition",
    "stamps_of_dossier",
    "figures_of_partition",
    "ratings_of_partition",
    "step_times_of_partition",
    "lives_of_partition",
    "late",
    "late_counts",
    "sample",
    "register",
)


class Late(NamedTuple):
    """A late one, and who has it in hand."""

    row: DossierRow
    holder: str
    dossier_late: bool
    step_late: bool

    @property
    def since(self) -> int:
        """The earlier of the times that went by."""
        dossier = (self.row.due or 0) if self.dossier_late else 2**62
        return min(dossier, (self.row.step_due or 0) if self.step_late else 2**62)


class MemoryTables:
    """Implements `services.analytics.reading.Tables`; `failure` is raised instead of the next answers."""

    def __init__(self, dossiers: Mapping[str, DossierRow], facts: list[FactRow]) -> None:
        self.dossiers = dict(dossiers)
        self.facts = list(facts)
        self.clocks: dict[int, int] = {}
        self.failure: Exception | None = None
        self.asked = 0

    def rows(self, text: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of one of the named queries."""
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        given = dict(parameters or {})
        for name in _NAMED:
            if text == query(name):
                answer: list[Row] = getattr(self, f"_{name}")(**given)
                return answer
        raise AssertionError(f"a query nobody named: {text}")

    def _dossiers_of_partition(self, partition: int) -> list[Row]:
        ours = {fact.dossier_id for fact in self.facts if fact.log_partition == partition}
        return [tuple(row) for row in self.dossiers.values() if row.dossier_id in ours]

    def _facts_of_stretch(self, partition: int, start: int, end: int) -> list[Row]:
        return [
            tuple(row)
            for row in self.facts
            if row.log_partition == partition and start <= row.log_offset < end
        ]

    def stamps(self, partition: int | None = None) -> dict[StampKey, StampRow]:
        """The stamps folded from the facts, of all partitions or one."""
        found: dict[StampKey, StampRow] = {}
        for fact in self.facts:
            key = stamp_of(fact)
            if key is not None and partition in (None, fact.log_partition):
                found[key] = fold_stamp(found.get(key), fact)
        return found

    def _stamps_of_partition(self, partition: int) -> list[Row]:
        return [tuple(row) for row in self.stamps(partition).values()]

    def _stamps_of_dossier(self, dossier_id: str, seals: list[str]) -> list[Row]:
        ours = [row for row in self.stamps().values() if row.dossier_id == dossier_id and row.seal in seals]
        return [tuple(row) for row in sorted(ours, key=lambda row: row.stamp)]

    def _cells(self, roll_up: RollUp, partition: int) -> list[Row]:
        cells = RowCells()
        for row in self.facts:
            if row.log_partition == partition:
                cells.add(row)
        return [(*key, *numbers) for key, numbers in cells.cells(roll_up).items()]

    def _figures_of_partition(self, partition: int) -> list[Row]:
        ours = [DossierRow(*row) for row in self._dossiers_of_partition(partition)]
        return [(*key, *numbers) for key, numbers in figures_of(ours).items()]

    def _ratings_of_partition(self, partition: int) -> list[Row]:
        return self._cells(RollUp.RATINGS, partition)

    def _step_times_of_partition(self, partition: int) -> list[Row]:
        return self._cells(RollUp.STEP_TIMES, partition)

    def _lives_of_partition(self, partition: int) -> list[Row]:
        return self._cells(RollUp.LIVES, partition)

    def _strays(self, partitions: int) -> list[Row]:
        facts = Counter(fact.log_partition for fact in self.facts)
        whose = {(row.log_partition, row.dossier_id) for row in self.facts if row.type != NUMBER_DRAWN}
        dossiers = Counter(part for part, _ in whose)
        found = sorted(part for part in facts | dict(self.clocks) if part >= partitions)
        return [(part, facts[part], dossiers[part], int(part in self.clocks), 0) for part in found]

    def _slice(self, first: date, last: date, every_agency: int, agencies: list[str]) -> list[DossierRow]:
        return [
            row
            for row in self.dossiers.values()
            if first <= row.registered_on <= last and (every_agency or row.agency in agencies)
        ]

    def _figures(self, **given: Any) -> list[Row]:
        rows = self._slice(**given)
        return [(bucket, *_numbers(rows, bucket)) for bucket in sorted({row.bucket for row in rows})]

    def _compliance(
        self, period: str, by_agency: int, by_procedure: int, by_channel: int, **given: Any
    ) -> list[Row]:
        def key(row: DossierRow) -> Row:
            starts = row.registered_on.replace(day=1) if period == "month" else row.registered_on
            return (
                starts.isoformat() if period in ("day", "month") else "1970-01-01",
                row.agency if by_agency else "",
                row.procedure if by_procedure else "",
                row.channel if by_channel else "",
                row.bucket,
            )

        rows = self._slice(**given)
        groups = sorted({key(row) for row in rows})
        return [(*one, *_numbers([row for row in rows if key(row) == one], one[-1])) for one in groups]

    def _activity(self, roll_up: RollUp, period: str, given: Mapping[str, Any]) -> Iterator[tuple[Row, Row]]:
        """The cells of all partitions that a slice sees, each after what it is split by."""
        cells = RowCells()
        for row in self.facts:
            cells.add(row)
        for key, numbers in cells.cells(roll_up).items():
            day, agency, procedure, channel, _ = key
            assert isinstance(day, date)
            if given["first"] <= day <= given["last"] and (
                given["every_agency"] or agency in given["agencies"]
            ):
                starts = {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}
                split = [
                    value if given[f"by_{name}"] else ""
                    for name, value in (("agency", agency), ("procedure", procedure), ("channel", channel))
                ]
                yield (starts.get(period, date(1970, 1, 1)).isoformat(), *split), (*key, *numbers)

    def _steps(self, period: str, by_step: int, **given: Any) -> list[Row]:
        found: dict[Row, Row] = {}
        for split, cell in self._activity(RollUp.STEP_TIMES, period, given):
            group, numbers = (*split, cell[4] if by_step else ""), cell[5:]
            before = found.get(group, (0,) * len(numbers))
            found[group] = tuple(map(operator.add, before, numbers))
        return [(*group, *numbers) for group, numbers in sorted(found.items())]

    def _ratings(self, period: str, **given: Any) -> list[Row]:
        found = Counter[Row]()
        for split, cell in self._activity(RollUp.RATINGS, period, given):
            found[*split, cell[4]] += cell[5]
        return [(*group, number) for group, number in sorted(found.items())]

    def _lateness(self, every_agency: int, agencies: list[str], at_agency: str, at_step: str) -> list[Late]:
        found = []
        for row in self.dossiers.values():
            dossier_late = row.bucket == "late" and row.status not in (9, 10)
            step_late = row.in_hand != "" and row.step_clock == "passed"
            holder = row.holder_agency or row.agency
            seen = every_agency or row.agency in agencies or holder in agencies
            asked = at_agency in ("", holder) and at_step in ("", row.in_hand)
            if (dossier_late or step_late) and seen and asked:
                found.append(Late(row, holder, dossier_late, step_late))
        return found

    def _late(self, limit: int, **given: Any) -> list[Row]:
        found = sorted(self._lateness(**given), key=lambda one: (one.since, one.row.dossier_id))
        return [
            (
                *(
                    one.row.dossier_id,
                    one.row.dossier_code,
                    one.row.procedure,
                    one.row.agency,
                    one.row.status,
                ),
                *(one.row.due, one.row.due_original, one.holder, one.row.in_hand, one.row.holder_officer),
                *(one.row.held_since, one.row.step_due, int(one.dossier_late), int(one.step_late)),
            )
            for one in found[:limit]
        ]

    def _late_counts(self, **given: Any) -> list[Row]:
        groups: dict[Row, list[Late]] = defaultdict(list)
        for one in self._lateness(**given):
            groups[one.holder, one.row.in_hand].append(one)
        return [
            (*key, sum(one.dossier_late for one in ones), sum(one.step_late for one in ones), len(ones))
            for key, ones in sorted(groups.items())
        ]

    def _sample(self, seed: str, agency: str, limit: int, **given: Any) -> list[Row]:
        rows = [row for row in self._slice(**given) if agency in ("", row.agency)]
        rows.sort(key=lambda row: hashlib.sha256(f"{seed}:{row.dossier_id}".encode()).digest())
        return [
            (
                *(row.dossier_id, row.dossier_code, row.agency, row.procedure, row.channel),
                *(row.status, row.bucket, row.registered_at, row.due, len(rows)),
            )
            for row in rows[:limit]
        ]

    def _register(self, seal: str, year: int) -> list[Row]:
        ours = [one for one in self.stamps().values() if one.seal == seal and one.of_year == year]
        ours.sort(key=lambda one: (one.number == 0, one.number, one.applied_at, one.dossier_id, one.stamp))
        codes = {row.dossier_id: row.dossier_code for row in self.dossiers.values()}
        return [(*one, codes.get(one.dossier_id, "")) for one in ours]

    def _dossier(self, dossier_id: str) -> list[Row]:
        return [tuple(row) for row in self.dossiers.values() if row.dossier_id == dossier_id]

    def _facts_of_dossier(self, dossier_id: str) -> list[Row]:
        ours = [row for row in self.facts if row.dossier_id == dossier_id and row.type != NUMBER_DRAWN]
        return [tuple(row) for row in sorted(ours, key=lambda row: (row.seq, row.log_offset))]

    def _dossiers_by_code(self, code: str) -> list[Row]:
        return [(row.dossier_id,) for row in self.dossiers.values() if row.dossier_code == code]

    def _clocks(self) -> list[Row]:
        return sorted(self.clocks.items())


def _numbers(rows: list[DossierRow], bucket: str) -> Row:
    ours = [row for row in rows if row.bucket == bucket]
    return (
        len(ours),
        sum(row.status == 5 for row in ours),
        sum(row.declined for row in ours),
        sum(row.late_by_original for row in ours),
        sum(row.five_on_site is not None for row in ours),
        sum(row.five_on_site == 1 for row in ours),
    )
