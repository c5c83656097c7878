"""The failures a command expects: shown as one line, without a traceback, exit code 1 or 2."""

from __future__ import annotations


class Failure(Exception):  # noqa: N818 - read as a word: `raise Failure("no such file")`
    """The command cannot do what was asked; the text is for the person who asked."""


class WrongUsage(Failure):
    """The words it was given cannot mean anything, whatever runs where: exit code 2, as argparse's own."""
