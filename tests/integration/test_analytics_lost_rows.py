"""Raw rows that are gone: a rebuild must not spread that to the roll-ups. On the real engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.analytics import reading, reconcile
from services.analytics.rebuild import RowsDifferError
from tests.integration.test_analytics_rollups import House, a_house, lose
from tests.warehouse_process import WarehouseProcess


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Whose sink says how many rows it has inserted."""
    monkeypatch.setattr(reconcile, "DOSSIER_PARTITIONS", 16)
    process = WarehouseProcess(tmp_path / "data")
    try:
        with a_house(process) as one:
            one.hold.said = lambda: Counter(row.log_partition for row in one.rows())
            yield one
    finally:
        process.kill()


def test_a_rebuild_refuses_other_raw_rows_than_were_inserted(house: House) -> None:
    house.all(60)
    figures = reading.figures(house.connection, reading.Slice())
    one = next(row for row in house.rows() if row.log_partition == 8)
    for where in ("log_partition = 8", f"log_partition = 8 AND log_offset = {one.log_offset}"):
        lose("facts", where)(house)
        with pytest.raises(RowsDifferError, match=r"partition 8: .* `motcua reconcile --repair`"):
            house.reconciler().rebuild()
        assert reading.figures(house.connection, reading.Slice()) == figures
        house.assert_right()
        assert house.beside() == []
        assert all(one.clean for one in house.reconciler().repair().after)
    assert house.reconciler().rebuild()
    house.assert_right()
