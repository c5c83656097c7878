"""The engines: each version of the rules by which records are decided, by its number.

The log says which one decides from where on (``EngineVersion``). A release that decides anything otherwise
adds a version and keeps the one before it, so that a rolling upgrade, a recovery and the proof decide the old
part of the log as it was decided. `evolve` is no part of an engine: it folds every fact there ever was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.commands import Command
from contracts.facts import Cause, Fact
from services.workflow.domain import decide as version_1
from services.workflow.domain.decide import Decision
from services.workflow.domain.dossier import Dossier
from services.workflow.domain.law import Law
from services.workflow.domain.redate import redate

Fired = tuple[Fact, Dossier] | None


class UnknownEngineError(Exception):
    """The log asks for an engine this worker does not hold: stop, write nothing, deploy the newer code."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The functions of one version: what follows from a command, a reached deadline, another calendar."""

    decide: Callable[[Dossier | None, Law, Command, Cause], Decision]
    fire: Callable[[Dossier, str, int, datetime, Cause], Fired]
    redate: Callable[[Dossier, Law, datetime, Cause], Fired]


Engines = Mapping[int, Engine]

ENGINES: Final[Engines] = {1: Engine(version_1.decide, version_1.fire, redate)}
"""Every version this release holds."""


def engine_of(engines: Engines, version: int) -> Engine:
    """The engine of that version. Raises UnknownEngineError."""
    try:
        return engines[version]
    except KeyError:
        held = ", ".join(map(str, sorted(engines)))
        raise UnknownEngineError(
            f"the log asks for engine version {version}; this worker holds {held}"
        ) from None
