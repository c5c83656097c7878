"""`motcua pseudonym TEXT`: the keyed pseudonym of a person, as the door makes it.

With it an admin can name the keeper of a seal or the holder of a certificate. The province's key is read
from --province-key, else from the file MOTCUA_PROVINCE_KEY names, else from the stack in --home. Nothing is
kept; a TEXT of `-` is read from standard input, so that no name stays in a shell's history.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Final

from deploy.local.home import home_from
from motcua.client import add_home
from motcua.failure import Failure
from services.intake.domain.persons import person
from services.intake.domain.refusals import Refused
from services.intake.settings import SettingError, read_province_key

HELP: Final = "Print the pseudonym under which the system knows somebody."
KINDS: Final = ("officer", "applicant", "client")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "text", metavar="TEXT", help="who it is, as callers name them; - reads a line of input"
    )
    parser.add_argument(
        "--kind",
        choices=KINDS,
        default=KINDS[0],
        help="an officer as in Motcua-Actor (default), an applicant, or a client whose key acts without one",
    )
    parser.add_argument("--province-key", metavar="FILE", help="default: MOTCUA_PROVINCE_KEY, or the stack's")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Print the pseudonym: 0. Raises Failure without a key, or for a text of nothing."""
    text = sys.stdin.readline().rstrip("\r\n") if args.text == "-" else args.text
    try:
        key = _key(args)
        print(person(key, args.kind, text, "TEXT"))
    except SettingError as error:
        raise Failure(str(error)) from error
    except Refused as refused:
        raise Failure(f"{refused.field}: {refused.rule}") from refused
    return 0


def _key(args: argparse.Namespace) -> bytes:
    """From the nearest of the three places; a failure names that place."""
    if args.province_key:
        return read_province_key(args.province_key, "--province-key")
    path = os.environ.get("MOTCUA_PROVINCE_KEY")
    if path:
        return read_province_key(path)
    return read_province_key(str(home_from(args.home).province_key_file), "--home")
