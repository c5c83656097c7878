"""The page ``docs/transitions.md``, made from the transition table and committed beside the other pages.

``python -m contracts.transitions_page --write`` renews it; ``--check`` exits 1 when it is not in step.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from contracts.outcomes import ActionName
from contracts.roles import GRANTS
from contracts.transitions import TRANSITIONS, Need, Transition
from contracts.words import NationalStatus

PAGE: Final = Path(__file__).parent.parent / "docs" / "transitions.md"

LABELS: Final = {
    NationalStatus.REGISTERED: "Mới đăng ký",
    NationalStatus.ACCEPTED: "Được tiếp nhận",
    NationalStatus.NOT_ACCEPTED: "Không được tiếp nhận",
    NationalStatus.IN_PROGRESS: "Đang xử lý",
    NationalStatus.WAITING_SUPPLEMENT: "Yêu cầu bổ sung giấy tờ",
    NationalStatus.WAITING_PAYMENT: "Yêu cầu thực hiện nghĩa vụ tài chính",
    NationalStatus.WITHDRAWN: "Công dân yêu cầu rút hồ sơ",
    NationalStatus.STOPPED: "Dừng xử lý",
    NationalStatus.FINISHED: "Đã xử lý xong",
    NationalStatus.RETURNED: "Đã trả kết quả",
}
"""The statuses as the national portal labels them."""

_NEEDS: Final = {
    Need.STAMPED: "a stamp that stands",
    Need.NOT_RATED: "no rating yet",
    Need.NOT_OVERDUE: "not overdue",
    Need.NOT_EXTENDED: "no extension yet",
    Need.ROOM: "fewer than 200 pauses, apologies and extensions",
}
_INTRO: Final = """# What may be done with a dossier

Made from `contracts/transitions.py` and `contracts/roles.py` by `make schemas`; `make check` fails when
it is not in step. The workflow decides by this table and no other: what it refuses, and what it names as
allowed next. A dossier of status 8 is suspended while a step is in hand and stopped for good when none
is; 3, 7, a stopped 8 and 10 are ends, but a returned result may be corrected, its stamp revoked, and
rated.

Besides the table the workflow asks: does the key's agency hold the step (`held_elsewhere`), is the
officer the one who was named (`not_the_holder`), is the approver another person than the one who
appraised, and the keeper another than the approver (`same_person`), whose seal is it, and is its
signature verified, on the approved document, by a certificate in force: [every reason](refusals.md).
"""


def render() -> str:
    """The text of the page; the same table always gives the same text."""
    return "\n".join([_INTRO, *_statuses(), "", *_diagram(), "", *_rows(), ""])


def _statuses() -> Iterator[str]:
    yield "| status | label of the national portal |"
    yield "| --- | --- |"
    for status in NationalStatus:
        yield f"| {status.value} | {LABELS[status]} |"


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"  [*] --> {NationalStatus.REGISTERED.value}: {ActionName.REGISTER.value}"
    arrows: dict[tuple[int, int], list[str]] = {}
    for action, row in TRANSITIONS.items():
        for before in row.before:
            if row.after is not None and (row.after is not before or before is NationalStatus.STOPPED):
                arrows.setdefault((before.value, row.after.value), []).append(action.value)
    for (before_value, after_value), actions in sorted(arrows.items()):
        yield f"  {before_value} --> {after_value}: {', '.join(actions)}"
    yield "```"


def _rows() -> Iterator[str]:
    yield "| action | roles | from | step in hand | to | facts | rule | legal ground |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for action, row in TRANSITIONS.items():
        yield f"| {' | '.join(_cells(action, row))} |"


def _cells(action: ActionName, row: Transition) -> Iterator[str]:
    yield f"`{action.value}`"
    yield ", ".join(role.value for role, granted in GRANTS.items() if action in granted)
    yield ", ".join(str(status.value) for status in row.before) or "–"
    needs = [row.step.value] if row.step else []
    yield "; ".join([*needs, *(_NEEDS[need] for need in row.needs)]) or "any"
    yield str(row.after.value) if row.after else "same"
    yield ", ".join(f"`{fact.__name__}`" for fact in row.facts)
    yield row.rule
    yield row.ground or "the one-stop decree of its day"


def keep(arguments: list[str], page: Path, text: str) -> int:
    """Write a made page, or check it: 0 when it is, or now is, in step with what it is made from."""
    parser = argparse.ArgumentParser(description=f"docs/{page.name}, made from the code")
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--write", action="store_true", help="renew the page")
    mode.add_argument("--check", action="store_true", help="say when it is not in step")
    if parser.parse_args(arguments).write:
        page.write_text(text, encoding="utf-8")
        return 0
    if page.exists() and page.read_text(encoding="utf-8") == text:
        return 0
    sys.stdout.write(f"{page.name} is not in step with what it is made from: run 'make schemas'\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(keep(sys.argv[1:], PAGE, render()))
