"""Runs a command that dies with its parent, whatever kills the parent.

``python -I -S leash.py PARENT SIGNAL COMMAND...`` asks the kernel (Linux, PR_SET_PDEATHSIG) to send SIGNAL
to this process when the thread that started it ends, then becomes COMMAND. Elsewhere than on Linux the
command runs without the leash and only an orderly stop cleans up. The standard library only: it starts
in a few milliseconds, before the command's own interpreter.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def leashed(command: Sequence[str], signal_number: int) -> list[str]:
    """The command line that runs `command` bound to the calling process."""
    here = str(Path(__file__).resolve())
    return [sys.executable, "-I", "-S", here, str(os.getpid()), str(int(signal_number)), *command]


def main(arguments: Sequence[str]) -> None:
    """Bind, check that the parent has not died meanwhile, become the command."""
    parent, signal_number, command = int(arguments[0]), int(arguments[1]), list(arguments[2:])
    if sys.platform == "linux":
        import ctypes  # costs a few milliseconds, only needed here

        if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        raise SystemExit(f"the parent {parent} is gone")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
