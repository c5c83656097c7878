"""Brings a broker's topics to what `contracts/topics.toml` says, and never changes one that exists.

A topic that exists with another partition count or setting is an error naming it: partition counts are
fixed for life, and a weakened retention or replication must be a person's decision. Settings are
verified where the broker tells them.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from contracts.topics import TOPICS, Topic
from deploy.kafka.admin import Admin, BrokerUnavailableError, Standing, TopicError

_MIN_ISR = "min.insync.replicas"
_RETRY_SECONDS = 0.2


@dataclass(frozen=True)
class Report:
    """What `ensure_topics` did, topic names in the order of the contracts."""

    created: tuple[str, ...]
    verified: tuple[str, ...]


def planned(replication: int | None = None, topics: Mapping[str, Topic] = TOPICS) -> dict[str, Topic]:
    """The topics for a cluster with `replication` copies (None: as the contracts say).

    Fewer copies lower the number of copies that must be in step to one below it, at least one; nothing
    else is lowered. Raises ValueError for less than one copy.
    """
    if replication is None:
        return dict(topics)
    if replication < 1:
        raise ValueError(f"replication must be at least 1, got {replication}")
    result: dict[str, Topic] = {}
    for name, topic in topics.items():
        in_step = min(int(topic.config.get(_MIN_ISR, "1")), max(1, replication - 1))
        result[name] = msgspec.structs.replace(
            topic, replication_factor=replication, config={**topic.config, _MIN_ISR: str(in_step)}
        )
    return result


def differences(wanted: Topic, found: Standing) -> list[str]:
    """How `found` departs from `wanted`, one sentence each. Settings the broker does not tell are skipped."""
    said: list[str] = []
    if found.partitions != wanted.partitions:
        said.append(f"{wanted.name} has {found.partitions} partitions, the contracts say {wanted.partitions}")
    if found.replication < wanted.replication_factor:
        said.append(
            f"{wanted.name} has replication factor {found.replication}, expected {wanted.replication_factor}"
        )
    said += [
        f"{wanted.name} has {key}={found.config[key]}, the contracts say {value}"
        for key, value in wanted.config.items()
        if key in found.config and found.config[key] != value
    ]
    return said


def ensure_topics(bootstrap: str, replication: int | None = None, *, patience: float = 30.0) -> Report:
    """Create the missing topics and verify the others.

    For `patience` seconds it tries again when no broker answers, or fewer than there are copies to be made: a
    cluster that has just started is not whole at once. Then it raises BrokerUnavailableError. Raises
    TopicError naming every difference.
    """
    wanted = planned(replication)
    created: set[str] = set()
    until = time.monotonic() + patience
    while True:
        try:
            with Admin(bootstrap, connect_seconds=max(0.1, until - time.monotonic())) as admin:
                _create(admin, wanted, created)
                return _verified(admin, wanted, created)
        except BrokerUnavailableError:
            if time.monotonic() >= until:
                raise
            time.sleep(_RETRY_SECONDS)


def _create(admin: Admin, wanted: Mapping[str, Topic], created: set[str]) -> None:
    """Create what is missing, noting it in `created` before: an answer can be lost."""
    before = admin.standing(wanted)
    missing = [topic for name, topic in wanted.items() if name not in before]
    if not missing:
        return
    copies, servers = max(topic.replication_factor for topic in missing), admin.servers()
    if servers < copies:
        raise BrokerUnavailableError(
            f"{copies} copies of each partition need as many brokers; {servers} answer"
        )
    created.update(topic.name for topic in missing)
    admin.create(missing)


def _verified(admin: Admin, wanted: Mapping[str, Topic], created: Collection[str]) -> Report:
    after = admin.standing(wanted)
    absent = [f"{name} is still missing" for name in wanted if name not in after]
    wrong = [line for name in after for line in differences(wanted[name], after[name])]
    if absent or wrong:
        raise TopicError("; ".join(absent + wrong))
    return Report(
        tuple(name for name in wanted if name in created),
        tuple(name for name in wanted if name not in created),
    )
