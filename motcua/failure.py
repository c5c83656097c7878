"""The failures a command expects: shown as one line, without a traceback, exit code 1."""

from __future__ import annotations


class Failure(Exception):  # noqa: N818 - read as a word: `raise Failure("no such file")`
    """The command cannot do what was asked; the text is for the person who asked."""
