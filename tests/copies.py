"""Copies of a cluster under test: who leads, and whether all are in step.

The client is aiokafka: where servers are down, kafka-python keeps the socket of every refused connection.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.topics import TOPICS
from tests.brokers import OwnBroker
from tests.waiting import wait_until


async def described(cluster: OwnBroker, *topics: str) -> list[dict[str, Any]]:
    """What the cluster knows of each partition of the topics, in order: partition, leader, replicas, isr."""
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:
        rows = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    return sorted((one for row in rows for one in row["partitions"]), key=lambda one: int(one["partition"]))


def wait_for_copies(cluster: OwnBroker, seconds: float) -> None:
    """Until every copy of every partition of every topic is in step."""
    partitions = sum(topic.partitions for topic in TOPICS.values())
    copies = len(cluster.names)

    def whole() -> bool:
        try:
            found = asyncio.run(described(cluster, *TOPICS))
        except KafkaError:
            return False
        return len(found) == partitions and all(len(one["isr"]) == copies for one in found)

    wait_until(whole, seconds, "every copy to be in step", every=0.5)


def leaders(cluster: OwnBroker, topic: str) -> list[str]:
    """The server that leads each partition of a topic, by its name in the cluster."""
    nodes = [int(one["leader"]) for one in asyncio.run(described(cluster, topic))]
    return [cluster.names[node - 1] for node in nodes]


def most_leading(cluster: OwnBroker, topic: str) -> str:
    """The server that leads most partitions of a topic."""
    names = leaders(cluster, topic)
    return max(set(names), key=names.count)
