"""Check a replay's figures: ``motcua replay - --json | check_figures.py SCALE``.

Each published bucket is the scale times its figure, rounded half up; the sum of the buckets is what was
received. Exits 1 naming what differs.
"""

from __future__ import annotations

import json
import sys
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

# Yên Châu 2020, as published: finished early or on time; not yet due; refused or waiting for papers.
PUBLISHED: Final = {"solved": 99_788, "not_due": 318, "refused_or_waiting": 138}


def differences(report: dict[str, Any], scale: Decimal) -> list[str]:
    """What the report says that the published figures do not."""
    wanted = {
        name: int((count * scale).quantize(Decimal(1), ROUND_HALF_UP)) for name, count in PUBLISHED.items()
    }
    wanted["received"] = sum(wanted.values())
    wanted.update({"late": 0, "missing": 0, "duplicated": 0, "mismatched": 0})
    found = {
        "solved": report["early"] + report["on_time"],
        "not_due": report["not_due"],
        "refused_or_waiting": report["refused"] + report["supplement_requested"],
        "received": report["received"],
        "late": report["late"],
        **{name: report["reconciliation"][name] for name in ("missing", "duplicated", "mismatched")},
    }
    return [f"{name}: {found[name]}, expected {n}" for name, n in wanted.items() if found[name] != n]


if __name__ == "__main__":
    text = sys.stdin.read()
    sys.stdout.write(text)
    wrong = differences(json.loads(text), Decimal(sys.argv[1]))
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    sys.exit(1 if wrong else 0)
