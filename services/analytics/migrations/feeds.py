"""The feeds of the roll-ups, read from the migrations: which table each fills, and by what question.

A rebuild asks the very same question of a stretch of the raw facts: there is one source of what a roll-up is.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from services.analytics.migrations import shipped

_FEED: Final = re.compile(
    r"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+) AS\n(SELECT\b.*)", re.DOTALL
)
_CHANGED: Final = re.compile(r"ALTER TABLE (\w+) MODIFY QUERY\n(SELECT\b.*)", re.DOTALL)
_DROPPED: Final = re.compile(r"DROP VIEW IF EXISTS (\w+)")


def feeds() -> dict[str, str]:
    """The SELECT of each roll-up by the name of its table, as of the newest migration."""
    return dict(_standing().values())


def views() -> dict[str, str]:
    """The table of each feed by the feed's own name, on one server and on a cluster."""
    return {view: table for view, (table, _) in _standing().items()}


def statements() -> dict[str, str]:
    """The statement that makes each feed on one server as of the newest migration, by the feed's name."""
    return {
        view: f"CREATE MATERIALIZED VIEW IF NOT EXISTS {view} TO {table} AS\n{select}"
        for view, (table, select) in _standing().items()
    }


@cache
def _standing() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for migration in shipped():
        if made := _FEED.search(migration.statement):
            found[made[1]] = (made[2], made[3])
        elif changed := _CHANGED.search(migration.statement):
            found[changed[1]] = (found[changed[1]][0], changed[2])
        elif dropped := _DROPPED.search(migration.statement):
            found.pop(dropped[1], None)
    return found


@cache
def newest_feed() -> int:
    """The number of the newest migration that made or changed a feed."""
    return max(
        one.number for one in shipped() if _FEED.search(one.statement) or _CHANGED.search(one.statement)
    )


def of_stretch(select: str, partition: int, start: int, end: int, besides: dict[str, str]) -> str:
    """`select` over the raw facts in [start, end) of a partition; of other tables it reads those beside."""
    stretch = (
        f"(SELECT * FROM facts WHERE log_partition = {partition} "
        f"AND log_offset >= {start} AND log_offset < {end})"
    )
    return re.sub(
        r"\bFROM (\w+)\b",
        lambda found: f"FROM {stretch if found[1] == 'facts' else besides.get(found[1], found[1])}",
        select,
    )
