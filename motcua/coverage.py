"""`motcua coverage`: how many procedures in force are made public, done on site, offered online."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from contracts.words import Role
from motcua import client
from motcua.failure import Failure

HELP: Final = "Show how far the catalogue in force is covered: public, on site, online; in all and by level."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    client.configure(parser)
    parser.add_argument("--json", action="store_true", help="the answer of GET /v1/coverage as it is")


def run(args: argparse.Namespace) -> int:
    """Print; 0. Raises Failure."""
    try:
        with client.connect(args, Role.INSPECTOR) as stack:
            answer = stack.get("/v1/coverage")
    except client.ClientError as error:
        raise Failure(str(error)) from error
    if args.json:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        return 0
    print(f"law version {answer['law_version']}, {answer['day']}")
    for name, counts in (("all", answer["total"]), *answer["levels"].items()):
        print("\n".join((f"{name}:", *_lines(counts))))
    if answer["levels"]:
        print("A procedure of several levels counts in each of them: the levels may add up to more than all.")
    return 0


def _lines(counts: Mapping[str, Any]) -> list[str]:
    online = counts["online"]
    all_of, centre = counts["procedures"], counts["at_centre"]
    public = _of(counts["posted"], all_of, counts["posted_of_procedures"])
    on_site = _of(counts["on_site"], all_of, counts["on_site_of_procedures"])
    at_centre = _of(counts["on_site"], centre, counts["on_site_of_at_centre"])
    any_online = _of(online["any"], all_of, online["any_of_procedures"])
    return [
        f"  procedures  {all_of}",
        f"  public      {public}",
        f"  on site     {on_site}; {at_centre} received at the centre",
        f"  online      {any_online}: {online['partial']} in part, {online['full']} from end to end",
        f"  not online  {online['none']}; online to not online {_percent(online['any_to_none'])}",
        f"  unknown     {online['unknown']}: taken in online, how far was never said",
    ]


def _of(count: int, whole: int, share: float | None) -> str:
    return f"{count} of {whole} ({_percent(share)})"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
