"""A warehouse process that tests of the endpoint share; what needs limits or an end of its own starts one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from clickhouse_driver import Client

from tests.warehouse_process import WarehouseProcess


@pytest.fixture(scope="session")
def own_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    process = WarehouseProcess(tmp_path_factory.mktemp("warehouse") / "data")
    yield process
    process.kill()


@pytest.fixture
def client(own_warehouse: WarehouseProcess) -> Iterator[Client]:
    """A client with an empty database of its own."""
    with own_warehouse.client() as admin:
        admin.execute("DROP DATABASE IF EXISTS t")
        admin.execute("CREATE DATABASE t")
    with own_warehouse.client(database="t") as own:
        yield own
