"""``python -m tests.crash.sink.fated POINT NTH SIGNAL [PID SECONDS]``: analytics as it is, and its fate.

When the sink passes the named point for the nth time, the signal goes to the process itself, or, so many
seconds later, to the one named. Without a fate left it goes on like any other.
"""

from __future__ import annotations

import contextlib
import os
import sys
from threading import Timer
from typing import Any

from services.analytics import __main__, service
from services.analytics.sink.loop import Sink


class Fated(Sink):
    """Counts how often it passes its point; all else it is given is the sink's own affair."""

    def __init__(self, *world: Any, **hooks: Any) -> None:
        super().__init__(*world, **{**hooks, "reached": self._pass})
        self._left = int(sys.argv[2])

    def _pass(self, step: str) -> None:
        if step != sys.argv[1]:
            return
        self._left -= 1
        if self._left != 0:
            return
        number = int(sys.argv[3])
        if sys.argv[4:]:
            Timer(float(sys.argv[5]), _strike, (int(sys.argv[4]), number)).start()
        else:
            _strike(os.getpid(), number)


def _strike(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


if __name__ == "__main__":
    # The service makes its sink by this name.
    setattr(service, "Sink", Fated)  # noqa: B010  a name the module does not export
    sys.exit(__main__.main())
