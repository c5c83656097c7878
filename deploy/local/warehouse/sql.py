"""What the endpoint must know about a statement before the engine sees it. Pure; no SQL parser.

Everything else about SQL is the engine's business: a statement this module does not recognise is
handed over as it is.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_OPAQUE: Final = re.compile(
    r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"|--[^\n]*|/\*.*?\*/", re.DOTALL
)
_INSERT: Final = re.compile(
    r"\s*INSERT\s+INTO\s+(?:TABLE\s+)?(?P<table>[\w.]+?)\s*"
    r"(?P<columns>\((?:[^()]|\([^()]*\))*\))?\s*(?P<settings>\bSETTINGS\b.*?)?"
    r"(?:\bVALUES|\bFORMAT\s+\w+)\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_FORMAT: Final = re.compile(r"\sFORMAT\s+\w+\s*;?\s*$", re.IGNORECASE)
_INLINE_DATA: Final = re.compile(
    r"\s*INSERT\b.*?\b(?:VALUES|FORMAT\s+\w+)\b\s*[^\s;]", re.IGNORECASE | re.DOTALL
)


class Insert(NamedTuple):
    """An INSERT whose rows come from the client as blocks."""

    target: str
    """The statement up to the table and the columns."""
    settings: str
    """Its own SETTINGS clause, or nothing."""
    described: str
    """A DESCRIBE statement for the table or for the named columns."""
    all_columns: bool
    """Whether `described` names the whole table, columns that cannot be inserted into included."""


def bare(sql: str) -> str:
    """`sql` with strings, quoted names and comments blanked out, every other character in its place."""

    def blank(match: re.Match[str]) -> str:
        text = match.group()
        return (" " if text.startswith(("--", "/*")) else "x") * len(text)

    return _OPAQUE.sub(blank, sql)


def client_insert(sql: str) -> Insert | None:
    """The INSERT that waits for blocks of the client; None for anything else, inline data included."""
    found = _INSERT.fullmatch(bare(sql))
    if found is None:
        return None
    table, columns, settings = (sql[slice(*found.span(part))] for part in ("table", "columns", "settings"))
    described = f"(SELECT {columns[1:-1]} FROM {table})" if columns else table
    end = found.end("columns" if columns else "table")
    return Insert(sql[:end], settings, f"DESCRIBE TABLE {described}", not columns)


def without_format(sql: str) -> str:
    """`sql` without a closing FORMAT clause: over the native protocol the result is always blocks."""
    found = _FORMAT.search(bare(sql))
    return sql if found is None else sql[: found.start()]


def has_inline_data(sql: str) -> bool:
    """Whether this is an INSERT that carries its rows in its own text."""
    return _INLINE_DATA.match(bare(sql)) is not None


def verb(sql: str) -> str:
    """The first word, upper case; two words for CREATE TEMPORARY."""
    words = bare(sql).upper().split(maxsplit=2)[:2]
    return " ".join(words) if words == ["CREATE", "TEMPORARY"] else "".join(words[:1])


def quoted(value: str) -> str:
    """`value` as a string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name(identifier: str) -> str:
    """`identifier` as a quoted name."""
    return "`" + identifier.replace("\\", "\\\\").replace("`", "\\`") + "`"


def set_statement(settings: dict[str, str]) -> str:
    """One SET for all `settings`. Values go as strings, as the protocol has them."""
    return "SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items())
