"""Three servers of Apache Kafka with the settings of production: copies, loss of one, loss of two.

Where servers are down the client is aiokafka: kafka-python keeps the socket of every refused connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaProducer
from kafka.errors import KafkaError as PythonKafkaError

from contracts.topics import COMMANDS, DOSSIER_PARTITIONS, FACTS, LAW, TOPICS
from deploy.kafka.admin import Admin
from deploy.kafka.topics import differences
from tests.brokers import OwnBroker, needs_apache
from tests.copies import most_leading, wait_for_copies

pytestmark = [needs_apache, pytest.mark.slow, pytest.mark.timeout(300)]

PATIENCE: Final = 90.0
ALONE: Final = 12.0
"""Seconds without a second copy: longer than the servers take to notice that the others are gone."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnBroker]:
    broker = OwnBroker(tmp_path_factory.mktemp("cluster"), 3)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()


@asynccontextmanager
async def producing(cluster: OwnBroker) -> AsyncIterator[AIOKafkaProducer]:
    """A producer set as the workflow's."""
    producer = AIOKafkaProducer(
        bootstrap_servers=cluster.bootstrap, acks="all", enable_idempotence=True, request_timeout_ms=30_000
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def stored(cluster: OwnBroker, topic: str) -> dict[int, list[bytes]]:
    """Every record of a topic, by partition, in order."""
    consumer = AIOKafkaConsumer(bootstrap_servers=cluster.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        parts = [TopicPartition(topic, number) for number in range(TOPICS[topic].partitions)]
        consumer.assign(parts)
        await consumer.seek_to_beginning(*parts)
        ends = await consumer.end_offsets(parts)
        found: dict[int, list[bytes]] = {part.partition: [] for part in parts}
        async with asyncio.timeout(PATIENCE):
            while any([await consumer.position(part) < ends[part] for part in parts]):
                for part, records in (await consumer.getmany(timeout_ms=200)).items():
                    found[part.partition] += [record.value for record in records]
        return found
    finally:
        await consumer.stop()


def test_every_topic_is_what_the_contracts_say_with_nothing_lowered(cluster: OwnBroker) -> None:
    with Admin(cluster.bootstrap) as admin:
        assert admin.servers() == 3
        found = admin.standing(TOPICS)
    assert {name: differences(topic, found[name]) for name, topic in TOPICS.items()} == {
        name: [] for name in TOPICS
    }
    # Told by the broker, not skipped because it is silent.
    assert {one.config["min.insync.replicas"] for one in found.values()} == {"2"}
    assert {one.replication for one in found.values()} == {3}


def test_a_topic_nobody_created_does_not_come_into_being(cluster: OwnBroker) -> None:
    hopeful = KafkaProducer(
        bootstrap_servers=cluster.bootstrap.split(","), allow_auto_create_topics=True, max_block_ms=3_000
    )
    try:
        with pytest.raises(PythonKafkaError):
            hopeful.send("dossier.comands.v1", b"{}").get(timeout=10)
    finally:
        hopeful.close(timeout=1)
    with Admin(cluster.bootstrap) as admin:
        assert admin.standing(["dossier.comands.v1"]) == {}


async def _law(cluster: OwnBroker, leader: str, second: str) -> None:
    """A hundred changes, half of them after the death of `leader`; one more while `second` is dead too."""
    async with producing(cluster) as producer:
        for number in range(50):
            await producer.send_and_wait(LAW, b"%d" % number, partition=0)
        await asyncio.to_thread(cluster.kill, leader)
        for number in range(50, 100):
            await producer.send_and_wait(LAW, b"%d" % number, partition=0)
        await asyncio.to_thread(cluster.kill, second)
        waiting = await producer.send(LAW, b"100", partition=0)
        done, _ = await asyncio.wait({waiting}, timeout=ALONE)
        assert not done, "one server alone has acknowledged a record"
        cluster.start(leader, second, topics=False)
        assert (await waiting).offset == 100


def test_one_server_may_be_lost_and_with_two_lost_nothing_is_acknowledged(cluster: OwnBroker) -> None:
    leader = most_leading(cluster, LAW)
    second = next(name for name in cluster.names if name != leader)
    asyncio.run(_law(cluster, leader, second))
    wait_for_copies(cluster, PATIENCE)
    assert asyncio.run(stored(cluster, LAW)) == {0: [b"%d" % number for number in range(101)]}


async def _many(cluster: OwnBroker, topic: str, count: int, victim: str) -> None:
    """`count` records over all partitions, SIGKILL to `victim` while half of them are under way."""
    async with producing(cluster) as producer:
        sent = []
        for number in range(count):
            sent.append(await producer.send(topic, b"%d" % number, partition=number % DOSSIER_PARTITIONS))
            if number == count // 2:
                await asyncio.wait(sent[: count // 4])
                await asyncio.to_thread(cluster.kill, victim)
        await asyncio.gather(*sent)


@pytest.mark.parametrize("topic", [COMMANDS, FACTS])
def test_an_idempotent_producer_writes_once_and_in_order_when_a_leader_dies(
    cluster: OwnBroker, topic: str
) -> None:
    count = 4_000
    victim = most_leading(cluster, topic)
    asyncio.run(_many(cluster, topic, count, victim))
    cluster.start(victim, topics=False)
    wait_for_copies(cluster, PATIENCE)
    found = asyncio.run(stored(cluster, topic))
    for partition, values in found.items():
        assert values == [b"%d" % number for number in range(partition, count, DOSSIER_PARTITIONS)]
