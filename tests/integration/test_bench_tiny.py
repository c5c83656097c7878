"""The benches of the engine on a handful of dossiers: each contestant does its task, and all is counted."""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench import freshness, rig, sink
from bench.chain import chain
from bench.latency import Load, measure
from bench.workflow import COUNTING, NOTHING, OURS, STOCK, Task, one_run
from deploy.local.broker import BrokerKind
from deploy.local.stack import LocalStack

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]


@pytest.mark.parametrize("name", [OURS, STOCK, COUNTING, NOTHING])
def test_every_contestant_reads_everything_and_leaves_what_it_must(name: str) -> None:
    task = Task(BrokerKind.TANSU, 40, 90.0, datetime.now(UTC) - timedelta(hours=1))
    run = one_run(name, task)
    assert run.records == task.records
    assert run.seconds > 0


def test_every_command_of_the_load_is_decided_within_its_wait(tmp_path: Path) -> None:
    with LocalStack(tmp_path / "home") as stack:
        found = asyncio.run(measure(stack, Load(rate=20, warm_up=2, seconds=8, seed=1)))
    assert {one.status for one in found.asked} <= {200, 201}
    assert all(len(hop) == len(found.asked) for hop in found.hops.values())
    assert {"broker", "workflow", "intake", "analytics"} <= set(found.cpu)


def test_the_chain_counts_every_dossier() -> None:
    used = chain(BrokerKind.TANSU, 20, 60.0)
    assert all(seconds >= 0 for seconds in used.values())
    assert {"broker", "workflow", "intake", "analytics", "warehouse"} == set(used)


@pytest.mark.parametrize("name", [sink.OURS, sink.BARE, sink.CLIENT])
def test_the_sink_and_its_readers_handle_every_fact(name: str) -> None:
    with rig.own_broker(BrokerKind.TANSU) as bootstrap:
        ends = asyncio.run(rig.fill_facts(bootstrap, 40 * sink.EACH, datetime.now(UTC) - timedelta(hours=1)))
        run = sink.one_run(name, sink.Task(BrokerKind.TANSU, bootstrap, 40, ends, 60.0, {}))
    assert run.records == 40 * 11
    assert run.seconds > 0


def test_every_fact_is_seen_after_it_was_acked_and_the_figures_are_proven(tmp_path: Path) -> None:
    options = argparse.Namespace(rates=[30.0, 300.0], warm_up=1.0, seconds=2.0, idle=1.0, seed=1)
    with LocalStack(tmp_path / "home") as stack:
        runs, idling = freshness.measure(stack, options)
    assert [len(run.journeys) for run in runs] == [60, 600]
    assert all(one.due <= one.sent <= one.acked <= one.visible for run in runs for one in run.journeys)
    assert {"broker", "warehouse", "analytics"} <= set(idling)
