"""Rule sets of the one-stop mechanism by effective date. A dossier keeps the one it was received under.

What was not read in the text of the decree itself is marked: `confirm` names the rules that await it.
Sources: Nghị định 61/2018/NĐ-CP (from 21/6/2018) as reported by the press; Nghị định 118/2025/NĐ-CP (from
01/7/2025), which replaces it, with the rules of 61/2018 until its own are confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final


class OnSupplement(StrEnum):
    """What a supplement request does to the term.

    PAUSE: it stands until the supplement is received and goes on with what remained (Decision 766). RESTART:
    it begins anew with the supplement. CONTINUE: it runs on.
    """

    PAUSE = "pause"
    RESTART = "restart"
    CONTINUE = "continue"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What a decree says about the clock.

    An apology must be given at the latest `apology_days` working days before the due date, and at most
    `apologies` times. `on_supplement` is the default for procedures that do not say. `confirm` names the
    fields that await confirmation from the decree's text.
    """

    name: str
    decree: str
    decree_en: str
    valid_from: date
    apology_days: int
    apologies: int
    on_supplement: OnSupplement
    confirm: frozenset[str]


RULE_SETS: Final = (
    RuleSet(
        name="nd61",
        decree="Nghị định 61/2018/NĐ-CP",
        decree_en="Decree 61/2018/NĐ-CP",
        valid_from=date(2018, 6, 21),
        apology_days=1,
        apologies=1,
        on_supplement=OnSupplement.PAUSE,
        confirm=frozenset({"on_supplement"}),
    ),
    RuleSet(
        name="nd118",
        decree="Nghị định 118/2025/NĐ-CP",
        decree_en="Decree 118/2025/NĐ-CP",
        valid_from=date(2025, 7, 1),
        apology_days=1,
        apologies=1,
        on_supplement=OnSupplement.PAUSE,
        confirm=frozenset({"apology_days", "apologies", "on_supplement"}),
    ),
)
"""In order of effective date."""


def rule_set(day: date) -> RuleSet:
    """The rule set for a dossier received on the local `day`; before the first one, the first."""
    found = RULE_SETS[0]
    for rules in RULE_SETS[1:]:
        if rules.valid_from <= day:
            found = rules
    return found


def named(name: str) -> RuleSet:
    """The rule set of that name. Raises ValueError."""
    for rules in RULE_SETS:
        if rules.name == name:
            return rules
    known = ", ".join(rules.name for rules in RULE_SETS)
    raise ValueError(f"expected a rule set ({known}), got {name!r}")
