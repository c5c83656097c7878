"""The page ``docs/refusals.md``: every reason the workflow refuses for, its rule and its legal ground.

``python -m services.workflow.refusals_page --write`` renews it; ``--check`` exits 1 when it is not in step.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from contracts.transitions_page import keep
from legalclock.rulesets import RULE_SETS
from services.workflow.domain.rules import Reason, refusal

PAGE: Final = Path(__file__).parents[2] / "docs" / "refusals.md"

_INTRO: Final = """# Why a command is refused

Made from `services/workflow/domain/rules.py` by `make schemas`; `make check` fails when it is not in
step. These are the workflow's own reasons, the last word about a dossier: 409 (403 for `role_not_allowed`
and `other_agency`, 404 for `unknown_dossier`, 422 for `unknown_procedure` and `idempotency_key_reused`),
and for a known dossier the fact `CommandRefused`. What is wrong with a request itself is told by the door
before anything is published ([api](api.md)). Where the ground is a one-stop decree it is the one the
dossier was received under.
"""


def render() -> str:
    """The text of the page; the same rules always give the same text."""
    return "\n".join([_INTRO, *_rows(), ""])


def _rows() -> Iterator[str]:
    yield "| reason | rule | legal ground |"
    yield "| --- | --- | --- |"
    for reason in Reason:
        grounds = dict.fromkeys(refusal(reason, rules.name).legal_ground for rules in RULE_SETS)
        yield f"| `{reason.value}` | {refusal(reason, RULE_SETS[0].name).rule} | {' / '.join(grounds)} |"


if __name__ == "__main__":
    raise SystemExit(keep(sys.argv[1:], PAGE, render()))
