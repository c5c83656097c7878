"""`motcua simulate`: write a made-up history of a real office, for `motcua replay`.

The figures come from a profile (``motcua/profiles/*.toml``), the dossiers are invented. JSON lines: a
header, then commands in order of time; the same profile, seed and scale give the same bytes.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from importlib import resources
from pathlib import Path
from typing import BinaryIO, Final

from motcua.catalogue import calendar_change, sample_changes
from motcua.failure import Failure
from motcua.simulation.history import history
from motcua.simulation.profile import Profile, ProfileError, parse_profile

HELP: Final = "Write a made-up history of an office's dossiers, with the figures the office published."
LARGEST_SCALE: Final = 10


def profile_names() -> list[str]:
    """The profiles that ship with the command."""
    folder = resources.files("motcua").joinpath("profiles")
    return sorted(
        entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")
    )


def load_profile(name: str) -> Profile:
    """A shipped profile by its name. Raises Failure naming those there are."""
    if name not in profile_names():
        raise Failure(f"no profile {name!r}; there are {', '.join(profile_names())}")
    text = resources.files("motcua").joinpath("profiles", f"{name}.toml").read_text(encoding="utf-8")
    return parse_profile(text)


def lines(profile: str, seed: int, scale: Decimal) -> Iterator[bytes]:
    """The history's lines with the shipped catalogue and calendar. Raises Failure before the first one."""
    try:
        return history(load_profile(profile), seed, scale, sample_changes(), calendar_change())
    except ProfileError as error:
        raise Failure(str(error)) from error


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--profile", required=True, help=f"one of {', '.join(profile_names())}")
    parser.add_argument("--seed", type=_seed, default=1, help="whole number; another seed, other dossiers")
    parser.add_argument("--scale", type=_scale, default=Decimal(1), help="share of the published figures (1)")
    parser.add_argument("--out", type=Path, help="file to write (default: standard output)")


def run(args: argparse.Namespace) -> int:
    """Write the history; exit code 0."""
    told = lines(args.profile, args.seed, args.scale)
    with _output(args.out) as out:
        _write(told, out)
    return 0


def _write(told: Iterable[bytes], out: BinaryIO) -> None:
    for line in told:
        out.write(line)
        out.write(b"\n")
    out.flush()


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    if path is None:
        yield sys.stdout.buffer
        return
    try:
        with path.open("wb") as out:
            yield out
    except OSError as error:
        raise Failure(f"{path}: {error.strerror}") from error


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None


def _scale(text: str) -> Decimal:
    try:
        scale = Decimal(text)
    except InvalidOperation:
        scale = Decimal("NaN")
    if not (scale.is_finite() and 0 < scale <= LARGEST_SCALE):
        raise argparse.ArgumentTypeError(f"expected a number above 0 and up to {LARGEST_SCALE}, got {text!r}")
    return scale
