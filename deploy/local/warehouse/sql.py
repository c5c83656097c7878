"""What the endpoint must know about a statement before the engine sees it. Pure; no SQL parser.

Everything else about SQL is the engine's business: a statement this module does not recognise is
handed over as it is.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_OPAQUE: Final = re.compile(
    r"'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|\"(?:[^\"\\]|\\.)*\"|--[^\n]*|#[ !][^\n]*|/\*.*?\*/", re.DOTALL
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
_NOT_SERVED: Final = (
    (re.compile(r"\s*CREATE\s+TEMPORARY\b", re.IGNORECASE), "temporary tables are"),
    (re.compile(r"\bWITH\s+TOTALS\b", re.IGNORECASE), "WITH TOTALS is"),
    (re.compile(r"\bINTO\s+OUTFILE\b", re.IGNORECASE), "INTO OUTFILE is"),
    (re.compile(r"\bextremes\s*=(?!\s*(?:0|false)\b)", re.IGNORECASE), "the setting extremes is"),
    (re.compile(r"\bsend_logs_level\s*=", re.IGNORECASE), "the setting send_logs_level is"),
)
_FOLLOWED: Final = re.compile(r";\s*[^\s;]")
_INNERMOST: Final = re.compile(r"\([^()]*\)")


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
        return (" " if text.startswith(("--", "#", "/*")) else "x") * len(text)

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


def not_served(sql: str, settings: dict[str, str]) -> str:
    """What of a statement the endpoint cannot do, as a subject and its verb; usually nothing.

    The engine would do without: its Native output has no place for totals, extremes and logs.
    """
    text = " ".join([bare(sql), *(f"{name}={value}" for name, value in settings.items())])
    if not any(pattern.search(text) for pattern, _ in _NOT_SERVED):
        return ""
    while (outer := _INNERMOST.sub("", text)) != text:  # inside a subquery it is nobody's business
        text = outer
    return next((what for pattern, what in _NOT_SERVED if pattern.search(text)), "")


def several(sql: str) -> bool:
    """Whether something follows the rows of an INSERT: the engine would run it, though it refuses all other
    texts of several statements."""
    return _FOLLOWED.search(bare(sql)) is not None


def verb(sql: str) -> str:
    """The first word, upper case."""
    return next(iter(bare(sql).upper().split(maxsplit=1)), "")


def quoted(value: str) -> str:
    """`value` as a string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def name(identifier: str) -> str:
    """`identifier` as a quoted name."""
    return "`" + identifier.replace("\\", "\\\\").replace("`", "\\`") + "`"


def set_statement(settings: dict[str, str]) -> str:
    """One SET for all `settings`. Values go as strings, as the protocol has them."""
    return "SET " + ", ".join(f"{name} = {quoted(value)}" for name, value in settings.items())
