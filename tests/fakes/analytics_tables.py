"""Tables that answer the API's queries from rows in memory, query by query, without a warehouse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from services.analytics.domain.dossier import DossierRow
from services.analytics.domain.rows import FactRow
from services.analytics.queries import query

Row = tuple[Any, ...]


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
        for name in ("figures", "compliance", "dossier", "facts_of_dossier", "dossiers_by_code", "clocks"):
            if text == query(name):
                answer: list[Row] = getattr(self, f"_{name}")(**given)
                return answer
        if text == query("strays"):
            return self._strays(**given)
        if text == query("dossiers_of_partition"):
            ours = {fact.dossier_id for fact in self.facts if fact.log_partition == given["partition"]}
            return [tuple(row) for row in self.dossiers.values() if row.dossier_id in ours]
        if text == query("facts_of_stretch"):
            return [
                tuple(row)
                for row in self.facts
                if row.log_partition == given["partition"] and given["start"] <= row.log_offset < given["end"]
            ]
        raise AssertionError(f"a query nobody named: {text}")

    def _strays(self, partitions: int) -> list[Row]:
        facts = Counter(fact.log_partition for fact in self.facts)
        dossiers = Counter(part for part, _ in {(fact.log_partition, fact.dossier_id) for fact in self.facts})
        found = sorted(part for part in facts | dict(self.clocks) if part >= partitions)
        return [(part, facts[part], dossiers[part], int(part in self.clocks)) for part in found]

    def _slice(self, first: date, last: date, every_agency: int, agencies: list[str]) -> list[DossierRow]:
        return [
            row
            for row in self.dossiers.values()
            if first <= row.registered_on <= last and (every_agency or row.agency in agencies)
        ]

    def _figures(self, **given: Any) -> list[Row]:
        rows = self._slice(**given)
        counts = Counter(row.bucket for row in rows)
        waiting = Counter(row.bucket for row in rows if row.status == 5)
        return [(bucket, number, waiting[bucket]) for bucket, number in sorted(counts.items())]

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
        waiting = Counter(key(row) for row in rows if row.status == 5)
        return [(*one, number, waiting[one]) for one, number in sorted(Counter(map(key, rows)).items())]

    def _dossier(self, dossier_id: str) -> list[Row]:
        return [tuple(row) for row in self.dossiers.values() if row.dossier_id == dossier_id]

    def _facts_of_dossier(self, dossier_id: str) -> list[Row]:
        return [tuple(row) for row in self.facts if row.dossier_id == dossier_id]

    def _dossiers_by_code(self, code: str) -> list[Row]:
        return [(row.dossier_id,) for row in self.dossiers.values() if row.dossier_code == code]

    def _clocks(self) -> list[Row]:
        return sorted(self.clocks.items())
