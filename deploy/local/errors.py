"""What can go wrong with a stack that a person can put right. Light: importing it loads nothing else."""

from __future__ import annotations


class StackError(Exception):
    """The stack cannot start or go on; the text says why and what to do."""
