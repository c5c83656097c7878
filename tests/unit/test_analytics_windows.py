"""Which tables remember enough tokens: by number on one server, by number and time on a cluster. And whether
every feed is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from services.analytics.adapters.clickhouse import Connection, check_windows
from services.analytics.errors import WarehouseMismatchError
from services.analytics.migrations.feeds import feeds, views

VIEWS = dict.fromkeys(views(), "MaterializedView")
TABLES = ("facts", "clocks", *feeds())
PLAIN = "MergeTree ORDER BY n SETTINGS non_replicated_deduplication_window = 10000, index_granularity = 512"
REPLICATED = "ReplicatedMergeTree('/t', '{replica}') ORDER BY n SETTINGS "
BY_NUMBER = "replicated_deduplication_window = 10000"
BY_TIME = "replicated_deduplication_window_seconds = 604800"
WHOLE = f"{REPLICATED}{BY_NUMBER}, {BY_TIME}"


class Engines:
    """A connection that knows only what the tables' engines are."""

    def __init__(self, engines: Mapping[str, str]) -> None:
        self._engines = engines

    def rows(self, text: str, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
        return [(name, self._engines[name]) for name in parameters["tables"] if name in self._engines]


def check(engines: Mapping[str, str]) -> None:
    check_windows(cast(Connection, Engines(engines)))


def test_tables_of_one_server_and_of_a_cluster_that_remember_enough() -> None:
    check(VIEWS | dict.fromkeys(TABLES, PLAIN))
    distributed = dict.fromkeys(TABLES, "Distributed('{cluster}', 'd', 'facts_local', log_partition)")
    check(VIEWS | distributed | {f"{table}_local": WHOLE for table in TABLES})


@pytest.mark.parametrize(
    "engine",
    [
        PLAIN.replace("10000", "9999"),
        PLAIN.replace("non_replicated", "replicated"),
        WHOLE.replace("10000", "9999"),
        WHOLE.replace("604800", "3600"),
        REPLICATED + BY_NUMBER,
        REPLICATED + BY_TIME,
        REPLICATED + f"non_{BY_NUMBER}, {BY_TIME}",
        "",
    ],
)
@pytest.mark.parametrize("table", ["facts", "figures"])
def test_a_table_that_forgets_too_soon_is_refused(table: str, engine: str) -> None:
    with pytest.raises(WarehouseMismatchError, match=f"table {table} must have a "):
        check(VIEWS | dict.fromkeys(TABLES, PLAIN) | {table: engine})


@pytest.mark.parametrize("view", views())
@pytest.mark.parametrize("engine", [None, PLAIN])
def test_a_feed_that_is_gone_is_refused_by_name(view: str, engine: str | None) -> None:
    others = {name: said for name, said in VIEWS.items() if name != view}
    instead = {} if engine is None else {view: engine}
    first = "" if engine is None else f"take away what has the name {view} first; "
    told = rf"the feed {view} is gone.* {views()[view]}; {first}a start with MOTCUA_REPAIR=1 makes it anew"
    with pytest.raises(WarehouseMismatchError, match=told):
        check(others | instead | dict.fromkeys(TABLES, PLAIN))


def test_who_can_put_it_back_is_told() -> None:
    shrunk = dict.fromkeys(TABLES, PLAIN) | {"figures": PLAIN.replace("10000", "9")}
    with pytest.raises(WarehouseMismatchError, match="twice; a start with MOTCUA_REPAIR=1 makes it anew"):
        check(VIEWS | shrunk)
    cluster = dict.fromkeys(TABLES, "Distributed('{cluster}', 'd', 'facts_local', log_partition)")
    local = {f"{table}_local": WHOLE for table in TABLES}
    with pytest.raises(WarehouseMismatchError, match=r"figures; make it anew .* --replicated --print"):
        check({name: VIEWS[name] for name in VIEWS if name != "figures_feed"} | cluster | local)
    with pytest.raises(WarehouseMismatchError, match=r"would count twice$"):
        check(VIEWS | cluster | local | {"figures_local": WHOLE.replace("10000", "9")})
