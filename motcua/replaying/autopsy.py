"""What the processes of a failed stack said last."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

from deploy.local.errors import StackError
from deploy.local.stack import LocalStack

LINES: Final = 5
GREETING: Final = ("Ready.", "Ctrl-C or ")
"""The first line of the greeting, and how its last one begins."""


def last_words(stack: LocalStack) -> str:
    """State and last log lines of each process, as text for people."""
    words: list[str] = []
    with contextlib.suppress(StackError):
        for one in stack.processes():
            state = "ready" if one.ready else f"not ready: {one.why or 'no reason given'}"
            words.append(f"{one.name}: {state}, restarted {one.restarts} times")
    for log in sorted(stack.home.logs.glob("*.log")):
        with contextlib.suppress(OSError):
            tail = _without_greeting(log.read_text(errors="replace").splitlines())[-LINES:]
            words += [f"{log.stem}| {line}" for line in tail]
    return "".join(f"{line}\n" for line in words)


def _without_greeting(lines: Sequence[str]) -> list[str]:
    """What `motcua up` greets with is no word about a failure, and shows a key."""
    if GREETING[0] not in lines:
        return list(lines)
    begin = lines.index(GREETING[0])
    after = (place for place, line in enumerate(lines) if line.startswith(GREETING[1]))
    end = next(after, len(lines))
    return [*lines[:begin], *lines[end + 1 :]]
