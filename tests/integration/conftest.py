"""A warehouse process for the tests of the endpoint, and one for a file. What needs limits starts its own."""

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


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarehouseProcess]:
    """A warehouse of a file's own, whose tables its tests may damage."""
    one = WarehouseProcess(tmp_path_factory.mktemp("process") / "data")
    yield one
    one.kill()


@pytest.fixture
def client(own_warehouse: WarehouseProcess) -> Iterator[Client]:
    """A client with an empty database of its own."""
    with own_warehouse.client() as admin:
        admin.execute("DROP DATABASE IF EXISTS t")
        admin.execute("CREATE DATABASE t")
    with own_warehouse.client(database="t") as own:
        yield own
