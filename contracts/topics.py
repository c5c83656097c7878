"""Topics as data: names, partitions, retention, who writes and who reads.

``contracts/topics.toml`` is the source; every stack creates its topics from it. Nothing here talks to
a broker.
"""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Final

import msgspec

COMMANDS: Final = "dossier.commands.v1"
COMMANDS_DLQ: Final = "dossier.commands.v1.dlq"
FACTS: Final = "dossier.events.v1"
FACTS_DLQ: Final = "dossier.events.v1.dlq"
OUTCOMES: Final = "dossier.outcomes.v1"
STATES: Final = "workflow.dossiers.v1"
LAW: Final = "law.v1"
SERIALS: Final = "intake.serials.v1"
INTENTS: Final = "analytics.intents.v1"


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """One topic. ``config`` holds the broker's own setting names, values as text."""

    name: str
    purpose: str
    key: str
    partitions: int
    producers: tuple[str, ...]
    consumers: tuple[str, ...]
    config: dict[str, str]
    replication_factor: int
    dlq: str | None = None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def load_topics() -> dict[str, Topic]:
    """Every topic by name, defaults merged in, in the order of the file."""
    source = resources.files("contracts").joinpath("topics.toml").read_text(encoding="utf-8")
    data = tomllib.loads(source)
    shared = {k: v for k, v in data["defaults"].items() if k != "replication.factor"}
    topics: dict[str, Topic] = {}
    for name, row in data["topics"].items():
        count = row["partitions"]
        topics[name] = Topic(
            name=name,
            purpose=row["purpose"],
            key=row["key"],
            partitions=data["dossier_partitions"] if count == "dossiers" else count,
            producers=tuple(row["producers"]),
            consumers=tuple(row["consumers"]),
            config={k: _text(v) for k, v in {**shared, **row["config"]}.items()},
            replication_factor=data["defaults"]["replication.factor"],
            dlq=row.get("dlq"),
        )
    return topics


TOPICS: Final = load_topics()
DOSSIER_PARTITIONS: Final = TOPICS[COMMANDS].partitions
