"""The broker's administration, typed: the only module here that imports the Kafka client.

Every failure leaves as `BrokerUnavailableError` (try again later) or `TopicError` (a person must act).
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from contracts.clients import connected
from contracts.topics import Topic

_ALREADY_EXISTS = 36
_REQUEST_MS = 10_000
_CONNECT_SECONDS = 3.0


class BrokerUnavailableError(Exception):
    """The broker did not answer; the same call may succeed later."""


class TopicError(Exception):
    """A topic is not what the contracts say, or the broker refused it; repeating will not help."""


@dataclass(frozen=True)
class Standing:
    """A topic as it stands on the broker. `config` is empty where the broker does not tell."""

    partitions: int
    replication: int
    config: Mapping[str, str]


class Admin:
    """A connection to the broker. Use as a context manager. Blocking; raises BrokerUnavailableError."""

    def __init__(self, bootstrap: str, *, connect_seconds: float = 10.0) -> None:
        listening = _wait_for_listeners(bootstrap, connect_seconds)
        try:
            self._client = connected(
                KafkaAdminClient,
                bootstrap_servers=listening,
                client_id="motcua-admin",
                bootstrap_timeout_ms=int(connect_seconds * 1000),
                request_timeout_ms=_REQUEST_MS,
            )
        except KafkaError as error:
            raise BrokerUnavailableError(f"no broker answers at {bootstrap}: {error}") from error

    def __enter__(self) -> Admin:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def servers(self) -> int:
        """How many brokers the cluster has now."""
        try:
            return len(self._client.describe_cluster()["brokers"])
        except KafkaError as error:
            raise BrokerUnavailableError(f"the brokers do not tell who they are: {error}") from error

    def standing(self, names: Iterable[str]) -> dict[str, Standing]:
        """The topics among `names` that exist."""
        wanted = set(names)
        try:
            rows = [row for row in self._client.describe_topics() if row["name"] in wanted]
            found = [ConfigResource(ConfigResourceType.TOPIC, row["name"], None) for row in rows]
            configs = self._client.describe_configs(found, config_filter="all") if found else {}
        except KafkaError as error:
            raise BrokerUnavailableError(f"the broker did not describe its topics: {error}") from error
        by_name = {name: entry for kind in configs.values() for name, entry in kind.items()}
        return {
            row["name"]: Standing(
                partitions=len(row["partitions"]),
                replication=min((len(p["replica_nodes"]) for p in row["partitions"]), default=0),
                config={key: str(item["value"]) for key, item in (by_name.get(row["name"]) or {}).items()},
            )
            for row in rows
        }

    def create(self, topics: Iterable[Topic]) -> None:
        """Create `topics`; one that came into being meanwhile is left as it is. Raises TopicError."""
        asked = {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": topic.replication_factor,
                "configs": topic.config,
            }
            for topic in topics
        }
        if not asked:
            return
        try:
            answer = self._client.create_topics(
                asked, timeout_ms=_REQUEST_MS, raise_errors=False, wait_for_metadata=True
            )
        except KafkaError as error:
            raise BrokerUnavailableError(f"the broker did not create the topics: {error}") from error
        refused = [row for row in answer["topics"] if row["error_code"] not in (0, _ALREADY_EXISTS)]
        if refused:
            reasons = "; ".join(
                f"{row['name']}: {row['error_message'] or 'error code ' + str(row['error_code'])}"
                for row in refused
            )
            raise TopicError(f"the broker refused to create {reasons}")


def _wait_for_listeners(bootstrap: str, seconds: float) -> list[str]:
    """The addresses that accept a connection, once one does. Raises BrokerUnavailableError when none does.

    The client library must not meet a refused connection: it leaves the socket open, and when it gives up,
    its thread goes on trying.
    """
    until = time.monotonic() + seconds
    while True:
        patience = min(_CONNECT_SECONDS, max(0.1, until - time.monotonic()))
        found = [address for address in bootstrap.split(",") if _accepts(address, patience)]
        if found:
            return found
        if time.monotonic() >= until:
            raise BrokerUnavailableError(f"no broker answers at {bootstrap}")
        time.sleep(0.05)


def _accepts(address: str, seconds: float) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=seconds):
            return True
    except (ValueError, OverflowError) as error:
        raise BrokerUnavailableError(f"{address!r} is no host:port") from error
    except OSError:
        return False
