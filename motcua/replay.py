"""`motcua replay`: send a history through the real door, wait until it is counted, and check the figures.

Without --url it runs a stack of its own in a temporary folder and leaves nothing behind. The stack's clock
must be the log: the history brings its own time.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from tqdm import tqdm

from contracts.words import Clock, Role
from deploy.local.home import StackState
from deploy.local.stack import LocalStack
from motcua.client import Client, key_for
from motcua.failure import Failure, WrongUsage
from motcua.own_stack import own_stack
from motcua.replaying.autopsy import last_words
from motcua.replaying.chaos import Chaos
from motcua.replaying.door import Door
from motcua.replaying.history import MOST_LINES, HistoryError, Recording
from motcua.replaying.report import Report, read_figures, read_reconciliation
from motcua.replaying.sampler import Sampler
from motcua.up import add_broker, brokers_of

HELP: Final = "Send a history through the door of a stack whose clock is the log, and check the figures."
RECONCILE_SECONDS: Final = 1_800.0
ENDED: Final = frozenset({StackState.STOPPING, StackState.STOPPED, StackState.FAILED})
CHAOS_CHUNKS: Final = 25
"""Into how many bodies a history is cut at least when processes are killed on the way."""


@dataclass(frozen=True)
class Target:
    """Where to replay: a client of the stack, one with time enough to reconcile, and the stack if our own."""

    client: Client
    patient: Client
    stack: LocalStack | None = None

    def check(self) -> None:
        """Raises Failure when our own stack has ended, so that nobody waits for it."""
        if self.stack is not None and (state := self.stack.state()).state in ENDED:
            raise Failure(f"the stack has ended: {state.message or 'it did not say why'}")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("file", metavar="FILE", help="history as JSON lines; - for standard input")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--url", help="intake of a running stack (default: a stack of its own)")
    parser.add_argument("--key", help="API key of an importer there (default: MOTCUA_KEY, or as of --home)")
    parser.add_argument(
        "--home",
        help="folder of the local stack if --url is its address (default: MOTCUA_HOME, or .motcua here)",
    )
    parser.add_argument("--chaos", type=int, metavar="SEED", help="kill each process of the own stack once")
    add_broker(parser)
    parser.add_argument(
        "--patience", type=float, default=120.0, metavar="S", help="seconds without progress before giving up"
    )


def run(args: argparse.Namespace) -> int:
    """Replay; 0 when every line was taken and the reconciliation is zero, else 1."""
    if args.chaos is not None and args.url:
        raise WrongUsage("--chaos kills processes of a stack of its own; it cannot be used with --url")
    brokers_of(args)
    with _source(args.file) as source:
        recording = _recording(source)
        with _target(args) as target:
            report = replay(recording, target, patience=args.patience, chaos_seed=args.chaos)
    sys.stdout.write((report.as_json().decode() if args.json else report.as_table()) + "\n")
    return 0 if report.good else 1


def replay(recording: Recording, target: Target, *, patience: float, chaos_seed: int | None = None) -> Report:
    """Send all, advance the clock, wait until it is counted, and ask for the figures.

    Raises Failure when it cannot be carried through; lines refused for good are reported, not raised.
    """
    door = Door(target.client, patience=patience, check=target.check)
    clock = door.get("/v1/about").get("clock")
    if clock != Clock.LOG:
        raise Failure(
            f"the clock of this stack is {clock!r}; a replay needs one that runs on `log`:"
            " `motcua up --clock log`, or leave --url out"
        )
    chaos = None
    if chaos_seed is not None:
        if target.stack is None or recording.about is None or not recording.about.dossiers:
            raise Failure("--chaos needs a stack of its own and a history whose header counts its dossiers")
        chaos = Chaos(chaos_seed, target.stack)
        sys.stderr.write(f"chaos: seed {chaos_seed}\n")
    sampler = Sampler(target.stack.rss_bytes) if target.stack else None
    with sampler or contextlib.nullcontext():
        began = time.monotonic()
        _send(recording, door, chaos)
        door.post("/v1/time", {"to": recording.time_to.isoformat()})
        door.wait_for_clock(recording.time_to)
        seconds = time.monotonic() - began
        if chaos:
            chaos.finish()
        patient = Door(target.patient, patience=patience, check=target.check)
        checked = read_reconciliation(patient.post("/v1/reconcile", analytics=True))
        period = recording.about.period if recording.about else None
        days = {"from": period.first, "to": period.last} if period else {}
        figures = read_figures(door.get("/v1/figures", analytics=True, **days))
    for line in door.sent.refused[:10]:
        sys.stderr.write(f"refused for good: {line}\n")
    return Report(
        figures=figures,
        reconciliation=checked,
        commands=door.sent.commands,
        refused_lines=len(door.sent.refused),
        repeated_lines=door.sent.repeated,
        seconds=seconds,
        peak_rss_bytes=sampler.peak if sampler else None,
    )


def _send(recording: Recording, door: Door, chaos: Chaos | None) -> None:
    total = recording.about.dossiers if recording.about else None
    most = MOST_LINES
    if chaos and total:
        most = max(1, min(most, total * 6 // CHAOS_CHUNKS))
    registered = 0
    bar = tqdm(total=total, unit=" dossiers", file=sys.stderr, disable=not sys.stderr.isatty())
    with bar:
        for chunk in recording.chunks(most):
            registered += chunk.registrations
            if chaos and total:
                # Just under all: the strikes after the last line wait for it to be sent.
                chaos.reach(min(registered / total, 0.999))
            door.send(chunk.lines)
            bar.update(chunk.registrations)
    if chaos:
        chaos.reach(1.0)


def _recording(source: BinaryIO) -> Recording:
    """The history, read through once where it can be read twice: what is wrong shows before it is sent."""
    if source.seekable():
        start = source.tell()
        Recording(source).check()
        source.seek(start)
    return Recording(source)


@contextlib.contextmanager
def _source(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as file:
            yield file
    except OSError as error:
        raise Failure(f"{name}: {error.strerror}") from error


@contextlib.contextmanager
def _target(args: argparse.Namespace) -> Iterator[Target]:
    """The stack named by --url, or one of our own, gone with its folder afterwards."""
    if args.url:
        with _clients(args.url, None, key_for(args, args.url, Role.IMPORTER)) as (client, patient):
            yield Target(client, patient)
        return
    with (
        own_stack("replay", clock="log", broker=args.broker, brokers=args.brokers) as stack,
        _clients(stack.intake_url, stack.analytics_url, stack.keys[Role.IMPORTER]) as (client, patient),
    ):
        try:
            yield Target(client, patient, stack)
        except HistoryError:
            raise  # the stack did nothing wrong and has nothing to say
        except Failure:
            sys.stderr.write(last_words(stack))  # its folder, and the logs in it, are gone in a moment
            raise


@contextlib.contextmanager
def _clients(intake: str, analytics: str | None, key: str) -> Iterator[tuple[Client, Client]]:
    with (
        Client(intake, key, analytics_url=analytics) as client,
        Client(intake, key, analytics_url=analytics, timeout=RECONCILE_SECONDS) as patient,
    ):
        yield client, patient
