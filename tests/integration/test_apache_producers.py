"""Three servers of Apache Kafka tell of our producers: every record was written with a sequence number.

A server that is asked for its producers names the idempotent ones alone, with the number of their last record
in a partition; a fresh partition's numbers must add up to its records. The clients give such numbers only
with acks=all, and min.insync.replicas=2 makes "all" mean two (test_apache_cluster.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition

from contracts.topics import COMMANDS, FACTS, OUTCOMES, STATES
from contracts.words import Clock, Role
from deploy.local.broker import BrokerKind
from tests.brokers import OwnBroker, needs_apache
from tests.crash.harness.burst import Burst, Days
from tests.crash.harness.judging import PARTITIONS, Logbook
from tests.crash.harness.processes import Processes

pytestmark = [needs_apache, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[OwnBroker]:
    broker = OwnBroker(tmp_path, 3)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


def numbered(bootstrap: str, topic: str) -> dict[int, int]:
    """How many records of each partition its idempotent producers have written, as the leaders tell."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap.split(","))
    try:
        told = admin.describe_producers([TopicPartition(topic, number) for number in PARTITIONS])
    finally:
        admin.close()
    return {
        part.partition: sum(one.last_sequence + 1 for one in state.active_producers)
        for part, state in told.items()
    }


def test_every_record_of_ours_has_a_producer_and_a_number(cluster: OwnBroker, tmp_path: Path) -> None:
    us = Processes(tmp_path, cluster.bootstrap, BrokerKind.APACHE, Clock.SYSTEM.value)
    book = Logbook(cluster.bootstrap, Clock.SYSTEM)
    try:
        us.begin()
        with us.client(Role.IMPORTER) as client:
            burst = Burst(client, Days(Clock.SYSTEM), "numbered")
            burst.start()
            burst.finish()
        us.wait(book.all_decided, "the burst to be decided")
    finally:
        us.end()
    book.read_on()
    assert not book.judge()
    for topic in (COMMANDS, FACTS, OUTCOMES, STATES):
        records = {number: len(book.rows(topic, number)) for number in PARTITIONS}
        assert numbered(cluster.bootstrap, topic) == records
        assert all(records.values())
