"""`motcua key new`: a key for a client, and the lines that make the services know it.

The key is printed once and kept nowhere; the key file (contracts.access) holds its hash.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from contracts.access import hash_key, parse_keys
from contracts.words import AgencyCode, ClientName, Role
from motcua.failure import Failure

HELP: Final = "Make an API key for a client of the services."
_KEY_BYTES: Final = 32


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    new = parser.add_subparsers(dest="what", required=True, metavar="new").add_parser(
        "new", help="print a new key, once, and the lines for the key file"
    )
    new.add_argument("--client", required=True, metavar="NAME", help="who holds it: counter-h52-18")
    new.add_argument("--role", required=True, choices=[role.value for role in Role], help="what it may do")
    new.add_argument(
        "--agency",
        nargs="+",
        action="extend",
        metavar="CODE",
        default=[],
        help="the agencies it works for (default: every one)",
    )


def run(args: argparse.Namespace) -> int:
    """Print the key and its lines: 0."""
    key = secrets.token_urlsafe(_KEY_BYTES)
    lines = table(args.client, args.role, args.agency, key)
    sys.stdout.write(
        f"The key, shown this once; hand it to its holder:\n\n{key}\n\n"
        "Append to the key file (the one MOTCUA_API_KEYS names), then restart intake and analytics:\n\n"
        f"{lines}"
    )
    return 0


def table(client: str, role: str, agencies: Sequence[str], key: str) -> str:
    """The lines of the key file for `key`. Raises Failure naming what the services would refuse."""
    name = "small letters, digits and hyphens, a letter or digit first, at most 63, like counter-h52-18"
    _check("--client", client, ClientName, name)
    for agency in agencies:
        _check("--agency", agency, AgencyCode, "a code of capital letters, digits and dots, like H52.18")
    # JSON strings are TOML strings; whatever was typed stays inside its quotes.
    lines = [f"[clients.{_text(client)}]", f'sha256 = "{hash_key(key)}"', f"role = {_text(role)}"]
    if agencies:
        lines.append(f"agencies = [{', '.join(map(_text, agencies))}]")
    made = "\n".join(lines) + "\n"
    try:
        parse_keys(made)
    except ValueError as error:
        raise Failure(str(error)) from error
    return made.replace(_text(client), client, 1)


def _check(option: str, value: str, kind: Any, expected: str) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        good = False
    else:
        good = not value.endswith("\n")  # which the end of a pattern lets pass
    if not good:
        raise Failure(f"{option}: expected {expected}; got {value!r}")


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()
