"""Analytics and the warehouse as real processes: killed and frozen at work, ten times."""

from __future__ import annotations

import pytest

from tests.brokers import KIND
from tests.crash.sink.run import main

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_killed_and_frozen_at_work(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--seed", "1", "--schedules", "10", "--real", "1", "--broker", KIND.value])
    out, err = capsys.readouterr()
    assert out == "schedules 10, missing 0, doubled 0, mismatched 0\n", err
    assert code == 0
