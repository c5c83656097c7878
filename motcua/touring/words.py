"""The walk in words: the law's own sentences in Vietnamese, what they mean for a newcomer in English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from contracts.law import ProcedurePublished
from contracts.transitions import TRANSITIONS
from contracts.transitions_page import LABELS
from contracts.words import NationalStatus
from legalclock.explain import Explanation
from legalclock.moments import local
from legalclock.sentences import sentences
from legalclock.steps import CountedFrom
from motcua.touring.plan import WALK
from motcua.touring.walk import Answer, astray

Json = Mapping[str, Any]
_INDENT = "     "


def opening(url: str, procedure: ProcedurePublished, agency: str, now: datetime) -> Iterator[str]:
    """What is walked, and where."""
    yield f"A dossier's day on {url}, {clock(now)}, in {len(WALK)} requests."
    term = f"{procedure.term_value} {procedure.term_unit.replace('_', ' ')}s"
    yield f"  procedure {procedure.code} ({procedure.name_vi}), {term}"
    yield f"  agency    {agency}"
    for plan in procedure.steps:
        yield f"  step      {plan.step:<9} {plan.share:>2} % of the time, at the {plan.place}, {plan.role}"


def visit(number: int, answer: Answer, one_key: str | None = None) -> Iterator[str]:
    """One request and its answer; `one_key` is where the key comes from that stands in for every role."""
    asked, row = answer.visit, answer.row
    yield ""
    key = (
        f"with the key of {asked.role}" if one_key is None else f"as {asked.role}, with the key of {one_key}"
    )
    yield f"{number:>2}. {asked.action} by {asked.actor}, {key}"
    if row.accepted:
        yield f"{_INDENT}{row.http_status} accepted. {_status(row.national_status)}"
        yield f"{_INDENT}Luật: {TRANSITIONS[asked.action].rule}."
    else:
        yield f"{_INDENT}{row.http_status} refused: {row.reason}. {_status(row.national_status)}"
        if row.rule:
            yield f"{_INDENT}Luật: {row.rule} ({answer.said.get('legal_ground')})."
    if astray(answer) is None:
        yield f"{_INDENT}{asked.shows}"
    if row.accepted and (code := answer.said.get("dossier_code")) and asked.status is NationalStatus.ACCEPTED:
        yield f"{_INDENT}legal code {code}"


def due(explanation: Explanation | None, before: Explanation | None, at: str) -> Iterator[str]:
    """A due date and how it was counted; of what was told `before` only what has been added."""
    yield f"{_INDENT}due {clock(_instant(at))}, because:"
    if explanation is None:
        yield f"{_INDENT}  (this stack counts by another calendar than the shipped one)"
        return
    told = len(before.steps) if before and explanation.steps[: len(before.steps)] == before.steps else 0
    steps = explanation.steps[told:]
    vietnamese, english = sentences(explanation)[told:], sentences(explanation, "en")[told:]
    for sentence, meaning in zip(vietnamese, english, strict=True):
        yield f"{_INDENT}  {sentence}"
        yield f"{_INDENT}    {meaning}"
    if any(isinstance(step, CountedFrom) for step in steps):
        yield f"{_INDENT}  That is outside office hours: the count starts with the next session."


def slip(found: Json) -> Iterator[str]:
    """Who had the dossier in hand when, for which step, and how the step stood to its own time."""
    yield ""
    yield "Phiếu kiểm soát quá trình (the control slip: one in charge at every moment, under a pseudonym):"
    for entry in found["control_slip"]:
        until = clock(_instant(entry["until"])) if entry["until"] else "now"
        yield f"  {entry['step']:<9} {clock(_instant(entry['since']))} to {until}, {entry['agency']}" + _how(
            entry
        )


def stamps(found: Json) -> Iterator[str]:
    """The stamp and its number in the seal's register."""
    yield ""
    for stamp in found["stamps"]:
        yield f"Sổ dấu (the register): seal {stamp['seal']}, number {stamp['number']} of {stamp['year']}"
    if found["five_on_site"]:
        yield "Năm bước tại chỗ: all five steps were done at the centre"


def timeline(found: Json) -> Iterator[str]:
    """Every fact of the dossier in its order."""
    yield ""
    yield f"The history, as facts ({len(found['history'])}):"
    for fact in found["history"]:
        told = _of(fact)
        yield f"  {fact['seq']:>2}  {clock(_instant(fact['at']))}  {fact['type']}{told}"


def clock(at: datetime) -> str:
    """A moment as people of the office read it."""
    return f"{local(at):%H:%M:%S %d/%m/%Y}"


def _status(number: int | None) -> str:
    return "" if number is None else f"National status {number}, {LABELS[NationalStatus(number)]}."


def _how(entry: Json) -> str:
    """Where it was done, by whom, and by when it was to be."""
    place = f" at the {entry['place']}" if entry["place"] else ""
    officer = f", by {entry['officer'][:8]}…" if entry["officer"] else ""
    due = f", due {clock(_instant(entry['due']))}: {entry['outcome']}" if entry["due"] else ""
    return place + officer + due


def _of(fact: Json) -> str:
    """The one word of a fact that tells it from others of its type."""
    named = ("dossier_code", "step", "seal", "outcome", "score", "reason")
    told = next((fact["body"][name] for name in named if name in fact["body"]), "")
    return f" {told}" if told else ""


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
