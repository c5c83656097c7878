"""Which dossiers of a partition an amended calendar dates otherwise. Follows from states and law alone.

A dossier touched since the amendment was re-dated then, so that after a crash the rest is found again among
those untouched since, and among those that were only refused because they stood still.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from datetime import datetime

from contracts.commands import Deadline
from contracts.facts import Cause
from services.workflow.domain.dossier import CALENDAR_TIMER, Dossier
from services.workflow.domain.engines import Engine, Fired
from services.workflow.domain.law import Law
from services.workflow.engine.records import StoredDossier, decode_stored, decode_timers


class Redating:
    """Those that wait for it, in the order in which they were found. `amended_at` is the law's offset."""

    def __init__(self) -> None:
        self._waiting: dict[str, None] = {}
        self.amended_at = -1

    def __contains__(self, dossier_id: str) -> bool:
        return dossier_id in self._waiting

    def find(
        self, dossiers: Mapping[str, bytes], stood_still: Container[str], engine: Engine, law: Law
    ) -> None:
        """Look through all dossiers, after an amendment or a recovery."""
        self._waiting = {}
        if self.amended_at < 0:
            return
        cause = Cause(0, self.amended_at, 0)
        for key, data in dossiers.items():
            if decode_timers(data).applied >= self.amended_at and key not in stood_still:
                continue
            stored = decode_stored(data)
            if isinstance(stored, StoredDossier):
                dossier = stored.dossier
                if engine.redate(dossier, law, dossier.at, cause):
                    self._waiting[key] = None

    def take(self, engine: Engine, dossier: Dossier | None, law: Law, at: datetime, cause: Cause) -> Fired:
        """The dossier re-dated, if it waits for that."""
        if dossier is None or dossier.id not in self._waiting:
            return None
        del self._waiting[dossier.id]
        return engine.redate(dossier, law, at, cause)

    def entries(self, law: Law) -> Iterator[Deadline]:
        """An entry for each that waits."""
        return (Deadline(key, CALENDAR_TIMER, law.version) for key in self._waiting)
