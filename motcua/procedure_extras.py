"""Columns a catalogue may have besides the needed ones, turned into members of the procedure.

on_site (yes or no), announced_on and posted_on (days), statutory_value and statutory_unit, and fees, such as
``Lệ phí=20000|Lệ phí nộp trực tuyến@online=10000``. An empty cell says nothing. How far a procedure is
offered online stands behind its channel: ``direct|online:full|postal``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from contracts.law import Fee
from contracts.words import Channel, OnlineLevel

CHANNELS: Final = {"direct": Channel.COUNTER, "online": Channel.ONLINE, "postal": Channel.POSTAL}

SILENT: Final = frozenset({"due_mode", "on_supplement", "steps", "forms"})
"""Members of a procedure that no column says."""
EXTRAS: Final = frozenset(
    {"on_site", "announced_on", "posted_on", "statutory_value", "statutory_unit", "fees", "online"}
)
"""Members that a row may say."""

_PLAIN: Final = ("announced_on", "posted_on", "statutory_unit")
_YES_NO: Final = {"yes": True, "no": False}
_FEE: Final = re.compile(r"([^=@|]+)(?:@(\w+))?=([0-9]{1,13})")


class RowError(ValueError):
    """A row that cannot be taken: `reason` is a short phrase, `detail` what stands there."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def channels(text: str) -> tuple[tuple[Channel, ...], OnlineLevel | None]:
    """The channels, and how far it is online where that is said. Raises RowError."""
    taken: list[Channel] = []
    level: OnlineLevel | None = None
    for word in text.split("|") if text else []:
        name, said, grade = word.partition(":")
        if name not in CHANNELS or (said and (name != "online" or grade not in ("partial", "full"))):
            raise RowError("unknown channel", text)
        taken.append(CHANNELS[name])
        level = OnlineLevel(grade) if said else level
    if not taken:
        raise RowError("no channel", text)
    return tuple(taken), level


def extras(row: Mapping[str, str]) -> dict[str, object]:
    """What the row says beyond the needed columns, by member. Raises RowError."""
    said: dict[str, object] = {name: row[name] for name in _PLAIN if row.get(name)}
    if value := row.get("statutory_value"):
        if not re.fullmatch("[0-9]{1,4}", value):
            raise RowError("statutory term is no whole number", value)
        said["statutory_value"] = int(value)
    if on_site := row.get("on_site"):
        if on_site not in _YES_NO:
            raise RowError("on_site is neither yes nor no", on_site)
        said["on_site"] = _YES_NO[on_site]
    if fees := row.get("fees"):
        said["fees"] = tuple(_fee(part) for part in fees.split("|"))
    return said


def _fee(text: str) -> Fee:
    found = _FEE.fullmatch(text)
    if found is None or (found[2] is not None and found[2] not in CHANNELS):
        raise RowError("not a fee", text)
    channel = CHANNELS[found[2]] if found[2] else None
    return Fee(name_vi=found[1].strip(), amount_vnd=int(found[3]), channel=channel)
