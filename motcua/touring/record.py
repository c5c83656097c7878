"""What the warehouse knows of the dossier: waited for, and held against what has just been done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from contracts.codes import parse_agency_code
from contracts.law import ProcedurePublished
from contracts.words import Step
from legalclock.dossier_clock import DossierClock, GoesOn, Move, PauseCause, Paused, Term
from legalclock.explain import Explanation, explain_clock
from legalclock.units import DueMode, TermUnit
from motcua.client import Client, ClientError
from motcua.default_calendar import calendar_with
from motcua.failure import Failure

PATIENCE: Final = 60.0
PAUSE: Final = 0.2

Json = Mapping[str, Any]


def dossier(
    client: Client,
    dossier_id: str,
    enough: Callable[[Json], bool],
    what: str,
    *,
    patience: float = PATIENCE,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Json:
    """The dossier as analytics shows it, once `enough` says so. Raises Failure after `patience` seconds."""
    until = now() + patience
    while True:
        last = now() > until
        try:
            found: Json = client.get(f"/v1/dossiers/{dossier_id}", "analytics")
            if enough(found):
                return found
        except ClientError as error:
            if error.status != 404 and not error.retriable:
                raise
        if last:
            raise Failure(
                f"analytics does not show {what} within {patience:g} s; is it behind? `motcua doctor`"
            )
        sleep(PAUSE)


def has_seq(seq: int) -> Callable[[Json], bool]:
    """Whether every fact up to number `seq` is there."""
    return lambda found: int(found["seq"]) >= seq


def is_numbered(found: Json) -> bool:
    """Whether every stamp has its number in the seal's register."""
    stamps = found["stamps"]
    return bool(stamps) and all(stamp["number"] for stamp in stamps)


def both(one: Callable[[Json], bool], other: Callable[[Json], bool]) -> Callable[[Json], bool]:
    """Whether two things are so."""
    return lambda found: one(found) and other(found)


def facts(found: Json, *types: str) -> list[Json]:
    """The facts of these types, in their order."""
    return [fact for fact in found["history"] if fact["type"] in types]


def explained(found: Json, procedure: ProcedurePublished) -> Explanation | None:
    """Why the dossier is due when it is, by the shipped calendar.

    None when that calendar does not lead to the stack's date: there another one is law.
    """
    (accepted,) = facts(found, "DossierAccepted")
    clock = DossierClock(
        received_at=_instant(accepted["at"]),
        term=Term(
            procedure.term_value,
            TermUnit(procedure.term_unit),
            DueMode(procedure.due_mode),
            procedure.late_cutoff,
        ),
        rules=str(accepted["body"]["rules"]),
        due_original=_instant(accepted["body"]["due"]),
        moves=tuple(map(_move, facts(found, "SupplementRequested", "SupplementReceived"))),
    )
    province = parse_agency_code(str(found["agency"])).root
    explanation = explain_clock(calendar_with("", province), clock)
    return explanation if explanation.due == _instant(found["due"]) else None


def gaps(found: Json) -> list[str]:
    """What is wrong with the control slip; nothing, as a rule.

    It must show the five steps done in their order, and one in charge at every moment from the registration
    to the return.
    """
    slip = found["control_slip"]
    steps = [Step(entry["step"]) for entry in slip if entry["entry"] == "step"]
    wrong = []
    if steps != list(Step):
        wrong.append(f"the control slip shows the steps {', '.join(steps) or 'none'} done")
    begins = [_instant(entry["since"]) for entry in slip]
    ends = [entry["until"] and _instant(entry["until"]) for entry in slip]
    first, last = (_instant(facts(found, kind)[0]["at"]) for kind in ("DossierRegistered", "ResultReturned"))
    if [first, *ends] != [*begins, last]:
        wrong.append("on the control slip nobody, or more than one, was in charge for a while")
    return wrong


def _move(fact: Json) -> Move:
    at = _instant(fact["at"])
    return Paused(at, PauseCause.SUPPLEMENT) if fact["type"] == "SupplementRequested" else GoesOn(at)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
