"""What agencies are called, as the law says: the last name enacted for a code stands."""

from __future__ import annotations

from contracts.law import AgencyPublished, LawEnacted, LawEntry


class AgencyNames:
    """A fold over the entries of ``law.v1``; applying the same entries again changes nothing.

    Whether an entry is in force at the door does not matter here: a name decides nothing. Other threads than
    the one that applies may look names up at any time.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def apply(self, entry: LawEntry) -> None:
        """One entry, in the order of the topic."""
        if isinstance(entry, LawEnacted):
            for change in entry.changes:
                if isinstance(change, AgencyPublished):
                    self._names[change.code] = change.name_vi

    def name(self, code: str) -> str | None:
        """The name (Vietnamese), or None for an agency that no entry names."""
        return self._names.get(code)
