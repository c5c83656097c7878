"""The commands this process published lately, by id: a convenience, never the judge.

The workflow knows every command of a dossier; this memory only lets the door refuse a reused key at
once, say that an answer is a repetition, and give a repeated acceptance the number it had.
"""

from __future__ import annotations

from collections import OrderedDict

from services.intake.domain.commands import Prepared, SerialKey
from services.intake.domain.refusals import Refused


class _Entry:
    __slots__ = ("acked", "fingerprint", "serial", "serial_key")

    def __init__(self, fingerprint: str, serial_key: SerialKey | None) -> None:
        self.fingerprint = fingerprint
        self.serial_key = serial_key
        self.serial: int | None = None
        self.acked = False


class Recents:
    """At most `size` commands, the oldest forgotten first."""

    def __init__(self, size: int = 50_000) -> None:
        self._size = size
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def check(self, prepared: Prepared, field: str = "Idempotency-Key") -> bool:
        """Note a command about to be published; True when it had been published and acked before.

        Raises Refused (idempotency_key_reused), naming the `field` the key came in, when it was used for
        something else.
        """
        entry = self._entries.get(prepared.command_id)
        if entry is None:
            self._entries[prepared.command_id] = _Entry(prepared.fingerprint, prepared.serial_key)
            if len(self._entries) > self._size:
                self._entries.popitem(last=False)
            return False
        if entry.fingerprint != prepared.fingerprint:
            raise Refused(
                "idempotency_key_reused",
                f"{field} này đã dùng cho một yêu cầu có nội dung khác",
                field=field,
            )
        return entry.acked

    def serial(self, prepared: Prepared) -> int | None:
        """The number this acceptance was given before, if it is for the same agency and day."""
        entry = self._entries.get(prepared.command_id)
        same = entry is not None and entry.serial_key == prepared.serial_key
        return entry.serial if entry is not None and same else None

    def given(self, prepared: Prepared, serial: int) -> None:
        """This acceptance was given `serial`."""
        entry = self._entries.get(prepared.command_id)
        if entry is not None:
            entry.serial, entry.serial_key = serial, prepared.serial_key

    def acked(self, command_id: str) -> None:
        """The command stands in the log."""
        entry = self._entries.get(command_id)
        if entry is not None:
            entry.acked = True

    def unsent(self, command_id: str) -> None:
        """The command was not acked: what stands in the log is unknown, so its key binds nobody here."""
        entry = self._entries.get(command_id)
        if entry is not None and not entry.acked:
            del self._entries[command_id]
