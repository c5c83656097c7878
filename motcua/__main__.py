"""`motcua COMMAND`: the command line of Motcua.

Each command is a module of this package with HELP, configure(parser) and run(args) -> exit code; only the
one that is called is imported. Exit codes: 0 done, 1 failed with a message, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import sys
from collections.abc import Callable, Sequence
from typing import Final, Protocol, cast

from deploy.local.errors import StackError
from motcua.failure import Failure, WrongUsage
from motcua.hints import runnable

# One line each, kept here so that `motcua --help` imports none of them.
COMMANDS: Final = {
    "up": "start the one-machine stack and keep it running in the foreground",
    "down": "stop the stack that runs here",
    "status": "show the processes of the stack that runs here",
    "doctor": "find out what is wrong with this machine or stack, and what to do",
    "tour": "walk one dossier through its day, and see the law at work",
    "topics": "create and verify the topics on a broker",
    "catalogue": "enact procedures, agencies and the calendar",
    "due": "say when a dossier falls due, and why",
    "calendar": "show the shipped calendar, or try an amendment on dossiers",
    "simulate": "write a made-up history of an office, for replay",
    "replay": "send a history through the door and check the figures",
    "key": "make an API key for a client of the services",
    "pseudonym": "say under which pseudonym the system knows somebody",
    "coverage": "show how many procedures are public, on site and online",
    "reconcile": "compare the log with the warehouse, and repair it",
    "migrate": "bring the warehouse's schema up to this release, or print it",
    "rebuild": "make the warehouse's roll-ups anew from its raw facts",
    "engine": "prove that facts and states follow from the log; parked dossiers",
    "dlq": "list, show and replay dead letters",
}


class Command(Protocol):
    """What a command module offers."""

    HELP: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def load(name: str) -> Command:
    """Import a command. Raises Failure naming a package that is not installed."""
    try:
        return cast(Command, importlib.import_module(f"motcua.{name}"))
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("motcua"):
            raise
        raise Failure(f"the package {error.name} is missing: pip install 'motcua[local]'") from error


def overview() -> argparse.ArgumentParser:
    """The parser of the first word."""
    width = max(map(len, COMMANDS))
    listing = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="motcua",
        usage="motcua COMMAND [-h] …",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"commands:\n{listing}\n\nexit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted",
    )
    parser.add_argument("--version", action="version", version=f"motcua {_version()}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    return parser


def _version() -> str:
    try:
        return importlib.metadata.version("motcua")
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words:
        overview().print_help(sys.stderr)
        return 2
    name = overview().parse_args(words[:1]).command
    args = None
    try:
        command = load(name)
        parser = argparse.ArgumentParser(prog=f"motcua {name}", description=command.HELP)
        command.configure(parser)
        args = parser.parse_args(words[1:])
        return command.run(args)
    except (Failure, StackError) as error:
        sys.stderr.write(runnable(f"motcua {name}: {error}", args) + "\n")
        return 2 if isinstance(error, WrongUsage) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away; nothing left to say
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
