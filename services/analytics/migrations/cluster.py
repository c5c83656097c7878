"""The same schema for a cluster: each statement of the migrations as Replicated and Distributed ones.

A table keeps its name as a Distributed one, by the log's partition, over ``<name>_local`` of every shard.
Feeds go from local to local tables, so a fact and all that is fed from it stand on one shard; views and
questions read the Distributed names and need no change. ``{cluster}``, ``{shard}``, ``{replica}`` and
``{database}`` are macros of the servers. Checked as text: no cluster is at hand to run it on.
"""

from __future__ import annotations

import re
from typing import Final

from services.analytics.migrations import JOURNAL_COLUMNS, Migration

WINDOW_SECONDS: Final = 604_800
"""How long a Replicated table remembers a token: a week."""

_ON: Final = "ON CLUSTER '{cluster}'"
_WINDOW: Final = re.compile(r"non_replicated_deduplication_window = (\d+)")
_ENGINE: Final = re.compile(r"ENGINE = (\w*MergeTree)\b")


JOURNAL: Final = f"""CREATE TABLE IF NOT EXISTS migrations {_ON}
{JOURNAL_COLUMNS}
ENGINE = ReplicatedReplacingMergeTree(
    '/clickhouse/tables/all/{{database}}/migrations', '{{shard}}-{{replica}}'
)
ORDER BY number"""
"""Which migrations were applied: one table for all shards."""


class UnknownShapeError(ValueError):
    """A migration is of a shape that has no counterpart on a cluster."""


def replicated(migration: Migration) -> tuple[str, ...]:
    """The statements of one migration, in order. Raises UnknownShapeError."""
    text = "\n".join(line for line in migration.statement.splitlines() if not line.startswith("--"))
    for pattern, shape in _SHAPES:
        if found := pattern.match(text):
            return shape(text, found)
    raise UnknownShapeError(f"migration {migration.number:04d}_{migration.name}")


def _table(text: str, found: re.Match[str]) -> tuple[str, ...]:
    name = found[1]
    path = f"'/clickhouse/tables/{{shard}}/{{database}}/{name}_local', '{{replica}}'"
    local = text.replace(found[0], f"CREATE TABLE IF NOT EXISTS {name}_local {_ON}", 1)
    local = _ENGINE.sub(rf"ENGINE = Replicated\1({path})", local)
    windows = (
        rf"replicated_deduplication_window = \1, replicated_deduplication_window_seconds = {WINDOW_SECONDS}"
    )
    distributed = (
        f"CREATE TABLE IF NOT EXISTS {name} {_ON} AS {name}_local\n"
        f"ENGINE = Distributed('{{cluster}}', currentDatabase(), '{name}_local', log_partition)"
    )
    return _WINDOW.sub(windows, local), distributed


def _altered(text: str, found: re.Match[str]) -> tuple[str, ...]:
    name = found[1]
    local = text.replace(found[0], f"ALTER TABLE {name}_local {_ON}", 1)
    distributed = text.replace(found[0], f"ALTER TABLE {name} {_ON}", 1)
    return local, re.sub(r" CODEC\((?:[^()]|\([^()]*\))*\)", "", distributed)


def _changed_feed(text: str, found: re.Match[str]) -> tuple[str, ...]:
    return (_locally(text.replace(found[0], f"ALTER TABLE {found[1]}_feed {_ON} MODIFY QUERY", 1)),)


def _feed(text: str, found: re.Match[str]) -> tuple[str, ...]:
    made = f"CREATE MATERIALIZED VIEW IF NOT EXISTS {found[1]} {_ON} TO {found[2]}_local"
    return (_locally(text.replace(found[0], made, 1)),)


def _view(text: str, found: re.Match[str]) -> tuple[str, ...]:
    # The keys a view chooses by are asked of all shards once: a Distributed table within another is refused.
    return (text.replace(found[0], f"{found[0]} {_ON}", 1).replace(" IN\n(", " GLOBAL IN\n("),)


def _dropped(text: str, found: re.Match[str]) -> tuple[str, ...]:
    return f"{found[0]} {_ON} SYNC", f"{found[0]}_local {_ON} SYNC"


def _locally(text: str) -> str:
    return re.sub(r"\bFROM (facts|lives)\b", r"FROM \1_local", text)


_SHAPES: Final = (
    (re.compile(r"CREATE TABLE IF NOT EXISTS (\w+)"), _table),
    (re.compile(r"ALTER TABLE (\w+)_feed MODIFY QUERY"), _changed_feed),
    (re.compile(r"ALTER TABLE (\w+)"), _altered),
    (re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+)"), _feed),
    (re.compile(r"CREATE (?:OR REPLACE VIEW|VIEW IF NOT EXISTS) (\w+)"), _view),
    (re.compile(r"DROP VIEW IF EXISTS (\w+)"), _view),
    (re.compile(r"DROP TABLE IF EXISTS (\w+)"), _dropped),
)
