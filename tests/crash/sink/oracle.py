"""What must stand in the warehouse, by the log alone: plain Python over the JSON of the records.

It shares no code with the service. The first record of each (dossier or seal, seq) counts; what comes again
is a repetition. A roll-up is one function in `ROLLUPS`: from the rows, in the order of the log, to its
entries by key, each a dict of columns. `facts` of an entry says of how many rows it is made.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

Columns = dict[str, Any]
Place = tuple[int, int]
"""Partition and offset."""
Rollup = Callable[[list["Told"]], dict[Any, Columns]]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_DAY: Final = date(1970, 1, 1)
_LOCAL: Final = timezone(timedelta(hours=7))
_STEPS: Final = ("receive", "appraise", "approve", "stamp", "return")
_RECORDS: Final = ("fact", "number", "clock")


@dataclass(frozen=True)
class Told:
    """A record that counts: where it stands, and what it says."""

    partition: int
    offset: int
    says: Columns

    @property
    def type(self) -> str:
        """The kind of fact."""
        return str(self.says["body"]["type"]) if self.says["record"] == "fact" else "NumberDrawn"


@dataclass
class Wanted:
    """Everything that must be there at the end."""

    raw: dict[Place, Columns] = field(default_factory=dict)
    rollups: dict[str, dict[Any, Columns]] = field(default_factory=dict)
    poison: set[Place] = field(default_factory=set)
    repeats: int = 0


def wanted(records: Iterable[tuple[int, int, bytes | None]]) -> Wanted:
    """From (partition, offset, value), in the order of the offsets within each partition."""
    out, told, clocks = Wanted(), list[Told](), dict[Any, Columns]()
    seen = set[tuple[str, int]]()
    for partition, offset, value in records:
        says = _parsed(value)
        if says is None or says["cause"][0] != partition:
            out.poison.add((partition, offset))
        elif says["record"] == "clock":
            clocks[partition] = {"moved_to": micros(says["to"])}
        else:
            identity = (says.get("seal_id") or says["dossier_id"], says["seq"])
            if identity in seen:
                out.repeats += 1
                continue
            seen.add(identity)
            told.append(Told(partition, offset, says))
    out.raw = {(one.partition, one.offset): _raw(one) for one in told}
    out.rollups = {name: fold(told) for name, fold in ROLLUPS.items()} | {"clocks": clocks}
    return out


def micros(text: str | None) -> int | None:
    """Microseconds since 1970 of an instant as the records write it."""
    return None if text is None else (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def _parsed(value: bytes | None) -> Columns | None:
    try:
        says = json.loads(value or b"")
    except ValueError:
        return None
    known = isinstance(says, dict) and says.get("record") in _RECORDS and "cause" in says
    return says if known else None


def _raw(one: Told) -> Columns:
    says, drawn = one.says, one.says["record"] == "number"
    holder = says.get("holder") or [None, None]
    body: Mapping[str, Any] = says.get("body") or {}
    return {
        "log_partition": one.partition,
        "log_offset": one.offset,
        "cause_offset": says["cause"][1],
        "cause_n": says["cause"][2],
        "dossier_id": says["seal_id"] if drawn else says["dossier_id"],
        "seq": says["seq"],
        "at": micros(says["at"]),
        "type": one.type,
        "agency": says["agency"],
        "procedure": says.get("procedure", ""),
        "channel": says.get("channel", ""),
        "status": says.get("status", 0),
        "overdue": int(says.get("overdue", False)),
        "due": micros(says.get("due")),
        "bucket": "" if drawn else _bucket(one),
        "dossier_code": body.get("dossier_code") or "",
        "reason": body.get("reason") or "",
        "score": body.get("score") or 0,
        "actor": says.get("actor") or "",
        "command_id": says.get("command_id") or "",
        "fingerprint": says.get("fingerprint") or "",
        "procedure_version": says.get("procedure_version", 0),
        "body": json.dumps(says if drawn else body, ensure_ascii=False, separators=(",", ":")),
        "seal": (says if drawn else body).get("seal") or "",
        "received_at": micros(body.get("received_at")),
        "step": "receive" if one.type == "DossierAccepted" else body.get("step") or "",
        "place": body.get("place") or "",
        "outcome": body.get("outcome") or "",
        "stamp": says["seq"] if one.type == "StampApplied" else (says if drawn else body).get("stamp") or 0,
        "by_original": _by_original(one),
        "in_hand": says.get("step") or "",
        "holder_agency": holder[0] or "",
        "holder_officer": holder[1] or "",
        "stamped_dossier": says["dossier_id"] if drawn else "",
        "year": says.get("year", 0),
        "number": says.get("number", 0),
    }


def _by_original(one: Told) -> str:
    """How it stood to the day the receipt promised, which is the due date unless the fact says otherwise."""
    body = one.says.get("body") or {}
    finished = one.type == "ProcessingFinished"
    return str(body.get("by_original") or body["outcome"]) if finished else ""


def _bucket(one: Told) -> str:
    """Where the dossier is counted after the fact; empty where the fact leaves it."""
    kind, body = one.type, one.says["body"]
    fixed = {
        "DossierRegistered": "not_due",
        "DossierAccepted": "not_due",
        "DueDatePassed": "late",
        "ProcessingFinished": body.get("outcome"),
        "DossierRefused": "refused",
        "DossierWithdrawn": "withdrawn",
        "DossierStopped": "stopped",
    }
    if kind in fixed:
        return str(fixed[kind])
    paused = kind in ("SupplementRequested", "PaymentRequested", "DossierSuspended") or (
        kind == "DueDateAmended" and body.get("remaining_minutes") is not None
    )
    runs = kind in ("SupplementReceived", "PaymentReceived", "DossierResumed", "ApologyGiven") or kind in (
        *("TermExtended", "ResultCorrected", "StampRevoked", "DueDateAmended"),
    )
    if not (paused or runs):
        return ""
    return "late" if one.says["overdue"] else "paused" if paused else "not_due"


def _dossiers(told: list[Told]) -> dict[Any, Columns]:
    """The state of each dossier."""
    states: dict[Any, Columns] = {}
    for one in told:
        if one.type != "NumberDrawn":
            state = states.setdefault(one.says["dossier_id"], dict(_NEW))
            _live(state, one)
    for state in states.values():
        marks = [state[f"{step}_mark"] for step in _STEPS]
        if state["status"] == 10 and state["declined_mark"] % 2 == 0 and all(marks):
            state["five_on_site"] = int(all(mark % 2 for mark in marks))
    return states


_NEW: Final[Columns] = {
    **dict.fromkeys(("seq", "facts", "registered_at", "accepted_at", "received_at", "finished_at"), 0),
    **dict.fromkeys(("score", "due_original", "held_since", "declined_mark", "late_by_original_mark"), 0),
    **dict.fromkeys((f"{step}_mark" for step in _STEPS), 0),
    **dict.fromkeys(("bucket", "dossier_code", "step_clock"), ""),
    **dict.fromkeys(("step_due", "five_on_site")),
    "registered_on": "1970-01-01",
}


def _live(state: Columns, one: Told) -> None:
    row, body, kind = _raw(one), one.says["body"], one.type
    for name in ("seq", "status", "overdue", "due", "agency", "procedure", "channel"):
        state[name] = row[name]
    for name in ("in_hand", "holder_agency", "holder_officer"):
        state[name] = row[name]
    state["last_at"] = row["at"]
    state["facts"] += 1
    state["bucket"] = row["bucket"] or state["bucket"]
    for name in ("dossier_code", "score"):
        state[name] = max(state[name], row[name])
    _mark(state, row, body, kind)
    if kind in _HANDS_ON or kind == "HandedOver":
        state["held_since"] = row["at"]
    if kind == "StepDuePassed":
        state["step_clock"], state["step_due"] = "passed", micros(body["due"])
    else:
        ends = [at for name, at in body.get("alarms") or () if name == "step"]
        if ends or kind in _HANDS_ON:
            state["step_clock"], state["step_due"] = "running", micros(ends[0]) if ends else None
    if kind == "DossierRegistered":
        state["registered_at"] = row["at"]
        local = datetime.fromisoformat(one.says["at"]).astimezone(_LOCAL)
        state["registered_on"] = local.date().isoformat()
    elif kind == "DossierAccepted":
        state["accepted_at"], state["received_at"] = row["at"], micros(body["received_at"])
        state["due_original"] = row["due"] or 0
    elif kind == "ProcessingFinished":
        state["finished_at"] = row["at"]


_HANDS_ON: Final = frozenset(
    {
        *("DossierRegistered", "DossierAccepted", "StepCompleted"),
        *("StampRevoked", "ResultCorrected", "DossierDeclined"),
    }
)


def _mark(state: Columns, row: Columns, body: Mapping[str, Any], kind: str) -> None:
    """Twice the number of the last fact of its kind, and one more for yes."""
    twice = 2 * row["seq"]
    if kind in ("DossierAccepted", "StepCompleted"):
        step = "receive" if kind == "DossierAccepted" else body["step"]
        state[f"{step}_mark"] = twice + (body["place"] == "centre")
    elif kind in ("DossierDeclined", "ResultCorrected"):
        state["declined_mark"] = twice + (kind == "DossierDeclined")
    elif kind == "ProcessingFinished":
        late = (body.get("by_original") or body["outcome"]) == "late"
        state["late_by_original_mark"] = twice + late


def _stamps(told: list[Told]) -> dict[Any, Columns]:
    """The registers of the seals, entry by entry."""
    entries: dict[Any, Columns] = {}
    for one in told:
        if one.type not in ("StampApplied", "StampRevoked", "NumberDrawn"):
            continue
        says = one.says
        drawn, body = one.type == "NumberDrawn", says.get("body") or says
        stamp = says["seq"] if one.type == "StampApplied" else body["stamp"]
        fresh = {"agency": "", **dict.fromkeys(("year", "number", "applied_at", "drawn_at", "revoked_at"), 0)}
        entry = entries.setdefault((body["seal"], says["dossier_id"], stamp), {**fresh, "facts": 0})
        entry["facts"] += 1
        if drawn:
            entry |= {name: says[name] for name in ("agency", "year", "number")}
        when = {"StampApplied": "applied_at", "StampRevoked": "revoked_at", "NumberDrawn": "drawn_at"}
        entry[when[one.type]] = micros(says["at"])
    return entries


def _local_day(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(_LOCAL).date().isoformat()


def _lives(told: list[Told]) -> dict[Any, Columns]:
    """What the facts say of where dossiers count, by those words."""
    found = []
    for one in told:
        if one.type == "NumberDrawn":
            continue
        row, marks = _raw(one), dict(_NEW)
        _mark(marks, row, one.says["body"], one.type)
        day = date.fromisoformat(_local_day(one.says["at"])) if one.type == "DossierRegistered" else _NO_DAY
        numbers = {
            "rows": 1,
            "seqs": row["seq"],
            "statuses": row["seq"] * row["status"],
            "days": (day - _NO_DAY).days,
            "marks": sum(number for name, number in marks.items() if name.endswith("_mark")),
        }
        found.append((tuple(row[name] for name in ("agency", "procedure", "channel", "bucket")), numbers))
    return _cells(found)


def _cells(found: Iterable[tuple[Any, Columns]]) -> dict[Any, Columns]:
    """Cells of a sum: the columns of all with one key, added up."""
    cells: dict[Any, Columns] = {}
    for key, columns in found:
        cell = cells.setdefault(key, dict.fromkeys(columns, 0))
        for name, number in columns.items():
            cell[name] += int(number)
    return cells


def _figures(told: list[Told]) -> dict[Any, Columns]:
    """Dossiers by day of registration, agency, procedure, channel and bucket, and those in each subset.
    A dossier without a bucket counts nowhere."""
    return _cells(
        (
            (one["registered_on"], one["agency"], one["procedure"], one["channel"], one["bucket"]),
            {
                "dossiers": 1,
                "supplement_requested": one["status"] == 5,
                "declined": one["declined_mark"] % 2,
                "late_by_original": one["status"] in (9, 10) and one["late_by_original_mark"] % 2,
                "five_steps": one["five_on_site"] is not None,
                "five_on_site": one["five_on_site"] == 1,
            },
        )
        for one in _dossiers(told).values()
        if one["bucket"]
    )


def _ratings(told: list[Told]) -> dict[Any, Columns]:
    """Ratings by the day they were given, agency, procedure, channel and score."""
    rated = (one.says for one in told if one.type == "DossierRated")
    return _cells(
        (
            (_local_day(s["at"]), s["agency"], s["procedure"], s["channel"], s["body"]["score"]),
            {"ratings": 1},
        )
        for s in rated
    )


def _step_times(told: list[Told]) -> dict[Any, Columns]:
    """Steps that ended by day, who had them in hand, procedure, channel and step: how many, how long, how."""
    found = []
    for one in told:
        holder = {"StepCompleted": "holder", "HandedOver": "giver"}.get(one.type)
        says, body = one.says, one.says.get("body", {})
        if holder is None or not body.get(holder) or not body.get("since"):
            continue
        where = (body[holder][0], says["procedure"], says["channel"], body["step"])
        took = (micros(says["at"]) or 0) - (micros(body["since"]) or 0)
        how = {outcome: body.get("outcome") == outcome for outcome in ("early", "on_time", "late")}
        found.append(((_local_day(says["at"]), *where), {"steps": 1, "micros": took, **how}))
    return _cells(found)


ROLLUPS: Final[Mapping[str, Rollup]] = {
    "dossier_states": _dossiers,
    "stamp_states": _stamps,
    "lives": _lives,
    "figures": _figures,
    "ratings": _ratings,
    "step_times": _step_times,
}
