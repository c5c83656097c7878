"""`motcua status`: the processes of the stack of a home."""

from __future__ import annotations

import argparse
import sys
from typing import Final

import msgspec

from deploy.local.home import Home, ProcessState, RunState, StackState, home_from, is_alive
from motcua.client import add_home
from motcua.failure import Failure
from motcua.hints import runnable
from motcua.readiness import why_not

HELP: Final = "Show the processes of the stack that runs here. Exit code 0 only when all are ready."


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_home(parser)
    parser.add_argument("--json", action="store_true", help="a list of {name, pid, url, ready, restarts}")


def run(args: argparse.Namespace) -> int:
    """Print; 1 when something is not ready. Raises Failure when no stack runs."""
    state = current(home_from(args.home))
    if args.json:
        sys.stdout.write(msgspec.json.encode(rows(state)).decode() + "\n")
    else:
        print(f"{_word(state)}, {state.clock} clock, supervisor pid {state.pid}")
        for one in state.processes:
            why = runnable(one.why, args) or "no reason given"
            ready = "ready" if one.ready else f"not ready: {why}"
            print(f"  {one.name:<10} pid {one.pid or '-':<8} {one.url:<46} restarts {one.restarts}  {ready}")
    return 0 if _all_ready(state) else 1


def current(home: Home) -> RunState:
    """The running stack, each process asked how it is now. Raises Failure when none runs."""
    state = home.running()
    if state is None:
        last = home.read_run()
        why = f" (the last one: {last.message or last.state.value})" if last else ""
        raise Failure(f"no stack runs in {home.path}{why}; start one with `motcua up`")
    return msgspec.structs.replace(state, processes=tuple(map(_as_it_is, state.processes)))


def rows(state: RunState) -> list[dict[str, object]]:
    """What `--json` prints."""
    return [
        {"name": one.name, "pid": one.pid, "url": one.url, "ready": one.ready, "restarts": one.restarts}
        for one in state.processes
    ]


def _all_ready(state: RunState) -> bool:
    return state.state is StackState.READY and all(one.ready for one in state.processes)


def _word(state: RunState) -> str:
    return "not ready" if state.state is StackState.READY and not _all_ready(state) else state.state.value


def _as_it_is(one: ProcessState) -> ProcessState:
    if one.pid is None:
        return one
    if not is_alive(one.pid, one.started):
        return msgspec.structs.replace(one, pid=None, ready=False, why="has just died")
    why = why_not(one)
    return msgspec.structs.replace(one, ready=one.ready and not why, why=why or one.why)
