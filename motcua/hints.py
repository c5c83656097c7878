"""Commands named in messages, as they can be typed here: `motcua` alone only where the shell finds it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

_NAME = "`motcua "


def runnable(text: str) -> str:
    """`text` with each command in backticks (`motcua up`) as this shell, in this folder, finds it."""
    return text.replace(_NAME, f"`{command()} ") if _NAME in text else text


def command() -> str:
    """What to type for `motcua`."""
    if shutil.which("motcua"):
        return "motcua"
    script = Path(sys.prefix) / "bin" / "motcua"
    if not script.exists():
        return f"{sys.executable} -m motcua"
    here = Path.cwd()
    # In its own folder a bare name would be looked up on the PATH again.
    beside = script.is_relative_to(here) and script.parent != here
    return str(script.relative_to(here) if beside else script)
