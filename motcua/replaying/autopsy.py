"""What the processes of a failed stack said last."""

from __future__ import annotations

import contextlib
from typing import Final

from deploy.local.errors import StackError
from deploy.local.stack import LocalStack

LINES: Final = 5


def last_words(stack: LocalStack) -> str:
    """State and last log lines of each process, as text for people."""
    words: list[str] = []
    with contextlib.suppress(StackError):
        for one in stack.processes():
            state = "ready" if one.ready else f"not ready: {one.why or 'no reason given'}"
            words.append(f"{one.name}: {state}, restarted {one.restarts} times")
    for log in sorted(stack.home.logs.glob("*.log")):
        with contextlib.suppress(OSError):
            tail = log.read_text(errors="replace").splitlines()[-LINES:]
            # What `motcua up` greets with shows a key; a dead stack's, but a key.
            words += [f"{log.stem}| {line}" for line in tail if "Bearer" not in line]
    return "".join(f"{line}\n" for line in words)
