"""Commands named in messages, as they can be typed here.

`motcua` alone only where the shell finds it, and with the options by which the command that speaks was told
where its stack is: a hint without them would be about another one. `motcua up` is named with the options by
which the home's last stack was started: without its broker nothing of it would be there.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import itertools
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.local.home import home_from

_NAMED: Final = re.compile("`motcua ([^`]+)`")
_WHERE: Final = ("home", "url", "key", "warehouse", "bootstrap")
_PORTS: Final = frozenset({"--port-base", "--ports"})
_NOT_REPEATED: Final = "…"


def runnable(text: str, args: argparse.Namespace | None = None) -> str:
    """`text` with each command in backticks (`motcua up`) as this shell, in this folder, finds it.

    Of `args`, those of the command that speaks, it gets what says where the stack is, as far as it takes it.
    A key and an address with a password are not repeated: an ellipsis stands for them.
    """

    def typed(found: re.Match[str]) -> str:
        return f"`{' '.join((command(), found[1], *_where(found[1], args), *_as_before(found[1], args)))}`"

    return _NAMED.sub(typed, text)


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


def _where(words: str, args: argparse.Namespace | None) -> Iterator[str]:
    said = {name: getattr(args, name, None) for name in _WHERE}
    given = {f"--{name}": value for name, value in said.items() if value}
    taken = _help(words) if given else ""
    for option, value in given.items():
        if option not in words.split() and re.search(rf"^ *{option}\b", taken, re.MULTILINE):
            secret = option == "--key" or urlsplit(value).password is not None
            yield f"{option} {_NOT_REPEATED if secret else shlex.quote(value)}"


def _as_before(words: str, args: argparse.Namespace | None) -> Iterator[str]:
    """For `up`: how the last stack in the home was started, where the hint does not say it otherwise."""
    said = words.split()
    if said[0] != "up" or not hasattr(args, "home") or getattr(args, "url", None):
        return
    last = home_from(args.home).read_run() if args else None
    options = itertools.pairwise(last.options) if last else ()
    ports_said = bool(_PORTS & set(said))
    for option, value in itertools.islice(options, 0, None, 2):
        if option not in said and not (ports_said and option in _PORTS):
            yield f"{option} {shlex.quote(value)}"


def _help(words: str) -> str:
    """What the command of a hint says of its options: only its own parser knows them."""
    name, *verbs = itertools.takewhile(lambda word: not word.startswith("-"), words.split())
    parser = argparse.ArgumentParser()
    said = io.StringIO()
    with contextlib.suppress(ImportError, SystemExit), contextlib.redirect_stdout(said):
        importlib.import_module(f"motcua.{name}").configure(parser)
        parser.parse_args([*verbs, "--help"])
    return said.getvalue()
