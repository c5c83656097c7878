"""What a topic is, beyond its name: the id the brokers gave it when it was created.

aiokafka does not ask for it; this is the only place where workflow uses kafka-python.
"""

from __future__ import annotations

import time

from kafka.admin import KafkaAdminClient

from services.workflow.settings import Settings


class UnknownTopicError(Exception):
    """A topic that every stack creates before its services is not there: crash, and start again."""


def topic_id(settings: Settings, topic: str) -> str:
    """The id of `topic`, empty where brokers know none. Waits half a minute for a broker and the topic."""
    deadline = time.monotonic() + 30
    admin = KafkaAdminClient(
        bootstrap_servers=list(settings.bootstrap),
        client_id=f"{settings.instance}-topics",
        bootstrap_timeout_ms=30_000,
    )
    try:
        while True:
            (found,) = admin.describe_topics([topic])
            if found["error_code"] == 0:
                return str(found.get("topic_id") or "")
            if time.monotonic() > deadline:
                raise UnknownTopicError(f"{topic} does not exist (broker error {found['error_code']})")
            time.sleep(0.5)
    finally:
        admin.close()
