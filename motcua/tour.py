"""`motcua tour`: one dossier's day, from the portal to the rating, with what the law says on the way.

Each request is sent with the key of its role, by a person with a name; two of them are refused, as they must
be. It walks on the stack that runs here, on the one named by --url and --key (the key of an admin: it stands
in for every role), or on one of its own, stopped at the end. Exit codes: 0 everything went as the walk says,
1 otherwise.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from contracts.law import ProcedurePublished
from contracts.outcomes import ActionName
from contracts.words import Clock, Role
from deploy.local.home import home_from
from motcua import client
from motcua.client import Client
from motcua.failure import Failure
from motcua.own_stack import own_stack
from motcua.touring import record, words
from motcua.touring.plan import AGENCY, PROCEDURE
from motcua.touring.walk import Row, Walk, clients_of

HELP: Final = (
    "Walk one dossier through its day on the running stack (or one of its own), and see the law at work."
)
_DATED: Final = frozenset({ActionName.ACCEPT, ActionName.RECEIVE_SUPPLEMENT})
"""After these the due date is explained."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stack to walk on; `key` gives the key of a role, `one_key` says where the one for all came from."""

    intake: str
    analytics: str | None
    key: Callable[[str], str]
    one_key: str | None = None


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    client.configure(parser)
    parser.add_argument(
        "--json",
        action="store_true",
        help="a list of {action, actor, http_status, accepted, reason, rule, national_status, due}",
    )


def run(args: argparse.Namespace) -> int:
    """Walk; 0 when everything went as it must. Raises Failure."""
    say = _silent if args.json else _print
    rows: list[Row] = []
    try:
        with _stage(args) as stage, clients_of(stage.intake, stage.analytics, stage.key) as clients:
            walk_through(stage, clients, rows, say)
    finally:
        if args.json:
            sys.stdout.write(msgspec.json.encode(rows).decode() + "\n")
    return 0


def walk_through(
    stage: Stage, clients: Callable[[str], Client], rows: list[Row], say: Callable[[Iterable[str]], None]
) -> None:
    """Every visit, told and noted in `rows`, then the record of it all. Raises Failure if it goes astray."""
    procedure = _procedure(clients(Role.COUNTER))
    reader = clients(Role.INSPECTOR)
    say(words.opening(stage.intake, procedure, AGENCY, datetime.now(UTC)))
    walk, why = Walk(clients), None
    for number, answer in enumerate(walk.answers(), start=1):
        rows.append(answer.row)
        say(words.visit(number, answer, stage.one_key))
        if answer.visit.action in _DATED and answer.row.due is not None:
            seen = record.dossier(reader, walk.dossier_id, record.has_seq(walk.seq), "the dossier")
            before, why = why, record.explained(seen, procedure)
            say(words.due(why, before, answer.row.due))
    whole = record.dossier(
        reader,
        walk.dossier_id,
        record.both(record.has_seq(walk.seq), record.is_numbered),
        "the stamp's number",
    )
    say(words.slip(whole))
    say(words.stamps(whole))
    say(words.timeline(whole))
    if wrong := record.gaps(whole):
        raise Failure("; ".join(wrong))


@contextlib.contextmanager
def _stage(args: argparse.Namespace) -> Iterator[Stage]:
    """The stack to walk on. Raises Failure for one that does not run on the wall clock and is not ours."""
    url, key = args.url or os.environ.get("MOTCUA_URL"), args.key or os.environ.get("MOTCUA_KEY")
    one_key = ("--key" if args.key else "MOTCUA_KEY") if key else None
    if url:
        with client.connect(args) as session:
            clock = session.get("/v1/about").get("clock")
        if clock != Clock.SYSTEM:
            raise Failure(
                f"the clock of this stack is {clock!r}; a day is walked on the wall clock:"
                " leave --url out, and the tour brings a stack of its own"
            )
        yield Stage(url, None, lambda role: client.key_for(args, url, role), one_key)
        return
    home = home_from(args.home)
    running = home.running()
    if running is not None and running.clock == Clock.SYSTEM:
        keys = home.dev_keys()
        urls = running.urls
        yield Stage(urls["intake"], urls["analytics"], lambda role: key or keys[role], one_key)
        return
    why = "no stack runs" if running is None else "the clock of the stack is the log's"
    sys.stderr.write(
        f"In {home.path} {why}: the tour starts one of its own, and stops it afterwards. Half a minute …\n"
    )
    with own_stack("tour", clock="system") as stack:
        own = stack.keys
        yield Stage(stack.intake_url, stack.analytics_url, lambda role: own[role])


def _procedure(session: Client) -> ProcedurePublished:
    """The procedure of the walk as the stack has it. Raises Failure without the sample law."""
    procedures = session.get("/v1/procedures", code=PROCEDURE)["procedures"]
    agencies = session.get("/v1/agencies", code=AGENCY)["agencies"]
    if not procedures or not agencies:
        raise Failure("this stack does not have the sample law: enact it with `motcua catalogue seed`")
    return msgspec.convert(procedures[0], ProcedurePublished)


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _silent(lines: Iterable[str]) -> None:
    """Nothing but the list goes to standard output."""
