"""What a start with MOTCUA_REPAIR=1 puts back before the repair: dropped feeds, and windows that shrank.

Of one server only: on a cluster a person does it, as the migrations there. What was inserted without a feed,
or twice for want of a window, is the repair's to put right.
"""

from __future__ import annotations

import re
from typing import Final

from services.analytics.migrations import Connection, clustered
from services.analytics.migrations.feeds import feeds, statements, views

WINDOW: Final = 10_000
"""Tokens that a table must remember at least."""

WINDOW_NAME: Final = "non_replicated_deduplication_window"
_TABLES: Final = "SELECT name, engine, engine_full FROM system.tables WHERE database = currentDatabase()"


def targets() -> tuple[str, ...]:
    """Every table that an insert reaches, by itself or through a feed."""
    return ("facts", "clocks", *feeds())


def setting(engine: str, name: str) -> int:
    """A number among the settings of a table, from its full engine; 0 when it is not there."""
    found = re.search(rf"\b{name}\s*=\s*(\d+)", engine)
    return 0 if found is None else int(found[1])


def restore(connection: Connection) -> list[str]:
    """Make anew the feeds that are gone, as of the newest migration, and put windows back.

    The answer is what was done, in words; on a cluster nothing.
    """
    if clustered(connection):
        return []
    found = {str(name): (str(engine), str(full)) for name, engine, full in connection.rows(_TABLES)}
    done = []
    for table in targets():
        engine, full = found.get(table, ("", ""))
        if engine.endswith("MergeTree") and setting(full, WINDOW_NAME) < WINDOW:
            connection.run(f"ALTER TABLE {table} MODIFY SETTING {WINDOW_NAME} = {WINDOW}")
            done.append(f"table {table} remembers {WINDOW} tokens again")
    for view, statement in statements().items():
        if view not in found and views()[view] in found:
            connection.run(statement)
            done.append(f"the feed {view}, which fills {views()[view]}, is made anew")
    return done
