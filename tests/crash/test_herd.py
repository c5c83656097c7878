"""A small herd: all due in the same second, the worker killed in the middle, and the proof afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.topics import DOSSIER_PARTITIONS
from contracts.words import Clock
from services.workflow.adapters.topics import PartitionTopics, Topics
from services.workflow.engine.verify import verify
from tests.brokers import running_broker
from tests.crash.herd.round import stampede_on

DOSSIERS = 12_000


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_herd_is_fired_once_each_also_when_the_worker_dies_in_the_middle(tmp_path: Path) -> None:
    with running_broker(tmp_path) as bootstrap:
        result = stampede_on(bootstrap, tmp_path, DOSSIERS, lead=40, kill=True)
        assert result.again is not None
        assert 0 < result.at_kill < DOSSIERS, "not in the middle: this proves nothing"
        assert (result.lost, result.doubled) == (0, 0)
        assert result.commands > 0, "nothing was asked beside it"
        topics = Topics([bootstrap])
        reports = [
            verify(number, Clock.SYSTEM, PartitionTopics(topics, number))
            for number in range(DOSSIER_PARTITIONS)
        ]
    said = [line for report in reports for line in report.samples]
    assert all(report.clean for report in reports), said
    assert sum(report.dossiers for report in reports) > DOSSIERS
